"""EMIT ON WINDOW CLOSE: groups are shown when the watermark has passed their window, and then never change.

    γ_w,f(T) EMIT ON WINDOW CLOSE  =>  σ_{w < g(max(mark(T)))}(γ_w,f(T))

where the key w is g(ts), a monotone function of the watermark's column: the column itself, ``time_bucket``,
``date_trunc``; a ``window_end`` is closed when the watermark has reached it. The right side is one row that follows
inserts, so the view stays incremental. Since late rows are left out by INSERT, a closed group is final.
Source: RisingWave's emit-on-window-close, after "triggers" of Akidau et al., "The Dataflow Model" (2015).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mvengine.errors import NotSupportedError
from mvengine.planner.parse import parse
from mvengine.schema import quote
from mvengine.sql.watermarks import Watermark

WatermarkOf = Callable[[str, str, str], Watermark | None]
"""Catalog, schema (empty where not written) and name → the table's watermark."""

_MONOTONE = (
    exp.Column, exp.Identifier, exp.Literal, exp.Interval, exp.Var, exp.Add, exp.Sub, exp.Cast, exp.DataType, exp.Paren,
    exp.TimestampTrunc, exp.DateTrunc, exp.DateBin, exp.IntervalSpan, exp.Alias,
)  # fmt: skip
_MONOTONE_CALLS = frozenset({"time_bucket", "date_trunc"})
_ORDERED_ALIKE = ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "BIGINT", "INT", "HUGEINT", "DOUBLE")
"""A cast to these keeps the order of what is cast; to texts and times of day it does not."""
_BEFORE = "SELECT * FROM (\n"
LINES_BEFORE = 1
"""Lines that the rewritten query has before the written one."""


def on_window_close(query: str, watermark_of: WatermarkOf) -> str:
    """The query that shows closed groups only. Errors: NotSupportedError, saying what it lacks."""
    tree = parse(query)
    if not isinstance(tree, exp.Select) or not tree.args.get("group"):
        raise NotSupportedError(
            "EMIT ON WINDOW CLOSE of a query without GROUP BY",
            hint="group by the window: … FROM TUMBLE(t, ts, INTERVAL '1 minute') GROUP BY window_start, window_end",
        )
    marked: dict[str, tuple[str, Watermark]] = {}
    for table in tree.find_all(exp.Table):
        mark = watermark_of(table.catalog, table.db, table.name)
        if mark is not None:
            marked[table.sql("duckdb").split(" AS ")[0]] = table.name, mark
    if len(marked) != 1:
        raise NotSupportedError(
            f"EMIT ON WINDOW CLOSE over {len(marked) or 'no'} tables with a watermark",
            hint="one is needed: CREATE TABLE t (…, WATERMARK FOR ts AS ts - INTERVAL '5 seconds') APPEND ONLY",
        )
    (table_name, (name, mark)), *_ = marked.items()
    closed = _closed(tree, mark, name)
    if closed is None:
        raise NotSupportedError(
            "EMIT ON WINDOW CLOSE of groups whose window is not known",
            hint=f"group by window_end, {mark.column} or a time_bucket of it, and have it among the outputs",
        )
    output, operator, bound = closed
    return (
        f"{_BEFORE}{query}\n) AS windows WHERE windows.{quote(output)} {operator} (SELECT {bound} FROM "
        f"(SELECT max({mark.expression}) AS mark FROM {table_name}) AS watermark)"
    )


def _closed(tree: exp.Select, mark: Watermark, marked: str) -> tuple[str, str, str] | None:
    """The output that is the window, how it is compared, and with what function of the watermark. ``marked``: the name
    of the table that has it."""
    tables = [table.alias_or_name for table in tree.find_all(exp.Table) if table.name == marked]
    subqueries = [subquery.alias for subquery in tree.find_all(exp.Subquery)]
    scopes = {"", *(name.lower() for name in (*tables, *subqueries))}
    for key in sorted(_keys(tree), key=lambda key: key.output_name.lower() != "window_end"):
        output = _output(tree, key)
        if output is None:
            continue
        if key.output_name.lower() == "window_end" and not _is_computed(tree, "window_end"):
            return output, "<=", "mark"
        value = _resolved(tree, key)
        columns = list(value.find_all(exp.Column))
        is_of_mark = all(c.name.lower() == mark.column.lower() and c.table.lower() in scopes for c in columns)
        if columns and is_of_mark and _is_monotone(value):
            return output, "<", _of_mark(value)
    return None


def _is_computed(tree: exp.Select, name: str) -> bool:
    """Whether the SELECT itself gives a name to something that is not called so."""
    items = (item for item in tree.expressions if isinstance(item, exp.Alias) and item.alias.lower() == name)
    return any(item.unalias().name.lower() != name for item in items)


def _keys(tree: exp.Select) -> list[exp.Expr]:
    group = tree.args["group"]
    if group.args.get("all"):
        return [item.unalias() for item in tree.expressions if not item.find(exp.AggFunc)]
    found = []
    for key in group.expressions:
        is_place = isinstance(key, exp.Literal) and not key.is_string
        found.append(tree.expressions[int(key.this) - 1].unalias() if is_place else key)
    return found


def _output(tree: exp.Select, key: exp.Expr) -> str | None:
    """The name under which a key is among the outputs."""
    for item in tree.expressions:
        if item.unalias() == key or (isinstance(key, exp.Column) and item.alias_or_name.lower() == key.name.lower()):
            return str(item.alias_or_name) or None
    return None


def _resolved(tree: exp.Select, key: exp.Expr) -> exp.Expr:
    """What a key is computed by: in the SELECT itself, or in a subquery of its FROM."""
    if not isinstance(key, exp.Column):
        return key
    selects = [tree, *(subquery.this for subquery in tree.find_all(exp.Subquery))]
    for select in (select for select in selects if isinstance(select, exp.Select)):
        for item in select.expressions:
            if isinstance(item, exp.Alias) and item.alias.lower() == key.name.lower():
                return item.unalias()
    return key


def _is_monotone(value: exp.Expr) -> bool:
    return all(
        (isinstance(node, _MONOTONE) or (isinstance(node, exp.Anonymous) and node.name.lower() in _MONOTONE_CALLS))
        and not (isinstance(node, exp.Sub) and node.expression.find(exp.Column))
        and not (isinstance(node, exp.Cast) and node.find(exp.Column) and not node.is_type(*_ORDERED_ALIKE))
        for node in value.walk()
    )


def _of_mark(value: exp.Expr) -> str:
    """The same function of the watermark."""

    def by_mark(node: exp.Expr) -> exp.Expr:
        return exp.column("mark") if isinstance(node, exp.Column) else node

    return str(value.copy().transform(by_mark).sql("duckdb"))
