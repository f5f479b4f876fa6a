"""x IN (S), x < ANY (S), x < ALL (S) in terms of EXISTS and aggregates over S, by tree rewriting.

Three-valued logic: x IN S is true where a row matches; else false where S is empty; else NULL where x or a row of S is
NULL; else false. x NOT IN S and x < ALL S are the negations of x IN S and x >= ANY S. x < ANY S is x < max(S), if S has
a value that is not NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from mvengine.planner.binder.conditions import operand
from mvengine.planner.binder.correlated import first_select, query_of
from mvengine.planner.binder.decorrelate import drop_idle_modifiers, is_flat
from mvengine.planner.binder.names import output_names, unaliased
from mvengine.planner.binder.scalar import Unsupported
from mvengine.planner.binder.scopes import Names, column_node
from mvengine.planner.reader import FunctionFacts

NEGATED: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
}


def restricted(
    query: exp.Query, condition: Callable[[list[exp.Expr]], exp.Expr], names: Names, facts: FunctionFacts
) -> exp.Select:
    """``SELECT … FROM S WHERE condition(its outputs)``: of the query itself where it has WHERE, else around it."""
    if isinstance(query, exp.Select):
        drop_idle_modifiers(query, facts, is_set=True, wants_values=True)
    if is_flat(query, facts):
        assert isinstance(query, exp.Select)
        outputs = [unaliased(node).copy() for node in query.expressions]
        where = query.args.get("where")
        parts = [where.this, condition(outputs)] if where else [condition(outputs)]
        query.set("where", exp.Where(this=exp.and_(*parts)))
        return query
    return _around(query, lambda outputs: ([exp.Literal.number(1)], condition(outputs)), names)


def aggregated(
    query: exp.Query, calls: Callable[[list[exp.Expr]], Sequence[exp.Expr]], names: Names, facts: FunctionFacts
) -> exp.Select:
    """``SELECT calls(its outputs) FROM S``: one row."""
    if is_flat(query, facts):
        assert isinstance(query, exp.Select)
        outputs = [unaliased(node).copy() for node in query.expressions]
        query.set("expressions", _aliased(calls(outputs)))
        return query
    return _around(query, lambda outputs: (calls(outputs), None), names)


def _around(
    query: exp.Query,
    make: Callable[[list[exp.Expr]], tuple[Sequence[exp.Expr], exp.Expr | None]],
    names: Names,
) -> exp.Select:
    alias = names.fresh("rows")
    outputs: list[exp.Expr] = [column_node(alias, name) for name in output_names(first_select(query))]
    selected, condition = make(outputs)
    item = exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    where = exp.Where(this=condition) if condition is not None else None
    return exp.Select(expressions=_aliased(selected), from_=exp.From(this=item), where=where)


def _aliased(nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
    return [exp.alias_(node, f"value_{i}", quoted=True) for i, node in enumerate(nodes, 1)]


def fields(node: exp.Expr) -> list[exp.Expr]:
    """The values on the left side of a membership: of ``(a, b) IN …`` two."""
    node = node.unnest()
    return [operand(value) for value in (node.expressions if isinstance(node, exp.Tuple) else [node])]


def equal(left: Sequence[exp.Expr], right: Sequence[exp.Expr]) -> exp.Expr:
    """``left = right``, field by field."""
    return exp.and_(*(exp.EQ(this=a.copy(), expression=b.copy()) for a, b in zip(left, right, strict=True)))


def maybe_equal(left: Sequence[exp.Expr], right: Sequence[exp.Expr]) -> exp.Expr:
    """Whether ``left = right`` is true or NULL, field by field."""
    parts = []
    for a, b in zip(left, right, strict=True):
        same = exp.EQ(this=a.copy(), expression=b.copy())
        parts.append(exp.paren(exp.or_(same, is_null(a), is_null(b))))
    return exp.and_(*parts)


def is_null(node: exp.Expr) -> exp.Expr:
    """``node IS NULL``"""
    return exp.Is(this=node.copy(), expression=exp.Null())


def three_valued(is_true: exp.Expr, is_empty: exp.Expr, is_unknown: exp.Expr) -> exp.Expr:
    """The value of a membership."""
    branches = [(is_true, exp.true()), (is_empty, exp.false()), (is_unknown, exp.Null())]
    ifs = [exp.If(this=condition, true=value) for condition, value in branches]
    return exp.Case(ifs=ifs, default=exp.false())


def flags(outputs: list[exp.Expr]) -> list[exp.Expr]:
    """Whether there is no row, and whether there is one whose only output is NULL."""
    rows, values = exp.Count(this=exp.Star()), exp.Count(this=outputs[0].copy())
    return [exp.EQ(this=rows, expression=exp.Literal.number(0)), exp.LT(this=values, expression=rows.copy())]


def summary(outputs: list[exp.Expr]) -> list[exp.Expr]:
    """The flags, and the extrema."""
    return [*flags(outputs), exp.Min(this=outputs[0].copy()), exp.Max(this=outputs[0].copy())]


def only_row(outputs: list[exp.Expr]) -> list[exp.Expr]:
    """How many rows there are, and the value of the only one."""
    return [exp.Count(this=exp.Star()), exp.Max(this=outputs[0].copy())]


def beats_extremum(operator: type[exp.Expr], left: exp.Expr, low: exp.Expr, high: exp.Expr) -> exp.Expr:
    """``left op ANY S``, given the extrema of S, where it is true."""
    if issubclass(operator, exp.LT | exp.LTE):
        return operator(this=left.copy(), expression=high.copy())
    if issubclass(operator, exp.GT | exp.GTE):
        return operator(this=left.copy(), expression=low.copy())
    if issubclass(operator, exp.NEQ):
        return exp.or_(
            exp.NEQ(this=left.copy(), expression=low.copy()), exp.NEQ(this=left.copy(), expression=high.copy())
        )
    raise Unsupported(f"{operator.__name__} ANY")


def query_in(node: exp.Expr) -> exp.Query:
    """The query of EXISTS, IN, a comparison with ANY or ALL, or a scalar subquery."""
    match node:
        case exp.In():
            return query_of(node.args["query"])
        case exp.Exists():
            return query_of(node.this)
        case exp.Query():
            return query_of(node)
        case _:
            return query_of(node.expression.this)
