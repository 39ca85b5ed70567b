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
        source: The address of its server, which takes the POST. Or a function that takes a `RunAgentInput` and yields
            events.
        headers: Additional headers, such as a key; or a function of the request.
        tools: Tools that the agent may call: `RUN_PYTHON`, `ASK_USER`, and tools of the host.
        state: The state in the first turn; or a function of the request.
        context: Texts for the agent, each with `description` and `value`; or a function of the request.
        forwarded_props: Additional properties for the server's framework; or a function of the request.
        sees: Whether the agent gets pictures and other files that are not text. Otherwise, and if a server of 0.x
            refuses parts, it gets only their names.
        file_bytes: How many bytes of the conversation's files it gets, the latest first.
        silence: The longest time without data from the server, in seconds.
        name: The name of the agent, if several agents share a store. It must stay the same.
        transport: An httpx transport, for tests and special networks.

    Raises:
        ValueError: The address is not valid, or two tools have the same name.
        TypeError: An argument has the wrong type.
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
