"""The statements that read and change settings, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvengine.config import SETTINGS
from mvengine.errors import Position, ProgrammingError


@dataclass(frozen=True, kw_only=True)
class SetSetting:
    """``SET [SESSION | LOCAL | GLOBAL] name = value | DEFAULT``, ``RESET name``: of mvengine's settings."""

    name: str
    value: str | None  # None: the default, or what the connection was opened with
    scope: str  # SESSION, LOCAL, GLOBAL, or empty where it stands alone
    position: Position  # of the value, or of the name where there is none


@dataclass(frozen=True, kw_only=True)
class ResetAll:
    """``RESET ALL``: mvengine's settings and those of DuckDB that the session has changed."""


@dataclass(frozen=True, kw_only=True)
class ShowSetting:
    """``SHOW name`` of one of mvengine's settings; ``SHOW ALL`` of all, DuckDB's included."""

    name: str | None


@dataclass(frozen=True, kw_only=True)
class AlterDatabase:
    """``ALTER DATABASE [name] SET setting = value``, ``… RESET setting | ALL``: stored, for later connections."""

    database: str | None
    name: str | None  # None: RESET ALL
    value: str | None  # None: RESET
    position: Position


def read_value(statement: SetSetting | AlterDatabase) -> Any:
    """The value of one of mvengine's settings, as it is kept; None for a default. Errors: ProgrammingError (22023)."""
    if statement.value is None or statement.name is None:
        return None
    try:
        return SETTINGS[statement.name].value_of(statement.value)
    except ProgrammingError as error:
        error.position = statement.position
        raise
