"""A title that an agent suggests: an event. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import check_fields


@dataclass(frozen=True, slots=True)
class TitleSuggested:
    """A title of the conversation, for the list and the page. The last one counts; one that the user has set stays."""

    title: str

    def __post_init__(self) -> None:
        check_fields(self)
