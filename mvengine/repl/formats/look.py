"""What of the settings of the shell a format needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, kw_only=True)
class Look:
    """How results are written.

    ``null`` stands for NULL; None: as the format has it. ``rows_max`` and ``width`` bound what is drawn for a screen,
    in rows and cells; None: nothing is left out. ``console`` is where it will stand; its colours are used.
    """

    null: str | None = None
    has_header: bool = True
    has_types: bool = True  # below the names, where a format has them
    rows_max: int | None = None
    width: int | None = None
    console: Console | None = None

    def null_or(self, default: str) -> str:
        """The text of NULL in a format whose own is ``default``."""
        return default if self.null is None else self.null
