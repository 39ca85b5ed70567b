"""Other sites that a chat allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import checks
from .csrf import checked_origin
from .headers import ContentPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Other sites that a chat allows. None by default.

    Attributes:
        image_hosts: Hosts whose images answers may show, `"images.example"`, with the port if there is one.
        trusted_origins: Origins besides the chat's own that may send forms, `"https://portal.example"`.
        frame_ancestors: Sites that may embed the chat, as Content-Security-Policy sources.

    Raises:
        ValueError: An entry is not a host, an origin or a source.
    """

    image_hosts: Sequence[str] = ()
    trusted_origins: Sequence[str] = ()
    frame_ancestors: Sequence[str] = ("'self'",)

    def __post_init__(self) -> None:
        for name, check, example in (
            ("image_hosts", checks.text, '["images.example"]'),
            ("trusted_origins", checked_origin, '["https://portal.example"]'),
            ("frame_ancestors", checks.text, '["https://portal.example"]'),
        ):
            items = checks.items(name, getattr(self, name), check, example)
            object.__setattr__(self, name, items)  # frozen, but not before it is complete
        object.__setattr__(self, "image_hosts", tuple(map(str.lower, self.image_hosts)))
        self.policy()

    def policy(self, connect: tuple[str, ...] = ()) -> ContentPolicy:
        """Return the pages' content policy.

        Args:
            connect: Origins besides the chat's own from which pages may fetch.
        """
        return ContentPolicy(tuple(self.image_hosts), connect, tuple(self.frame_ancestors))
