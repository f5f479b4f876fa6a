"""The settings of the shell that commands change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PagerUse(StrEnum):
    """Which results a pager shows, at the prompt: none, those that are longer than the screen, all of them whole."""

    OFF = "off"
    AUTO = "auto"
    ON = "on"


class Keys(StrEnum):
    """How the line is edited."""

    EMACS = "emacs"
    VI = "vi"


@dataclass(kw_only=True)
class Display:
    """What ``.show`` lists. None: as it is best where the result goes."""

    mode: str | None = None
    is_expanded: bool = False  # a line for each value, whatever the mode
    null: str | None = None
    has_header: bool = True
    rows_max: int | None = None  # rows of a result that are drawn in mode duckbox
    width_max: int | None = None  # cells that a box takes
    pager: PagerUse = PagerUse.AUTO
    is_timed: bool = False
    keys: Keys = Keys.EMACS
    has_progress: bool = True
    goes_on: bool = False  # after an error in a script
