"""`ag_ui`: an agent that speaks AG-UI, in one line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ... import checks
from ...agent import Request
from ...events import JSON
from ..attachments import MOST
from .agent import AgUi
from .frontend import BUILT_IN, FrontendTool
from .transport.http import Http, address
from .transport.local import Source

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Setting: TypeAlias = T | Callable[[Request], T] | Callable[[Request], Awaitable[T]]
_SILENCE = 300.0


def ag_ui(
    source: str | Source,
    *,
    headers: Setting[Mapping[str, str] | None] = None,
    tools: Sequence[FrontendTool] = BUILT_IN,
    state: Setting[JSON] = None,
    context: Setting[Sequence[Mapping[str, str]]] = (),
    forwarded_props: Setting[JSON] = None,
    sees: bool = True,
    file_bytes: int = MOST,
    silence: float = _SILENCE,
    name: str = "ag-ui",
    transport: httpx.AsyncBaseTransport | None = None,
) -> AgUi:
    """Return an agent that speaks AG-UI.

    Args:
        source: Where its server is: the address that takes the POST. Or a function that takes a `RunAgentInput` and
            yields events.
        headers: What the server wants besides, such as a key; or a function of the request.
        tools: What is offered to the agent: `RUN_PYTHON` and `ASK_USER`, and tools of the host's.
        state: What the state is in the first turn; or a function of the request.
        context: What the agent is to know, each with `description` and `value`; or a function of the request.
        forwarded_props: What the server's framework takes besides; or a function of the request.
        sees: Whether the agent is given pictures and other files that are no text. Without it, it is told that they are
            there. Servers of 0.x that refuse parts are told so, too.
        file_bytes: How many bytes of the conversation's files it is given, the latest first.
        silence: Seconds that the server may say nothing.
        name: Whose runs these are, where several agents share a store. It has to stay the same.
        transport: For tests and for special networks.

    Raises:
        ValueError: The address is none, or two tools have the same name.
        TypeError: An argument is of another kind.
    """
    offered = checks.items("tools", tools, _tool, "such as [RUN_PYTHON, FrontendTool(…)]")
    names = [tool.name for tool in offered]
    if twice := next((each for each in names if names.count(each) > 1), None):
        raise ValueError(f"tools: there are two with the name {twice!r}.")
    checks.seconds("silence", silence)
    if isinstance(source, str):
        found: Http | Source = Http(address(source), silence, transport)
    elif callable(source):
        found = source
    else:
        raise TypeError(f"source must be an address or a function, not {checks.kind(source)}.")
    return AgUi(
        found,
        name=checks.text("name", name, empty=False),
        headers=headers,
        tools=offered,
        state=state,
        context=context,
        forwarded_props=forwarded_props,
        sees=checks.flag("sees", sees),
        file_bytes=checks.whole("file_bytes", file_bytes),
    )


def _tool(name: str, tool: object) -> FrontendTool:
    return checks.instance(name, tool, FrontendTool, 'FrontendTool("show_card", …)')
