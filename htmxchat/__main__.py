"""`python -m htmxchat`: the command line."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from .cli import main
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("The command line needs click and uvicorn: pip install 'htmxchat[server]'")
    sys.exit(main())
