"""What one chat is made of: its settings and the parts that serve it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import anyio

from .assets import Assets
from .backend import Backend, CanDelete, CanRename, CanRetry, CanSearch, CanStartOnce, KeepsScripts
from .errors import BackendUnavailable, ChatError
from .fragments.turn_context import TurnContext
from .identity import Identify
from .limits import Limits, StreamSlots
from .login import Login
from .markdown import Markdown
from .models import Run, Starter, User
from .relay import Relay
from .scripts import Scripts
from .submissions import Submissions
from .urls import Urls

T = TypeVar("T")
_log = logging.getLogger("htmxchat")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a host may choose. `create_chat_app` describes each. No `scripts`: none run."""

    title: str = "Chat"
    greeting: str = "What can I do for you?"
    introduction: str = ""
    starters: tuple[Starter, ...] = ()
    agent: str = "Agent"
    stream: Literal["sse", "poll"] = "sse"
    poll_interval: float = 0.7
    backend_timeout: float = 15.0
    login_url: str | None = None
    stylesheets: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    scripts: Scripts | None = field(default_factory=Scripts)
    frame_ancestors: tuple[str, ...] = ("'self'",)


@dataclass(frozen=True, slots=True)
class Chat:
    """One mounted chat. Everything that lives as long as the app lives here; modules hold no state."""

    backend: Backend
    identify: Identify
    settings: Settings
    markdown: Markdown
    assets: Assets
    relay: Relay
    slots: StreamSlots
    login: Login | None = None
    submissions: Submissions = field(default_factory=Submissions)

    def turn_context(self, urls: Urls, stream: Literal["sse", "poll"] | None = None) -> TurnContext:
        """Return what this chat's turns need, for pages at `urls`."""
        return TurnContext(
            urls=urls,
            markdown=self.markdown,
            stream=stream or self.settings.stream,
            poll_interval=self.settings.poll_interval,
            can_retry=isinstance(self.backend, CanRetry),
            agent=self.settings.agent,
            can_run_scripts=self.can_run_scripts,
            inspector=True,
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
            ChatError: What the backend raises; an error that is none becomes one, and is in the log only.
        """
        try:
            with anyio.fail_after(self.settings.backend_timeout):
                return await answer
        except ChatError:
            raise
        except TimeoutError:
            raise BackendUnavailable("The agent takes too long to answer. Try again in a moment.") from None
        except Exception:
            _log.exception("The backend failed")
            raise ChatError from None
