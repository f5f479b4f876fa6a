"""Which functions of a SELECT are its aggregates, and their simplest forms: a state follows few functions.

f(x) FILTER (WHERE p)   =>  f(CASE WHEN p THEN x END)        f = sum, count, avg, min, max
f(x ORDER BY y)         =>  f(x)                             the order of rows changes none of these
min(DISTINCT x)         =>  min(x)
mean(x), count_star()   =>  avg(x), count(*)
count_if(p)             =>  CAST(count(CASE WHEN p THEN 1 END) AS HUGEINT)
bool_or(p)              =>  CASE WHEN count(p) > 0 THEN count(CASE WHEN p THEN 1 END) > 0 END
bool_and(p)             =>  CASE WHEN count(p) > 0 THEN count(CASE WHEN NOT p THEN 1 END) = 0 END
mode() WITHIN GROUP (ORDER BY x)  =>  mode(x)
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from mvengine.planner.binder.scalar import render
from mvengine.planner.logical import AggregateFunction
from mvengine.planner.reader import FunctionFacts

PLAIN: dict[type[exp.Expr], AggregateFunction] = {
    exp.Count: AggregateFunction.COUNT,
    exp.Sum: AggregateFunction.SUM,
    exp.Avg: AggregateFunction.AVG,
    exp.Min: AggregateFunction.MIN,
    exp.Max: AggregateFunction.MAX,
}

_DISTINCT = {
    AggregateFunction.COUNT: AggregateFunction.COUNT_DISTINCT,
    AggregateFunction.SUM: AggregateFunction.SUM_DISTINCT,
    AggregateFunction.AVG: AggregateFunction.AVG_DISTINCT,
}

_AROUND = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)


def has_aggregates(select: exp.Select, facts: FunctionFacts) -> bool:
    """Whether the SELECT itself aggregates: windows and subqueries do so on their own account."""
    return any(True for _ in own_aggregates(select, select, facts))


def own_aggregates(tree: exp.Expr, select: exp.Select, facts: FunctionFacts) -> Iterator[exp.Expr]:
    """The aggregates of a SELECT in a part of it, with their FILTER, ORDER BY and the like."""
    for node in tree.find_all(exp.Func):
        if node.parent_select is select and is_aggregate(node, facts):
            whole: exp.Expr = node
            while isinstance(whole.parent, _AROUND) and whole.arg_key == "this":
                whole = whole.parent
            if not (isinstance(whole.parent, exp.Window) and whole.arg_key == "this"):
                yield whole


def before_groups(select: exp.Select, facts: FunctionFacts) -> list[exp.Expr]:
    """The parts of a SELECT that are computed before its groups: keys, and what aggregates are taken over."""
    group = select.args.get("group")
    return [*([group] if group else []), *own_aggregates(select, select, facts)]


def is_aggregate(node: exp.Expr, facts: FunctionFacts) -> bool:
    """Whether a function is an aggregate, of those that the parser knows or of the engine's others."""
    if isinstance(node, exp.AggFunc):
        return not isinstance(node, exp.Grouping | exp.GroupingId)
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in facts.aggregates
    if isinstance(node, exp.Connector):  # a function to the parser: count(*) > 1 AND …
        return False
    return isinstance(node, exp.Func) and render(node).partition("(")[0].lower() in facts.aggregates


def simplify_aggregates(select: exp.Select, facts: FunctionFacts) -> None:
    """Brings the SELECT's own aggregates into their simplest forms."""
    for call in list(own_aggregates(select, select, facts)):
        simple = _simplified(call.copy())
        if simple is not None:
            call.replace(simple)


def function_of(call: exp.Expr) -> tuple[AggregateFunction, exp.Expr | None]:
    """What a simplified aggregate is, and the tree of its argument: the whole call where its function is GENERAL."""
    function = PLAIN.get(type(call))
    general = AggregateFunction.GENERAL, call
    if function is None or any(value for name, value in call.args.items() if name not in ("this", "big_int")):
        return general
    argument = call.this
    if argument is None or isinstance(argument, exp.Star):
        return AggregateFunction.COUNT_STAR, None
    if not isinstance(argument, exp.Distinct):
        return function, argument
    if len(argument.expressions) != 1 or isinstance(argument.expressions[0], exp.Star):
        return general
    return _DISTINCT[function], argument.expressions[0]


def _simplified(call: exp.Expr) -> exp.Expr | None:
    """The simplest form of one aggregate; None where it is left as it is."""
    condition: exp.Expr | None = None
    node = call
    if isinstance(node, exp.Filter):
        condition, node = node.expression.this, node.this
    if isinstance(node, exp.IgnoreNulls) and type(node.this) in PLAIN:
        node = node.this
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.Mode) and condition is None:
        ordered = node.expression.expressions
        return exp.Mode(this=ordered[0].this) if len(ordered) == 1 else None
    node = _common_name(node)
    if isinstance(node, exp.CountIf | exp.LogicalAnd | exp.LogicalOr):
        return _counted(node, condition)
    if type(node) not in PLAIN or any(node.args.get(name) for name in ("expressions", "count")):
        return None
    argument = node.this.this if isinstance(node.this, exp.Order) else node.this
    distinct = argument.expressions if isinstance(argument, exp.Distinct) else None
    if distinct is not None and len(distinct) != 1:
        return None
    value = distinct[0] if distinct else argument
    if condition is not None:
        value = _where(condition, exp.Literal.number(1) if value is None or isinstance(value, exp.Star) else value)
    if distinct and not isinstance(node, exp.Min | exp.Max):
        value = exp.Distinct(expressions=[value])
    return type(node)(this=value)


def _common_name(node: exp.Expr) -> exp.Expr:
    """Other names for the same function."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "mean" and len(node.expressions) == 1:
        return exp.Avg(this=node.expressions[0])
    if isinstance(node, exp.Anonymous) and node.name.lower() == "count_star":
        return exp.Count(this=exp.Star())
    return node


def _counted(node: exp.Expr, condition: exp.Expr | None) -> exp.Expr | None:
    """An aggregate of a condition, by counting for which rows it is true, or false."""
    value = node.this
    if isinstance(value, exp.Order):
        value = value.this
    if isinstance(value, exp.Distinct):
        if isinstance(node, exp.CountIf) or len(value.expressions) != 1:
            return None
        value = value.expressions[0]
    if condition is not None:
        value = _where(condition, value)
    if isinstance(node, exp.CountIf):
        counted = _where(value, exp.Literal.number(1))
        counted.append("ifs", exp.If(this=exp.not_(exp.paren(value.copy())), true=exp.Literal.number(0)))
        return exp.Sum(this=counted)
    is_all = isinstance(node, exp.LogicalAnd)
    witnesses = _count_where(exp.not_(exp.paren(value.copy())) if is_all else value)
    zero = exp.Literal.number(0)
    result = exp.EQ(this=witnesses, expression=zero) if is_all else exp.GT(this=witnesses, expression=zero)
    has_values = exp.GT(this=exp.Count(this=value.copy()), expression=zero.copy())
    return exp.Case(ifs=[exp.If(this=has_values, true=result)])


def _count_where(condition: exp.Expr) -> exp.Expr:
    return exp.Count(this=_where(condition, exp.Literal.number(1)))


def _where(condition: exp.Expr, value: exp.Expr) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())])
