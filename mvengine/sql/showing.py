"""The statements that show what there is, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mvengine.sql.statements import RelationRef


class ShowKind(StrEnum):
    """What SHOW lists."""

    JOBS = "JOBS"
    REFRESHES = "REFRESHES"
    TASKS = "TASKS"
    SCHEDULES = "SCHEDULES"
    TABLES = "TABLES"
    VIEWS = "VIEWS"
    MATERIALIZED_VIEWS = "MATERIALIZED VIEWS"
    SOURCES = "SOURCES"
    SINKS = "SINKS"
    FUNCTIONS = "FUNCTIONS"
    INDEXES = "INDEXES"
    COLUMNS = "COLUMNS"
    SCHEMAS = "SCHEMAS"
    DATABASES = "DATABASES"
    ALL_TABLES = "ALL TABLES"
    PARAMETERS = "PARAMETERS"


@dataclass(frozen=True, kw_only=True)
class Show:
    """``SHOW kind [FROM schema | table] [LIKE 'pattern']``, ``SHOW TASKS [FOR REFRESH n]``."""

    kind: ShowKind
    refresh_id: int | None = None
    place: RelationRef | None = None  # FROM: a schema; of COLUMNS and INDEXES a table
    pattern: str | None = None  # LIKE, whatever the case of letters


class CreatedKind(StrEnum):
    """What SHOW CREATE can write down."""

    TABLE = "TABLE"
    VIEW = "VIEW"
    MATERIALIZED_VIEW = "MATERIALIZED VIEW"
    SOURCE = "SOURCE"
    FUNCTION = "FUNCTION"
    MACRO = "MACRO"


@dataclass(frozen=True, kw_only=True)
class ShowCreate:
    """``SHOW CREATE TABLE | VIEW | … name``: the statement that makes it."""

    kind: CreatedKind
    name: RelationRef


@dataclass(frozen=True, kw_only=True)
class Describe:
    """``DESCRIBE t``: the columns of a relation."""

    relation: RelationRef
    text: str
