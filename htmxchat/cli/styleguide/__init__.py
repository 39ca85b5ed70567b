"""The style guide of the demo: every component in every state, drawn by the chat's own fragments.

To add a component, write a `Sheet` in one of the modules and name it in `pages.SHEETS`.
"""

from .pages import style_guide

__all__ = ["style_guide"]
