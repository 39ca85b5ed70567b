"""What may be shared: what a host may choose."""

from __future__ import annotations

from dataclasses import dataclass

from .. import checks
from ..kinds import check_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """That users may share conversations, and how.

    Attributes:
        steps: Whether users may include what the agent thought, and what tools and scripts were given and gave back.
        files: Whether users may include files.
        max_days: How many days a page may be there; `None`: until it is taken back.

    Raises:
        ValueError: A setting cannot be used.
    """

    steps: bool = True
    files: bool = True
    max_days: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.max_days is not None:
            checks.whole("Share.max_days", self.max_days, least=1)
            if self.max_days > 3_650:
                raise ValueError(f"Share.max_days is 3,650 at most, not {self.max_days:,}.")

    @property
    def days(self) -> tuple[int | None, ...]:
        """For how many days users may choose that a page is there, the longest first."""
        usual = (30, 7, 1)
        if self.max_days is None:
            return None, *usual
        most = self.max_days
        return most, *(each for each in usual if each < most)
