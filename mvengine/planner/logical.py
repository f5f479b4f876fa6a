"""The nodes of logical and maintenance plans.

A relation is a bag of rows with weights (a Z-set, as in DBSP). A node that gives a *name scope* to those above it has
an ``alias``: expressions above name its columns ``alias.column``. Filter and Join pass their inputs' scopes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output
from mvengine.planner.source import FileSource
from mvengine.schema import Columns, Name

WEIGHT = "_mv_weight"
"""The column that holds a row's signed multiplicity in deltas."""

TOP_COUNT = "_mv_count"
"""How often a row stands among those that a TopStage keeps."""


class Version(StrEnum):
    """Which contents of a relation a leaf reads."""

    CURRENT = "current"  # after the change
    DELTA = "delta"  # the change, weighted
    PREVIOUS = "previous"  # before it: current ⊎ −Δ, weighted
    BOTH = "both"  # what lies around the change: as it is with weight 1, as it was with −1 (see delta/around.py)


class Strategy(StrEnum):
    """How a view is maintained, from the cheapest to the dearest (see docs/architecture.md)."""

    ALGEBRAIC = "algebraic"
    AUXILIARY = "auxiliary"
    AFFECTED = "affected"
    FULL = "full"


@dataclass(frozen=True, kw_only=True)
class Scan(Node):
    """Reads a table or view. ``storage`` is the SQL name that holds its rows; ``columns`` only those that are used."""

    relation: Name
    storage: str
    alias: str
    columns: Columns
    version: Version


@dataclass(frozen=True, kw_only=True)
class Filter(Node):
    """σ: keeps rows for which every predicate is true."""

    input: Node
    predicates: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True)
class Project(Node):
    """π: computes ``outputs`` for each row. Keeps duplicates."""

    input: Node
    outputs: tuple[Output, ...]
    alias: str


@dataclass(frozen=True, kw_only=True)
class Join(Node):
    """Inner join of any number of inputs; no predicates make it a cross product."""

    inputs: tuple[Node, ...]
    predicates: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True)
class UnionAll(Node):
    """⊎: inputs have the same column names in the same order."""

    inputs: tuple[Node, ...]
    columns: tuple[str, ...]
    alias: str


class MatchKind(StrEnum):
    """What a row on the left becomes, by its matches on the right."""

    LEFT = "left"  # a row for each match; without one, a row padded with NULL
    FULL = "full"  # and rows of the right without a match, padded
    SEMI = "semi"  # itself, if there is a match
    ANTI = "anti"  # itself, if there is none
    MARK = "mark"  # itself, with whether there is a match
    SINGLE = "single"  # itself, with a value of its only match, or NULL; two matches are an error
    ASOF = "asof"  # itself, with the nearest match
    ASOF_LEFT = "asof left"  # the same, padded where there is none


@dataclass(frozen=True, kw_only=True)
class MatchKey:
    """``left = right``, or where ``is_null_safe``, ``left IS NOT DISTINCT FROM right``: each reads its side only."""

    left: Expr
    right: Expr
    is_null_safe: bool


@dataclass(frozen=True, kw_only=True)
class Match(Node):
    """Every join that is not an inner one. Two rows match when all ``keys`` and ``predicates`` are true.

    ``outputs`` read both sides (SEMI, ANTI, MARK and SINGLE: the left one). ``value`` is the column that MARK and
    SINGLE add; SINGLE's expression reads the right side.
    """

    left: Node
    right: Node
    kind: MatchKind
    keys: tuple[MatchKey, ...]
    predicates: tuple[Expr, ...]
    outputs: tuple[Output, ...]
    value: Output | None
    alias: str


@dataclass(frozen=True, kw_only=True)
class Window(Node):
    """Adds window functions to each row. ``partition_by`` names columns of the input: every call's partitions are made
    of these (and perhaps of more), so that a partition can be computed alone."""

    input: Node
    partition_by: tuple[str, ...]
    calls: tuple[Output, ...]
    alias: str


@dataclass(frozen=True, kw_only=True)
class Limit(Node):
    """The first rows in an order, after those that ``offset`` leaves out. ``order_by`` is SQL over the input's columns,
    and names all of them: which rows are first is never left open."""

    input: Node
    order_by: tuple[str, ...]
    limit: int
    offset: int
    alias: str


@dataclass(frozen=True, kw_only=True)
class Constant(Node):
    """Rows that never change: VALUES, or a query without a table."""

    query: str
    columns: tuple[str, ...]
    alias: str


@dataclass(frozen=True, kw_only=True)
class Recursion(Node):
    """WITH RECURSIVE: ``base``, and then ``step`` of the rows that came last, until none come. Both have ``columns``;
    ``step`` reads those rows by RecursionRead under ``name``. ``is_distinct``: UNION, else UNION ALL."""

    base: Node
    step: Node
    name: str
    columns: tuple[str, ...]
    is_distinct: bool
    alias: str


@dataclass(frozen=True, kw_only=True)
class RecursionRead(Node):
    """The rows of a recursion, read in its own step."""

    name: str
    columns: tuple[str, ...]
    alias: str


class AggregateFunction(StrEnum):
    GENERAL = "general"  # any other: ``argument`` is the whole call, and touched groups are derived again
    COUNT_STAR = "count_star"
    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    COUNT_DISTINCT = "count_distinct"
    SUM_DISTINCT = "sum_distinct"
    AVG_DISTINCT = "avg_distinct"


@dataclass(frozen=True, kw_only=True)
class Argument:
    """What aggregates are taken over, as a column of a GroupStage's input; ``type`` as DuckDB writes it."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A session setting that a query's meaning depends on, as it was at CREATE (``TimeZone``)."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class KeyConstraint:
    """Columns that tell rows apart; those of a primary key are not NULL."""

    columns: tuple[str, ...]
    is_primary: bool


@dataclass(frozen=True, kw_only=True)
class ForeignKeyConstraint:
    """Each non-NULL value of ``columns`` stands in ``referenced_columns`` of the other table: checked at publishing."""

    columns: tuple[str, ...]
    references: Name
    referenced_storage: str
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AggregateCall:
    """One aggregate. ``argument`` is None for COUNT(*) only; ``argument_type`` is its type, as DuckDB writes it."""

    name: str
    function: AggregateFunction
    argument: Expr | None
    argument_type: str


@dataclass(frozen=True, kw_only=True)
class Aggregate(Node):
    """γ: one row per distinct ``keys``; without keys exactly one row, also over nothing."""

    input: Node
    keys: tuple[Output, ...]
    aggregates: tuple[AggregateCall, ...]
    alias: str


@dataclass(frozen=True, kw_only=True)
class Distinct(Node):
    """δ: each different row once. A rule turns it into an Aggregate without aggregates (the hidden count)."""

    input: Node
    columns: tuple[str, ...]
    alias: str


@dataclass(frozen=True, kw_only=True)
class Opaque(Node):
    """A query that is not taken apart: maintained by computing it again. ``reason`` says which construct decides it.

    ``is_tracked``: its result can change only when one of ``relations`` does; else (files, the clock, random numbers)
    it is computed again at REFRESH ALL and REFRESH MATERIALIZED VIEW too.
    """

    query: str
    relations: tuple[Name, ...]
    is_tracked: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Load(Node):
    """The rows of a refreshable table's source."""

    source: FileSource


@dataclass(frozen=True, kw_only=True)
class Materialize(Node):
    """The root of a view's plan: keeps the input's rows under a name.

    ``storage`` holds the rows, or the state they are made from; ``staging`` is the name kept for rows on their way in;
    ``columns`` are the view's, names and types as DuckDB describes the query; ``order_by`` is applied to what is read.
    """

    input: Node
    relation: Name
    storage: str
    staging: str
    columns: Columns
    order_by: tuple[str, ...]
    policy: str
    exact_floats: bool
    strategy: Strategy
    reason: str
    definition: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, kw_only=True)
class MaterializeTable(Node):
    """The root of a refreshable table's plan: keeps a table equal to its source.

    ``storage`` holds the rows with their file's number; ``staging`` what a refresh loads, until the merge; ``shadow``
    rows that lost to a row with the same key in another file. All three are made from ``column_definitions`` and
    ``checks`` (SQL text). ``stored_columns`` are those that a file can give (generated ones are not among them).
    ``ignore_conflicts`` keeps the stored row for as long as any file has its key.
    """

    input: Node
    relation: Name
    storage: str
    staging: str
    shadow: str
    columns: Columns
    stored_columns: tuple[str, ...]
    column_definitions: tuple[str, ...]
    checks: tuple[str, ...]
    keys: tuple[KeyConstraint, ...]
    foreign_keys: tuple[ForeignKeyConstraint, ...]
    ignore_conflicts: bool
    interval_seconds: int | None
    definition: str

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns that rows are merged by; empty for a table without a primary key."""
        return next((key.columns for key in self.keys if key.is_primary), ())


@dataclass(frozen=True, kw_only=True)
class ConstrainedTable(Node):
    """A plain table with foreign keys to refreshable ones, which DuckDB cannot be told of: checked by the engine."""

    relation: Name
    storage: str
    foreign_keys: tuple[ForeignKeyConstraint, ...]
    definition: str


@dataclass(frozen=True, kw_only=True)
class GroupRead(Node):
    """The visible rows of a GroupStage, made from its state: SUM shows NULL when its non-NULL count is 0."""

    stage: str
    storage: str
    keys: tuple[str, ...]
    arguments: tuple[Argument, ...]
    aggregates: tuple[AggregateCall, ...]
    alias: str
    version: Version


@dataclass(frozen=True, kw_only=True)
class BagRead(Node):
    """The visible rows of a BagStage or FullStage: the stored ones."""

    storage: str
    columns: tuple[str, ...]
    alias: str


@dataclass(frozen=True, kw_only=True)
class StageRead(Node):
    """The rows of an inner stage that is no GroupStage. ``rows`` gives the current ones: a BagRead of what is stored,
    or the Match itself, of which nothing is stored."""

    stage: str
    rows: Node
    columns: tuple[str, ...]
    alias: str
    version: Version


@dataclass(frozen=True, kw_only=True)
class MatchStage(Node):
    """The change of a Match, by its affected keys. Nothing is stored: the rows before follow from the inputs before.

    ``twins`` are those of its columns whose equal values may differ (see twins.py), and of the columns of its inputs.
    """

    input: Node  # a Match
    name: str
    columns: tuple[str, ...]
    twins: Columns
    left_twins: Columns
    right_twins: Columns


@dataclass(frozen=True, kw_only=True)
class PartitionStage(Node):
    """Rows that are computed partition by partition, and stored: touched partitions are derived again and compared.

    ``keys`` are columns of the input, and among the outputs under the same names (none: there is one partition).
    ``outputs`` are computed by one SELECT of a partition's rows, grouped by the keys where ``is_grouped``; ``twins``
    are those whose equal values may differ (see twins.py).
    """

    input: Node
    name: str
    storage: str
    keys: tuple[str, ...]
    outputs: tuple[Output, ...]
    is_grouped: bool
    twins: Columns


@dataclass(frozen=True, kw_only=True)
class TopStage(Node):
    """The first rows of an order: ``storage`` keeps up to twice as many as are shown and some more, each different one
    with its count, so that the input is read again only when deletions have used these up (see emit/top.py).

    ``twins`` are columns whose equal values may differ: the order ends with what tells them apart (see twins.py)."""

    input: Node
    name: str
    storage: str
    columns: tuple[str, ...]
    twins: Columns
    order_by: tuple[str, ...]
    limit: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class RecursiveStage(Node):
    """The rows of a Recursion, stored. ``is_linear``: the step reads them once, by joins, projections and filters, so
    that they can follow from changes that only insert, or only delete (see emit/recursion.py). ``twins`` are columns
    whose equal values may differ (see twins.py)."""

    input: Node  # a Recursion
    name: str
    storage: str
    columns: tuple[str, ...]
    twins: Columns
    is_linear: bool

    @property
    def recursion(self) -> Recursion:
        assert isinstance(self.input, Recursion)
        return self.input


@dataclass(frozen=True, kw_only=True)
class TopRead(Node):
    """The visible rows of a TopStage."""

    storage: str
    columns: tuple[str, ...]
    order_by: tuple[str, ...]
    limit: int
    offset: int
    alias: str


@dataclass(frozen=True, kw_only=True)
class GroupStage(Node):
    """γ with its state: ``storage`` has a row per group with a row count, and sums, counts and extrema per argument.

    ``input`` computes the keys under their names and each argument under its own. With ``exact_floats`` no sum of FLOAT
    or DOUBLE follows the delta. ``twins`` are keys whose equal values may differ: which one is shown is looked up in
    the input again whenever such a group is touched (see twins.py).
    """

    input: Node
    name: str
    storage: str
    keys: tuple[str, ...]
    twins: Columns
    arguments: tuple[Argument, ...]
    aggregates: tuple[AggregateCall, ...]
    exact_floats: bool


@dataclass(frozen=True, kw_only=True)
class BagStage(Node):
    """Rows stored as they are, duplicates included. ``twins``: columns whose equal values may differ (see twins.py)."""

    input: Node
    name: str
    storage: str
    columns: tuple[str, ...]
    twins: Columns


@dataclass(frozen=True, kw_only=True)
class FullStage(Node):
    """Rows of a query that is computed again whenever something it reads has changed, and compared (see Opaque).
    ``twins`` are columns whose equal values may differ (see twins.py)."""

    name: str
    storage: str
    query: str
    columns: tuple[str, ...]
    twins: Columns
    relations: tuple[Name, ...]
    is_tracked: bool


@dataclass(frozen=True, kw_only=True)
class Maintenance(Node):
    """A view's maintenance plan: stages in the order in which they are maintained; the last holds the view's rows.

    ``visible`` is what readers of the view see: a chain of Project and Filter over the read of the last stage;
    ``twins`` are columns of it whose equal values may differ (see twins.py).
    """

    stages: tuple[Node, ...]
    visible: Node
    twins: Columns


Root = Materialize | MaterializeTable | ConstrainedTable
"""What the plan of a fragment is."""
