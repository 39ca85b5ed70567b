"""The options of `openai(…)`, checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ... import checks
from ...agent import Request
from ...events import JSON
from ...files.file import File
from ..attachments import MOST, UNREAD, UNSEEN
from ..tools import AnyTool, RunPython, Tool, tool

SystemPrompt: TypeAlias = str | Callable[[Request], str | Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a model; `openai(…)` documents them.

    Attributes:
        name: Identifies the agent's runs if several agents share a store.
        api: `auto` tries chat completions first, then responses.
        tools: The tools by name.
        history: The most characters of the conversation that the model receives; `None` for all.
        rounds: How often it may call tools before it must answer.
        sees: Whether it receives the pictures that scripts draw and users send.
        reads: The other types of files that it receives whole.
        file_bytes: The most bytes of files that it receives, latest first.
        send_reasoning: Whether it receives its earlier reasoning.
    """

    model: str
    name: str = "openai"
    api: Literal["chat", "responses", "auto"] = "chat"
    system: SystemPrompt = ""
    tools: Mapping[str, AnyTool] = field(default_factory=dict)
    extra: Mapping[str, JSON] = field(default_factory=dict)
    history: int | None = None
    rounds: int = 20
    sees: bool = False
    reads: tuple[str, ...] = ()
    file_bytes: int = MOST
    send_reasoning: bool = False

    def __post_init__(self) -> None:
        checks.text("model", self.model, empty=False)
        checks.text("name", self.name, empty=False)
        checks.one_of("api", self.api, ("chat", "responses", "auto"))
        if not callable(self.system):
            checks.text("system", self.system)
        if self.history is not None:
            checks.whole("history", self.history)
        checks.whole("rounds", self.rounds, least=1)
        checks.flag("sees", self.sees)
        checks.whole("file_bytes", self.file_bytes)
        checks.flag("send_reasoning", self.send_reasoning)
        for name in self.extra:
            checks.text("extra", name, empty=False)

    def wants(self, file: File) -> str:
        """Return why the model is not given a file, in words for it."""
        if file.is_picture:
            return "" if self.sees else UNSEEN
        return "" if file.is_text or file.media_type in self.reads else UNREAD

    @property
    def script_tool(self) -> str:
        """The name of the tool that runs scripts."""
        names = (each.name for each in self.tools.values() if isinstance(each, RunPython))
        return next(names, RunPython().name)


def by_name(tools: Iterable[Any]) -> dict[str, AnyTool]:
    """Return tools by name; functions become tools.

    Raises:
        TypeError: One is not a tool or function.
        ValueError: Two have the same name.
    """
    found: dict[str, AnyTool] = {}
    for each in checks.items("tools", tools, _tool, "[look_up, run_python]"):
        if each.name in found:
            raise ValueError(f"Two tools are named {each.name!r}. Rename one: tool(…, name=…).")
        found[each.name] = each
    return found


def _tool(name: str, given: Any) -> AnyTool:
    return given if isinstance(given, Tool | RunPython) else tool(given)
