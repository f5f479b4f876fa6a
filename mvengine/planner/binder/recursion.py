"""WITH RECURSIVE r AS (base UNION [ALL] step) → Recursion."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlglot import exp

from mvengine.errors import UnknownRelation
from mvengine.planner.binder.names import unique
from mvengine.planner.binder.scalar import Unsupported
from mvengine.planner.binder.scopes import Names
from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import Project, Recursion
from mvengine.planner.node import Node
from mvengine.planner.scalar import Output, column

Opened = dict[str, tuple[str, tuple[str, ...]]]
"""Recursions whose step is being bound: by the name in the query, the name and columns of their plan."""


def is_recursive(cte: exp.CTE) -> bool:
    """Whether a CTE reads itself."""
    name = cte.alias.lower()
    return any(not table.db and table.name.lower() == name for table in cte.this.find_all(exp.Table))


def bind_recursion(
    query: exp.Expr,
    own_name: str,
    alias: str,
    *,
    bind: Callable[[exp.Expr, str], Node],
    opened: Callable[[str, str, tuple[str, ...]], AbstractContextManager[None]],
    names: Names,
) -> Recursion:
    """``bind`` binds one of the two queries, under an alias; while ``opened``, the CTE's name is that of its rows."""
    if not isinstance(query, exp.Union) or query.args.get("by_name"):
        raise Unsupported("a recursive CTE that is no UNION")
    if any(query.args.get(key) for key in ("order", "limit", "offset", "with_")):
        raise Unsupported("a recursive CTE with ORDER BY, LIMIT or WITH")
    name = names.fresh(own_name)
    base = bind(query.this, names.fresh("base"))
    columns = tuple(unique(columns_of(base)))
    try:
        with opened(own_name, name, columns):
            step = bind(query.expression, names.fresh("step"))
    except UnknownRelation as error:  # the engine was asked for types of the recursion's own rows
        raise Unsupported("a recursion whose step is more than joins, projections and filters") from error
    return Recursion(
        base=base,
        step=_conformed(step, columns, names),
        name=name,
        columns=columns,
        is_distinct=bool(query.args.get("distinct")),
        alias=alias,
    )


def _conformed(step: Node, columns: tuple[str, ...], names: Names) -> Project:
    """The step under the names of the base."""
    pairs = zip(columns, columns_of(step), strict=True)
    outputs = tuple(Output(name=name, expr=column(scope_of(step), own)) for name, own in pairs)
    return Project(input=step, outputs=outputs, alias=names.fresh("next"))
