"""UNION, INTERSECT and EXCEPT, with and without ALL → UnionAll, and for all but UNION ALL a group by all columns.

With l and r as often as a row is on the left and on the right, it is in the result

    UNION ALL  l + r times      INTERSECT ALL  least(l, r) times        EXCEPT ALL  greatest(l − r, 0) times
    UNION      once if l + r    INTERSECT      once if l > 0 and r > 0  EXCEPT      once if l > 0 and r = 0

The pair of counts is that of Gupta, Mumick and Subrahmanian, "Maintaining Views Incrementally" (1993). Grouping takes
NULL for equal to NULL, as all six do.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mvengine.planner.binder.names import unique
from mvengine.planner.binder.scalar import render
from mvengine.planner.binder.scopes import Ctes, Names
from mvengine.planner.emit.select import columns_of, scope_of, select
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    AggregateFunction,
    Distinct,
    Filter,
    Project,
    UnionAll,
)
from mvengine.planner.node import Node
from mvengine.planner.parse import parse
from mvengine.planner.reader import SchemaReader
from mvengine.planner.scalar import Expr, Output, column
from mvengine.schema import Column, Columns

_IN_LEFT, _ROWS, _COPY = "in_left", "rows", "copy"


def bind_set_operation(
    query: exp.SetOperation,
    ctes: Ctes,
    alias: str,
    *,
    bind: Callable[[exp.Expr, str], Node],
    reader: SchemaReader,
    names: Names,
) -> Node:
    """A plan whose columns are the operation's, in scope ``alias``. ``bind`` binds one of its two queries."""
    columns = _columns(query, ctes, reader)  # before binding takes the query apart
    is_by_name = bool(query.args.get("by_name"))
    left, right = (
        _leg(bind(part, names.fresh("leg")), columns, is_by_name, reader) for part in (query.this, query.expression)
    )
    distinct = bool(query.args.get("distinct"))
    if isinstance(query, exp.Union):
        union = _union(left, right, tuple(c.name for c in columns), (), alias)
        return Distinct(input=union, columns=union.columns, alias=alias) if distinct else union
    return _counted(left, right, columns, alias, names, is_except=isinstance(query, exp.Except), distinct=distinct)


def _columns(query: exp.SetOperation, ctes: Ctes, reader: SchemaReader) -> Columns:
    """Names and types of the result, as the engine describes them; the CTEs are those that the query may name."""
    tree = query.copy()
    for name, inner in reversed(list(ctes.items())):
        clause = tree.args.get("with_")
        if clause is None or all(cte.alias.lower() != name for cte in clause.expressions):
            body = parse(select(inner, weighted=False)) if isinstance(inner, Node) else inner.copy()
            cte = exp.CTE(this=body, alias=exp.TableAlias(this=exp.to_identifier(name)))
            tree.set("with_", exp.With(expressions=[cte, *(clause.expressions if clause else [])], recursive=True))
    described = reader.describe(render(tree))
    return tuple(
        Column(name=name, type=c.type) for name, c in zip(unique(c.name for c in described), described, strict=True)
    )


def _leg(node: Node, columns: Columns, is_by_name: bool, reader: SchemaReader) -> tuple[Node, tuple[Output, ...]]:
    """One of the two inputs, and the operation's columns over it: by position, or by name (NULL for a missing one)."""
    own = {
        name: c.type for name, c in zip(columns_of(node), reader.describe(select(node, weighted=False)), strict=True)
    }
    by_name = {name.lower(): name for name in own}
    outputs = []
    for position, wanted in zip([*own, *[None] * len(columns)], columns, strict=False):
        name = by_name.get(wanted.name.lower()) if is_by_name else position
        expr = column(scope_of(node), name) if name else Expr(sql="NULL", columns=())
        if name is None or own[name] != wanted.type:
            expr = Expr(sql=f"CAST({expr.sql} AS {wanted.type})", columns=expr.columns)
        outputs.append(Output(name=wanted.name, expr=expr))
    return node, tuple(outputs)


def _union(
    left: tuple[Node, tuple[Output, ...]],
    right: tuple[Node, tuple[Output, ...]],
    names: tuple[str, ...],
    tags: tuple[Output, ...],
    alias: str,
) -> UnionAll:
    """The rows of both, with a tag for each side where there are ``tags``."""
    pairs = zip((left, right), tags or (None, None), strict=True)
    legs = tuple(
        Project(input=node, outputs=(*outputs, tag) if tag else outputs, alias=alias) for (node, outputs), tag in pairs
    )
    return UnionAll(inputs=legs, columns=(*names, tags[0].name) if tags else names, alias=alias)


def _counted(
    left: tuple[Node, tuple[Output, ...]],
    right: tuple[Node, tuple[Output, ...]],
    columns: Columns,
    alias: str,
    names: Names,
    *,
    is_except: bool,
    distinct: bool,
) -> Node:
    """INTERSECT and EXCEPT: each different row with its pair of counts, as often as they say."""
    shown = tuple(c.name for c in columns)
    taken = {name.lower() for name in shown}
    in_left, rows, copy = (next(n for n in _numbered(stem) if n not in taken) for stem in (_IN_LEFT, _ROWS, _COPY))
    tags = tuple(
        Output(name=in_left, expr=Expr(sql=f"CAST({value} AS INTEGER)", columns=())) for value in ("1", "NULL")
    )
    sides, counted = names.fresh("sides"), names.fresh("counted")
    union = _union(left, right, shown, tags, sides)
    counts = Aggregate(
        input=union,
        keys=tuple(Output(name=name, expr=column(sides, name)) for name in shown),
        aggregates=(
            AggregateCall(
                name=in_left,
                function=AggregateFunction.COUNT,
                argument=column(sides, in_left),
                argument_type="INTEGER",
            ),
            AggregateCall(name=rows, function=AggregateFunction.COUNT_STAR, argument=None, argument_type=""),
        ),
        alias=counted,
    )
    l, n = column(counted, in_left), column(counted, rows)  # noqa: E741 - the l of the formulas above
    refs = (*l.columns, *n.columns)
    outputs = tuple(Output(name=name, expr=column(counted, name)) for name in shown)
    there = f"{l.sql} = {n.sql}" if is_except else f"{l.sql} > 0 AND {n.sql} > {l.sql}"
    if distinct:
        kept = Filter(input=counts, predicates=(Expr(sql=there, columns=refs),))
        return Project(input=kept, outputs=outputs, alias=alias)
    often = f"2 * {l.sql} - {n.sql}" if is_except else f"least({l.sql}, {n.sql} - {l.sql})"
    copies = Output(name=copy, expr=Expr(sql=f"unnest(range({often}))", columns=refs))
    repeated = names.fresh("repeated")
    return Project(
        input=Project(input=counts, outputs=(*outputs, copies), alias=repeated),
        outputs=tuple(Output(name=name, expr=column(repeated, name)) for name in shown),
        alias=alias,
    )


def _numbered(stem: str) -> tuple[str, ...]:
    """The stem, and as many more names as can be needed at all."""
    return (stem, *(f"{stem}_{number}" for number in range(2, 10_000)))
