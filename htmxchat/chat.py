"""What one chat is made of: its settings and the parts that serve it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Literal, TypeAlias, TypeVar

import anyio

from .assets import Assets
from .backend import Backend, CanDelete, CanRename, CanRetry, CanSearch, CanStartOnce, KeepsScripts
from .errors import BackendUnavailable, ChatError
from .fragments.shell import Frame
from .fragments.turn_context import TurnContext
from .html import Child
from .identity import Identify
from .limits import Limits, Slots
from .login import Login
from .look import Look, content_for
from .markdown import Markdown
from .models import Run, Starter, User
from .relay import Relay
from .scripts import Scripts
from .stopping import ServerStop
from .submissions import Submissions
from .urls import Urls

T = TypeVar("T")
Inspector: TypeAlias = bool | Callable[[User], bool | Awaitable[bool]]
_log = logging.getLogger("htmxchat")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a host may choose. `create_chat_app` describes each. No `scripts`: none run."""

    title: str
    greeting: str
    introduction: str
    starters: tuple[Starter, ...]
    agent: str
    stream: Literal["sse", "poll"]
    poll_interval: float
    backend_timeout: float
    login_url: str | None
    logout_url: str | None
    inspector: Inspector
    look: Look
    stylesheets: tuple[str, ...]
    limits: Limits
    scripts: Scripts | None
    frame_ancestors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chat:
    """One mounted chat. Everything that lives as long as the app lives here; modules hold no state."""

    backend: Backend
    identify: Identify
    settings: Settings
    markdown: Markdown
    assets: Assets
    relay: Relay
    streams: Slots
    requests: Slots
    stop: ServerStop
    login: Login | None = None
    submissions: Submissions = field(default_factory=Submissions)

    async def may_inspect(self, user: User) -> bool:
        """Return whether this user sees the inspector, and what tools were given and gave back."""
        inspector = self.settings.inspector
        if isinstance(inspector, bool):
            return inspector
        answer = inspector(user)
        return bool(await answer if isawaitable(answer) else answer)

    def frame(self, urls: Urls, user: User | None) -> Frame:
        """Return what stands around every page of this user."""
        settings, look = self.settings, self.settings.look
        return Frame(
            brand=settings.title,
            stylesheets=tuple(map(urls.at_host, settings.stylesheets)),
            logo=self.logo(urls),
            favicon=urls.at_host(look.favicon) if look.favicon else None,
            header=self._content("header", urls, user),
            footer=self._content("footer", urls, user),
        )

    def logo(self, urls: Urls) -> str | None:
        """Return the address of the host's logo, if it has one."""
        return urls.at_host(self.settings.look.logo) if self.settings.look.logo else None

    def empty(self, urls: Urls, user: User) -> Child:
        """Return the host's own empty page, if it has one."""
        return self._content("empty", urls, user)

    def _content(self, name: Literal["header", "footer", "empty"], urls: Urls, user: User | None) -> Child:
        try:
            return content_for(user, getattr(self.settings.look, name), urls)
        except Exception:
            # A page without it is better than none; the pages that say what failed have it too.
            _log.exception("Look.%s failed", name)
            return None

    def turn_context(self, urls: Urls, *, can_inspect: bool) -> TurnContext:
        """Return what this chat's turns need, for pages at `urls`."""
        return TurnContext(
            urls=urls,
            markdown=self.markdown,
            stream=self.settings.stream,
            poll_interval=self.settings.poll_interval,
            can_retry=isinstance(self.backend, CanRetry),
            agent=self.settings.agent,
            can_run_scripts=self.can_run_scripts,
            inspector="here" if can_inspect else None,
        )

    @property
    def can_rename(self) -> bool:
        return isinstance(self.backend, CanRename)

    @property
    def can_delete(self) -> bool:
        return isinstance(self.backend, CanDelete)

    @property
    def scripts(self) -> Scripts | None:
        """How scripts run; `None` without a queue: the host wants none, or the backend keeps none."""
        return self.settings.scripts if isinstance(self.backend, KeepsScripts) else None

    @property
    def can_run_scripts(self) -> bool:
        return self.scripts is not None

    @property
    def trust(self) -> bool:
        """Whether people may let the scripts of a conversation run without looking at each."""
        return self.scripts is not None and self.scripts.trust

    @property
    def deletion_notice(self) -> str:
        notice: str = getattr(self.backend, "deletion_notice", "Conversation deleted.")
        return notice

    @property
    def can_search(self) -> bool:
        return isinstance(self.backend, CanSearch)

    async def start_run(self, user: User, conversation_id: str | None, text: str, submission: str | None) -> Run:
        """Have the backend start a run; a submission that came before returns the run that it started then."""
        backend = self.backend
        if submission is None:
            return await self.ask(backend.start_run(user, conversation_id, text))
        if isinstance(backend, CanStartOnce):
            return await self.ask(backend.start_run_once(user, conversation_id, text, submission))
        key = user.id, conversation_id, text, submission
        return await self.submissions.once(key, lambda: self.ask(backend.start_run(user, conversation_id, text)))

    async def ask(self, answer: Awaitable[T]) -> T:
        """Return what the backend answers.

        Raises:
            BackendUnavailable: It took longer than `backend_timeout` seconds.
            ChatError: What the backend raises; an error that is none becomes one, and is in the log only. So does an
                exit: nobody's request ends the server.
        """
        try:
            with anyio.fail_after(self.settings.backend_timeout):
                return await answer
        except ChatError:
            raise
        except TimeoutError:
            raise BackendUnavailable("The agent takes too long to answer. Try again in a moment.") from None
        except (Exception, SystemExit, KeyboardInterrupt):
            _log.exception("The backend failed")
            raise ChatError from None
