"""What can be said of a condition by its form."""

from __future__ import annotations

from sqlglot import exp

from mvengine.planner.binder.scalar import COMPARISONS, Unsupported

_STRICT = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Paren, exp.Cast)


def conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    """The parts of a condition that all must be true."""
    condition = condition.unnest()
    return (
        [inner for part in condition.flatten() for inner in conjuncts(part)]
        if isinstance(condition, exp.And)
        else [condition]
    )


def refuse_misread(tree: exp.Expr) -> None:
    """Raises Unsupported for what the parser takes apart otherwise than the engine: x > 1 = ANY (…), ~x + 1."""
    for node in tree.find_all(*COMPARISONS):
        if isinstance(node.parent, COMPARISONS):
            raise Unsupported("a comparison of a comparison without parentheses")
    for inverted in tree.find_all(exp.BitwiseNot):
        if isinstance(inverted.parent, exp.Binary | exp.In | exp.Between):
            raise Unsupported("~ beside another operator without parentheses")


def operand(node: exp.Expr) -> exp.Expr:
    """A value as an operand: a condition is put in parentheses, or it would become a part of the one around it."""
    return exp.paren(node) if isinstance(node, exp.Predicate | exp.Connector | exp.Not) else node


def rejects_null(condition: exp.Expr, alias: str) -> bool:
    """Whether a condition cannot be true where all columns of ``alias`` are NULL: a comparison with one of them."""
    condition = condition.unnest()
    if isinstance(condition, exp.Between):
        return any(_is_null(side, alias) for side in (condition.this, condition.args["low"], condition.args["high"]))
    return isinstance(condition, COMPARISONS) and (_is_null(condition.left, alias) or _is_null(condition.right, alias))


def _is_null(node: exp.Expr, alias: str) -> bool:
    """Whether an expression is NULL where the columns of ``alias`` are: arithmetic over one of them."""
    if isinstance(node, exp.Column):
        return bool(node.table.lower() == alias.lower())
    return isinstance(node, _STRICT) and any(_is_null(part, alias) for part in node.iter_expressions())
