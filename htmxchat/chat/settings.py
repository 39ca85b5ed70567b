"""A host's settings for one chat, and their checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from .. import checks
from ..archive import Imports
from ..auth.login import Login, LoginPages
from ..backend import Backend
from ..feedback import Feedback
from ..feedback.ability import KeepsFeedback
from ..files import Files
from ..http.limits import Limits
from ..http.origins import Origins
from ..live.reading import check_reading
from ..look import Look
from ..models import Run, Starter, User
from ..scripts import Scripts
from ..sharing import Share

OnFeedback: TypeAlias = Callable[[User, Run, Feedback | None], object]
Inspector: TypeAlias = bool | Callable[[User], bool | Awaitable[bool]]

_METHODS = tuple(name for name in vars(Backend) if not name.startswith("_"))


@dataclass(frozen=True, slots=True)
class Settings:
    """A host's settings. `create_chat_app` documents each. `None` disables what it stands for."""

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
    feedback: OnFeedback | Literal[False] | None
    imports: Imports | None
    share: Share | None


def check_backend(backend: Any) -> None:
    """Raise `TypeError` if the argument is not a backend."""
    if isinstance(backend, type):
        raise TypeError(f"backend is the class {backend.__name__}. Pass an instance: {backend.__name__}(…).")
    missing = [name for name in _METHODS if not callable(getattr(backend, name, None))]
    if len(missing) == len(_METHODS):
        made = "LocalBackend(respond) makes one from an async generator function"
        raise TypeError(f"backend is not a Backend, but {checks.kind(backend)}. {made}.")
    if missing:
        raise TypeError(f"backend is not a Backend: {type(backend).__name__} lacks {', '.join(missing)}.")
    check_reading(backend)


def check_login(login: Any, *, identify: bool) -> tuple[Login | None, LoginPages | None]:
    """Return the chat's own login, or the host's pages for it.

    Args:
        identify: Whether the host passes `identify`.
    """
    if isinstance(login, type):
        raise TypeError(f"login is the class {login.__name__}. Pass an instance: {login.__name__}(…).")
    if isinstance(login, LoginPages):
        if not identify:
            raise ValueError("login=LoginPages(…) needs identify, which returns your signed-in user.")
        return None, login
    if login is None:
        return None, None
    if not isinstance(login, Login):
        example = 'KogwistarLogin(url, store), or LoginPages("/login")'
        raise TypeError(f"login must be a Login, {example}, not {checks.kind(login)}.")
    if identify:
        raise ValueError("Pass either login or identify, not both.")
    return login, None


def check_inspector(inspector: Any) -> Inspector:
    """Return who may see the inspector."""
    if isinstance(inspector, bool):
        return inspector
    if isinstance(inspector, type) or not callable(inspector):
        example = "lambda user: user.id in STAFF"
        raise TypeError(f"inspector must be True, False or a function, {example}, not {checks.kind(inspector)}.")
    return cast(Inspector, inspector)


def check_scripts(scripts: Any) -> Scripts | None:
    """Return the settings for scripts; `None` if they are disabled."""
    if scripts is False:
        return None
    return checks.optional("scripts", scripts, Scripts, "Scripts(timeout=60), or False for none")


def check_files(files: Any) -> Files | None:
    """Return the settings for files; `None` if they are disabled."""
    if files is False:
        return None
    return checks.optional("files", files, Files, "Files(max_number=3), or False for none")


def check_feedback(feedback: Any, backend: Backend) -> OnFeedback | Literal[False] | None:
    """Return what is told of feedback; `False` if users are not asked for any."""
    if feedback is None or feedback is False:
        return feedback
    example = "def on_feedback(user, run, feedback)"
    if isinstance(feedback, type) or not callable(feedback):
        raise TypeError(f"feedback must be False or a function, {example}, not {checks.kind(feedback)}.")
    if not checks.takes(feedback, 3):
        raise TypeError(f"feedback is called with a user, a run and their feedback: write {example}.")
    if not isinstance(backend, KeepsFeedback):
        raise ValueError("feedback needs a backend that is KeepsFeedback.")
    return cast(OnFeedback, feedback)


def check_imports(imports: Any) -> Imports | None:
    """Return the settings for imports; `None` if they are disabled."""
    if imports is False:
        return None
    return checks.optional("imports", imports, Imports, "Imports(max_turns=500), or False for none")


def check_share(share: Any) -> Share | None:
    """Return the settings for sharing; `None` if nothing is shared."""
    if share is None or share is False:
        return None
    return checks.instance("share", share, Share, "Share(max_days=30), or False for none")


def check_starters(starters: Any) -> tuple[Starter, ...]:
    """Return the starters of the empty page."""
    example = 'Starter("Disk", "How much room is left?")'

    def check(name: str, starter: Any) -> Starter:
        return checks.instance(name, starter, Starter, example)

    return checks.items("starters", starters, check, f"such as [{example}]")


def check_stream(stream: Any) -> Literal["sse", "poll"]:
    """Return how answers arrive."""
    return cast(Literal["sse", "poll"], checks.one_of("stream", stream, ("sse", "poll")))
