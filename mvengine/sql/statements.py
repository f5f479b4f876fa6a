"""The statements of mvengine as values. What is not one of ours is a ``Native`` or a ``Write`` (see ``classify``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mvengine.sql.setting_statements import AlterDatabase, ResetAll, SetSetting, ShowSetting
from mvengine.sql.showing import Describe, Show, ShowCreate


@dataclass(frozen=True, kw_only=True)
class RelationRef:
    """A possibly qualified name as it stands in a statement. ``catalog`` and ``schema`` are None where not given."""

    catalog: str | None
    schema: str | None
    name: str


@dataclass(frozen=True, kw_only=True)
class ColumnDef:
    """One column of CREATE TABLE.

    ``constraints`` is the text after the type, without PRIMARY KEY, UNIQUE and REFERENCES, for the engine
    (``NOT NULL DEFAULT 3``).
    """

    name: str
    type: str
    constraints: str


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    columns: tuple[str, ...]
    references: RelationRef
    referenced_columns: tuple[str, ...]  # empty: the primary key of the referenced table


Options = tuple[tuple[str, str], ...]  # names in lower case, values as text without quotes


@dataclass(frozen=True, kw_only=True)
class CreateRefreshableTable:
    """``CREATE TABLE … REFRESHABLE …``, in the long, the short and the RisingWave form."""

    table: RelationRef
    if_not_exists: bool
    columns: tuple[ColumnDef, ...]  # empty: inferred from the files
    primary_key: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    checks: tuple[str, ...]  # table-level CHECK expressions
    foreign_keys: tuple[ForeignKey, ...]
    source: str | None  # FROM '…'; None where it comes from the options or not at all
    ignore_conflicts: bool  # ON CONFLICT DO NOTHING | IGNORE
    options: Options  # WITH (…)
    encoding: str | None  # CSV | JSON | PARQUET; None: by the files' names
    encoding_options: Options
    is_background: bool  # BACKGROUND: the statement returns a job
    text: str


class Policy(StrEnum):
    AUTO = "auto"
    INCREMENTAL = "incremental"
    STRICT = "strict"
    FULL = "full"


@dataclass(frozen=True, kw_only=True)
class CreateMaterializedView:
    view: RelationRef
    if_not_exists: bool
    or_replace: bool
    column_names: tuple[str, ...]
    options: Options
    is_background: bool
    query: str  # the text after AS
    query_offset: int  # where it begins in ``text``
    emits_on_window_close: bool  # EMIT ON WINDOW CLOSE stands behind it
    text: str


@dataclass(frozen=True, kw_only=True)
class RefreshTable:
    tables: tuple[RelationRef, ...]  # empty: REFRESH ALL
    full: bool
    is_background: bool  # BACKGROUND: the statement returns the refresh's number
    is_queued: bool  # QUEUE: it waits for a refresh that holds one of the tables
    is_verified: bool  # VERIFY: views are compared with their queries before anything is published


@dataclass(frozen=True, kw_only=True)
class RefreshView:
    views: tuple[RelationRef, ...]
    full: bool
    is_verified: bool  # VERIFY: as of RefreshTable


@dataclass(frozen=True, kw_only=True)
class Verify:
    """``VERIFY MATERIALIZED VIEW v, … | ALL [SHOW ROWS [n]]``."""

    views: tuple[RelationRef, ...]  # empty: ALL
    rows_shown: int | None  # SHOW ROWS: at most so many differing rows a view, in place of the verdicts


class Subject(StrEnum):
    """What a number in a statement stands for."""

    REFRESH = "REFRESH"
    JOB = "JOB"


class ControlVerb(StrEnum):
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"
    RETRY = "RETRY"
    ROLLBACK = "ROLLBACK"


@dataclass(frozen=True, kw_only=True)
class Control:
    """``PAUSE | RESUME | CANCEL | RETRY | ROLLBACK REFRESH n``, ``CANCEL JOB n``."""

    verb: ControlVerb
    subject: Subject
    number: int
    from_start: bool  # RETRY … FROM START: what was staged is discarded first


@dataclass(frozen=True, kw_only=True)
class Wait:
    """``WAIT [REFRESH n | JOB n] [TIMEOUT seconds]``."""

    subject: Subject | None  # None: for all that goes on
    number: int | None
    timeout_seconds: float | None  # None: for as long as it takes


@dataclass(frozen=True, kw_only=True)
class IgnoredSetting:
    """``SET name = …`` or ``RESET name`` of another system's setting that changes no result here."""

    name: str
    dialect: str


class ObjectKind(StrEnum):
    TABLE = "TABLE"
    MATERIALIZED_VIEW = "MATERIALIZED VIEW"
    VIEW = "VIEW"
    SOURCE = "SOURCE"
    SCHEMA = "SCHEMA"
    INDEX = "INDEX"
    FUNCTION = "FUNCTION"  # MACRO, too
    COLUMN = "COLUMN"  # in comments only


@dataclass(frozen=True, kw_only=True)
class Drop:
    """``DROP kind [IF EXISTS] name, … [CASCADE | RESTRICT]``."""

    kind: ObjectKind
    names: tuple[RelationRef, ...]
    if_exists: bool
    cascade: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class AlterOptions:
    """``ALTER TABLE | MATERIALIZED VIEW … SET (name = value, …)``, ``… RESET (name, …)``."""

    kind: ObjectKind
    relation: RelationRef
    if_exists: bool
    options: tuple[tuple[str, str | None], ...]  # names in lower case; None: NULL or RESET


class MoveKind(StrEnum):
    RENAME = "RENAME TO"
    SET_SCHEMA = "SET SCHEMA"
    SWAP = "SWAP WITH"


@dataclass(frozen=True, kw_only=True)
class Move:
    """``ALTER kind name RENAME TO name | SET SCHEMA schema | SWAP WITH name``: the same object under another name."""

    kind: ObjectKind
    name: RelationRef
    if_exists: bool
    move: MoveKind
    to: RelationRef  # RENAME: without a schema; SET SCHEMA: the schema's name


@dataclass(frozen=True, kw_only=True)
class RenameColumn:
    """``ALTER VIEW | MATERIALIZED VIEW | SOURCE v RENAME [COLUMN] a TO b``."""

    kind: ObjectKind
    name: RelationRef
    if_exists: bool
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Comment:
    """``COMMENT ON kind name IS 'text' | NULL``."""

    kind: ObjectKind
    name: RelationRef  # of a column: its relation
    column: str  # empty where none is
    text: str | None


@dataclass(frozen=True, kw_only=True)
class CreateSource:
    """``CREATE [OR REPLACE] SOURCE s [(columns)] FROM '…'``: files that are queried where they are."""

    or_replace: bool
    table: CreateRefreshableTable  # what stands in it, as of a table


@dataclass(frozen=True, kw_only=True)
class CreateIndex:
    """``CREATE [UNIQUE] INDEX [name] ON t (columns)``. What DuckDB does not know is left out of ``native``."""

    name: str  # given, or made from table and columns
    table: RelationRef
    is_unique: bool
    if_not_exists: bool
    columns: str  # with its brackets
    native: Native


@dataclass(frozen=True, kw_only=True)
class CreateFunction:
    """``CREATE FUNCTION f (parameters) RETURNS type LANGUAGE SQL AS 'body'``: ``native`` is DuckDB's macro."""

    native: NativeDdl


class AlterationKind(StrEnum):
    ADD_COLUMN = "ADD COLUMN"
    DROP_COLUMN = "DROP COLUMN"
    RENAME_COLUMN = "RENAME COLUMN"
    CHANGE_TYPE = "ALTER COLUMN … TYPE"
    RENAME_TABLE = "RENAME TO"
    COLUMN_RULE = "ALTER COLUMN … SET | DROP"  # DEFAULT, NOT NULL: no stored value changes
    OTHER = "ALTER TABLE"


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """What ALTER TABLE changes; a part that the kind does not have is empty. Types and expressions are text."""

    kind: AlterationKind
    column: str = ""
    new_name: str = ""
    type: str = ""
    constraints: str = ""  # of ADD COLUMN: DEFAULT 3
    using: str = ""  # of ALTER COLUMN … TYPE
    is_conditional: bool = False  # ADD IF NOT EXISTS, DROP IF EXISTS
    is_nested: bool = False  # a field inside the column changes


@dataclass(frozen=True, kw_only=True)
class AlterTable:
    """``ALTER TABLE t …`` but for SET and RESET of options. ``native`` is DuckDB's: without CASCADE or RESTRICT."""

    table: RelationRef
    if_exists: bool
    alteration: Alteration
    cascade: bool
    native: Native


@dataclass(frozen=True, kw_only=True)
class AlterTables:
    """``ALTER TABLE t action, action, …``: all of them or none."""

    parts: tuple[AlterTable, ...]


class ExplainStage(StrEnum):
    PARSED = "PARSED"
    LOGICAL = "LOGICAL"
    OPTIMIZED = "OPTIMIZED"
    DELTA = "DELTA"
    FRAGMENT = "FRAGMENT"
    MAINTENANCE_SQL = "MAINTENANCE_SQL"


@dataclass(frozen=True, kw_only=True)
class Explain:
    """``EXPLAIN (STAGE) statement``."""

    stage: ExplainStage
    statement: str
    before: str  # the text before it: positions are those in the whole


@dataclass(frozen=True, kw_only=True)
class ExplainView:
    """``EXPLAIN MATERIALIZED VIEW v``."""

    view: RelationRef


@dataclass(frozen=True, kw_only=True)
class ExplainCreate:
    """``EXPLAIN CREATE MATERIALIZED VIEW …``: how the view would be maintained; nothing is created."""

    statement: str  # without EXPLAIN
    before: str  # the text before it: positions are those in the whole


@dataclass(frozen=True, kw_only=True)
class ExplainAnalyze:
    """``EXPLAIN ANALYZE REFRESH …``: the refresh, with the rows and milliseconds of each of its steps."""

    statement: str  # without EXPLAIN ANALYZE


@dataclass(frozen=True, kw_only=True)
class ExplainRefresh:
    """``EXPLAIN REFRESH TABLE t``: what a refresh would do now, without doing it."""

    tables: tuple[RelationRef, ...]


class TransactionVerb(StrEnum):
    BEGIN = "BEGIN"
    COMMIT = "COMMIT"
    ROLLBACK = "ROLLBACK"


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """``BEGIN [READ ONLY] | COMMIT | ROLLBACK [AND CHAIN]``."""

    verb: TransactionVerb
    is_read_only: bool  # BEGIN TRANSACTION READ ONLY
    is_chained: bool  # AND CHAIN: the next transaction begins at once


@dataclass(frozen=True, kw_only=True)
class Flush:
    """``FLUSH``: what was written is visible already."""


class WriteKind(StrEnum):
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    MERGE = "MERGE"
    TRUNCATE = "TRUNCATE"
    COPY_FROM = "COPY_FROM"


@dataclass(frozen=True, kw_only=True)
class Write:
    """A statement that writes rows into one table: its clauses as verbatim spans of the user's text.

    Spans are split at keywords that stand outside all parentheses; nothing is parsed again or printed anew, so what
    DuckDB runs is what the user wrote. A clause that is absent is the empty string.
    Placeholders ``?`` are already numbered (``$1``, ``$2`` …), so that spans can be used apart from each other.

    INSERT  ``{with_clause} INSERT {modifier} INTO {target} {alias} ({columns}) {body} {on_conflict} {returning}``;
            ``body`` is VALUES …, a query, DEFAULT VALUES, or ``BY NAME query``
    UPDATE  ``{with_clause} UPDATE {target} {alias} SET {assignments} FROM {from_clause} WHERE {where}``
    DELETE  ``{with_clause} DELETE FROM {target} {alias} USING {from_clause} WHERE {where}``
    MERGE   ``{with_clause} MERGE INTO {target} {alias} USING {from_clause} ON|USING {where} {body}``;
            ``body`` is the WHEN clauses; ``where`` keeps its leading ON or USING
    COPY    ``COPY {target} ({columns}) FROM {body}``; body is the file and the options
    """

    kind: WriteKind
    target: RelationRef
    alias: str  # without AS
    with_clause: str  # with its WITH
    modifier: str  # OR REPLACE | OR IGNORE
    columns: tuple[str, ...]
    body: str
    on_conflict: str  # with its ON CONFLICT
    assignments: str
    from_clause: str
    where: str
    returning: str  # without RETURNING
    names: tuple[str, ...]  # every identifier that stands in the statement, lower case: what it may read
    dialect: str  # that it was read in: what an existing key and a string for an array mean
    text: str


@dataclass(frozen=True, kw_only=True)
class Native:
    """A statement that goes to DuckDB as it is. ``kind`` is DuckDB's own classification (SELECT, CREATE, SET …)."""

    kind: str
    text: str


class DdlAction(StrEnum):
    CREATE = "CREATE"
    REPLACE = "REPLACE"  # CREATE OR REPLACE
    ALTER = "ALTER"
    DROP = "DROP"


@dataclass(frozen=True, kw_only=True)
class NativeDdl(Native):
    """A ``Native`` that creates, alters or drops an object of DuckDB's.

    ``targets`` are the relations (or the schema) that it changes; ``object_kind`` is TABLE, VIEW, SCHEMA, MACRO ….
    """

    action: DdlAction
    object_kind: str
    targets: tuple[RelationRef, ...]
    is_temporary: bool  # CREATE TEMP …: the name hides a relation of the same name
    names: tuple[str, ...]  # every identifier that stands in the statement, lower case


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """``PREPARE name [(types)] AS statement``."""

    name: str
    types: tuple[str, ...]  # of the parameters, as far as they are given
    write: Write | None  # None: of what is DuckDB's, which keeps it
    text: str  # DuckDB's: without the types


@dataclass(frozen=True, kw_only=True)
class Argument:
    """``value`` or ``name := value``; the value is the text of an expression."""

    name: str  # empty: by its place
    value: str


@dataclass(frozen=True, kw_only=True)
class Execute:
    """``EXECUTE name (arguments)``: of a prepared write, or of a statement that DuckDB has prepared."""

    name: str
    arguments: tuple[Argument, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class Deallocate:
    """``DEALLOCATE [PREPARE] name | ALL``."""

    name: str  # empty: ALL
    text: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A statement that would write by a way that cannot be captured; ``reason`` and ``hint`` say which and what to do.

    It is refused only where it touches a maintained relation: ``names`` holds every identifier of the text. Where
    ``is_opaque``, what it touches cannot be seen in its text, and it is refused wherever anything is maintained.
    """

    reason: str
    hint: str
    names: tuple[str, ...]
    text: str
    kind: str
    is_opaque: bool


Statement = (
    CreateRefreshableTable
    | CreateMaterializedView
    | RefreshTable
    | RefreshView
    | Verify
    | Control
    | Wait
    | Show
    | ShowCreate
    | Describe
    | SetSetting
    | ResetAll
    | ShowSetting
    | AlterDatabase
    | IgnoredSetting
    | AlterOptions
    | AlterTable
    | AlterTables
    | Move
    | RenameColumn
    | Comment
    | CreateSource
    | CreateIndex
    | CreateFunction
    | Drop
    | Explain
    | ExplainView
    | ExplainCreate
    | ExplainAnalyze
    | ExplainRefresh
    | Transaction
    | Flush
    | Write
    | Prepare
    | Execute
    | Deallocate
    | NativeDdl
    | Native
    | Refused
)
