"""One chat: its settings and its parts."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Literal, TypeVar

from ..archive import CanImport, Imports
from ..auth.identity import Identify
from ..auth.login import Login
from ..backend import Backend, CanBranch, CanDeleteTurns, CanRetry, KeepsScripts
from ..choosing import HasAgents
from ..drawing import Drawings
from ..feedback.ability import KeepsFeedback
from ..files import Files
from ..files.ability import KeepsFiles
from ..fragments.shell import Frame
from ..fragments.turns.context import TurnContext
from ..html import Child
from ..http.assets import Assets
from ..http.limits import Slots
from ..http.stopping import Ticker
from ..live import Relay
from ..look import content_for
from ..models import User
from ..observing import Observer
from ..scripts import Scripts
from ..sharing import CanShare, Share
from ..text.markdown import Markdown
from ..urls import Urls
from .bound import BoundBackend, answered
from .reader import Reader
from .settings import Settings
from .submissions import Submissions

T = TypeVar("T")
_log = logging.getLogger("htmxchat")


@dataclass(frozen=True, slots=True)
class Chat:
    """One mounted chat. All state with the app's lifetime is here; modules hold no state.

    Attributes:
        abilities: The backend's optional protocols that this chat uses.
        drawings: What the host's drawing functions return, if the host passed any.
    """

    backend: Backend
    abilities: frozenset[type]
    identify: Identify
    settings: Settings
    markdown: Markdown
    assets: Assets
    relay: Relay
    streams: Slots
    requests: Slots
    ticker: Ticker
    drawings: Drawings | None = None
    login: Login | None = None
    observer: Observer = field(default_factory=Observer)
    submissions: Submissions = field(default_factory=Submissions)

    async def may_inspect(self, user: User) -> bool:
        """Return whether this user may see the inspector and tools' arguments and results."""
        inspector = self.settings.inspector
        if isinstance(inspector, bool):
            return inspector
        answer = inspector(user)
        return bool(await answer if isawaitable(answer) else answer)

    def frame(self, urls: Urls, user: User | None) -> Frame:
        """Return the frame of this user's pages."""
        settings, look = self.settings, self.settings.look
        return Frame(
            brand=settings.title,
            stylesheets=tuple(map(urls.at_host, look.stylesheets)),
            logo=self.logo(urls),
            favicon=urls.at_host(look.favicon) if look.favicon else None,
            header=self._content("header", urls, user),
            footer=self._content("footer", urls, user),
        )

    def logo(self, urls: Urls) -> str | None:
        """Return the URL of the host's logo, if it has one."""
        return urls.at_host(self.settings.look.logo) if self.settings.look.logo else None

    def empty(self, urls: Urls, user: User) -> Child:
        """Return the host's own empty page, if it has one."""
        return self._content("empty", urls, user)

    def _content(self, name: Literal["header", "footer", "empty"], urls: Urls, user: User | None) -> Child:
        try:
            return content_for(user, getattr(self.settings.look, name), urls)
        except Exception:
            # Show the page without it. Error pages use it too.
            _log.exception("Look.%s failed", name)
            return None

    def turn_context(self, urls: Urls, *, conversation_id: str, can_inspect: bool) -> TurnContext:
        """Return the context for drawing the turns of a conversation."""
        return TurnContext(
            urls=urls,
            markdown=self.markdown,
            stream=self.settings.stream,
            poll_interval=self.settings.limits.poll_interval,
            can_retry=self.can(CanRetry),
            branching=conversation_id if self.can(CanBranch) else "",
            can_delete=self.can(CanDeleteTurns),
            can_rate=self.can(KeepsFeedback),
            agent=self.settings.look.agent,
            agents=self.agents,
            can_run_scripts=self.can(KeepsScripts),
            inspector="here" if can_inspect else None,
            drawings=self.drawings,
        )

    def can(self, ability: type) -> bool:
        """Return whether the backend implements an optional protocol and this chat uses it."""
        return ability in self.abilities

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the agents to choose from; empty if there is no choice."""
        names = self.backend.agents if isinstance(self.backend, HasAgents) else ()
        return names if len(names) > 1 else ()

    @property
    def scripts(self) -> Scripts | None:
        """The settings for scripts; `None` if the host disabled them or the backend does not store them."""
        return self.settings.scripts if self.can(KeepsScripts) else None

    @property
    def files(self) -> Files | None:
        """What may be sent; `None` where nothing may: the host wants none, or the backend keeps none."""
        return self.settings.files if self.can(KeepsFiles) else None

    @property
    def imports(self) -> Imports | None:
        """The settings for imports; `None` if the host disabled them or the backend cannot store them."""
        return self.settings.imports if self.can(CanImport) else None

    @property
    def share(self) -> Share | None:
        """The settings for sharing; `None` if the host does not allow it or the backend cannot."""
        return self.settings.share if self.can(CanShare) else None

    @property
    def reader(self) -> Reader:
        """The backend as the readers of shared pages ask it."""
        return Reader(self.backend, self.settings.limits.backend_timeout)

    @property
    def trust(self) -> bool:
        """Whether users may approve all scripts of a conversation in advance."""
        return self.scripts is not None and self.scripts.trust

    @property
    def deletion_notice(self) -> str:
        notice: str = getattr(self.backend, "deletion_notice", "Conversation deleted.")
        return notice

    def bound(self, user: User) -> BoundBackend:
        """Return the backend bound to this user."""
        return BoundBackend(self.backend, self.abilities, user, self.settings.limits.backend_timeout, self.submissions)

    async def ask(self, answer: Awaitable[T]) -> T:
        """Await code of the host for at most `Limits.backend_timeout`; raises the same errors as `answered`."""
        return await answered(answer, self.settings.limits.backend_timeout)
