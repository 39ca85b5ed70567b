"""Which other sites a chat has to do with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import checks
from .csrf import checked_origin
from .headers import ContentPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Which other sites a chat has to do with. By default none.

    Attributes:
        image_hosts: Hosts whose images answers may show, `"images.example"`, with the port if there is one.
        trusted_origins: Origins that may send forms apart from the chat's own, `"https://portal.example"`.
        frame_ancestors: Who may show the chat in a frame, as Content-Security-Policy sources.

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
        """Return what the pages may load.

        Args:
            connect: Where they may fetch from apart from the chat itself.
        """
        return ContentPolicy(tuple(self.image_hosts), connect, tuple(self.frame_ancestors))
