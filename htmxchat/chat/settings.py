"""What a host may choose for one chat, checked where it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from .. import checks
from ..auth.login import Login, LoginPages
from ..backend import Backend
from ..files import Files
from ..http.limits import Limits
from ..http.origins import Origins
from ..live.reading import check_reading
from ..look import Look
from ..models import Starter, User
from ..scripts import Scripts

Inspector: TypeAlias = bool | Callable[[User], bool | Awaitable[bool]]

_METHODS = tuple(name for name in vars(Backend) if not name.startswith("_"))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a host chose. `create_chat_app` describes each. No `scripts`: none run. No `files`: none are sent."""

    title: str
    stream: Literal["sse", "poll"]
    starters: tuple[Starter, ...]
    inspector: Inspector
    scripts: Scripts | None
    login_pages: LoginPages | None
    look: Look
    limits: Limits
    origins: Origins
    files: Files | None


def check_backend(backend: Any) -> None:
    """Refuse what is not a backend."""
    if isinstance(backend, type):
        raise TypeError(f"backend is the class {backend.__name__}. Make one of it: {backend.__name__}(…).")
    missing = [name for name in _METHODS if not callable(getattr(backend, name, None))]
    if len(missing) == len(_METHODS):
        made = "LocalBackend(respond) makes one from an async generator"
        raise TypeError(f"backend is not a Backend, but {checks.kind(backend)}. {made}.")
    if missing:
        raise TypeError(f"backend is not a Backend: {type(backend).__name__} lacks {', '.join(missing)}.")
    check_reading(backend)


def check_login(login: Any, *, identify: bool) -> tuple[Login | None, LoginPages | None]:
    """Return the chat's own login, or the host's pages for it.

    Args:
        identify: Whether the host says who asks.
    """
    if isinstance(login, type):
        raise TypeError(f"login is the class {login.__name__}. Make one of it: {login.__name__}(…).")
    if isinstance(login, LoginPages):
        if not identify:
            raise ValueError("login has the pages where your own users sign in: give identify, which says who asks.")
        return None, login
    if login is None:
        return None, None
    if not isinstance(login, Login):
        example = 'KogwistarLogin(url, store), or LoginPages("/login")'
        raise TypeError(f"login is a Login, {example}, not {checks.kind(login)}.")
    if identify:
        raise ValueError("login signs people in by itself: give it, or identify.")
    return login, None


def check_inspector(inspector: Any) -> Inspector:
    """Return who sees the inspector."""
    if isinstance(inspector, bool):
        return inspector
    if isinstance(inspector, type) or not callable(inspector):
        example = "lambda user: user.id in STAFF"
        raise TypeError(f"inspector is True, False or a function, {example}, not {checks.kind(inspector)}.")
    return cast(Inspector, inspector)


def check_scripts(scripts: Any) -> Scripts | None:
    """Return how scripts run; `None` when none do."""
    if scripts is None or scripts is False:
        return Scripts() if scripts is None else None
    return checks.instance("scripts", scripts, Scripts, "Scripts(timeout=60), or False for none")


def check_files(files: Any) -> Files | None:
    """Return what may be sent; `None` when nothing may."""
    if files is None or files is False:
        return Files() if files is None else None
    return checks.instance("files", files, Files, "Files(max_number=3), or False for none")


def check_starters(starters: Any) -> tuple[Starter, ...]:
    """Return what the empty page offers."""
    example = 'Starter("Disk", "How much room is left?")'

    def check(name: str, starter: Any) -> Starter:
        return checks.instance(name, starter, Starter, example)

    return checks.items("starters", starters, check, f"such as [{example}]")


def check_stream(stream: Any) -> Literal["sse", "poll"]:
    """Return how answers arrive."""
    return cast(Literal["sse", "poll"], checks.one_of("stream", stream, ("sse", "poll")))
