"""Tools: typed Python functions that a model may call, and Python in the user's browser.

function   a function -> its name, description and schema; arguments checked
python     run_python: scripts through the approval queue
context    what a running tool can say
using      runs what a model asked for: together, after approval, in the browser
results    its result -> JSON for the page, words for the model
"""

from .context import ToolContext
from .function import Tool, ToolArguments, tool
from .python import RunPython, run_python
from .results import ToolResult, as_text
from .using import APPROVAL, AnyTool, ToolUse, use_tools

__all__ = [
    "APPROVAL",
    "AnyTool",
    "RunPython",
    "Tool",
    "ToolArguments",
    "ToolContext",
    "ToolResult",
    "ToolUse",
    "as_text",
    "run_python",
    "tool",
    "use_tools",
]
