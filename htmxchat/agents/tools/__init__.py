"""Tools: typed Python functions that a model may call, and Python in the user's browser.

function   makes a tool from a function: name, description, schema, checked arguments
python     run_python: scripts through the approval queue
context    ToolContext: progress and parts of a running tool
using      runs a model's calls: concurrently, after approval, or in the browser
results    converts results to JSON for the page and text for the model
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
