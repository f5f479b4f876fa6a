"""Expressions of a qualified tree → ``Expr`` values, or the reason why they cannot be maintained."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlglot import exp

from mvengine.planner.clock import is_clock
from mvengine.planner.reader import FunctionFacts
from mvengine.planner.scalar import ColumnRef, Expr
from mvengine.schema import quote

_STRING = re.compile(r"'(?:[^']|'')*'")
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_BARE_CLOCK = re.compile(
    r"\b(current_date|current_time|current_timestamp|localtime|localtimestamp|current_user)\b", re.I
)


class Unsupported(Exception):  # noqa: N818 - it is no error of the user, and never leaves the binder
    """A construct without a delta rule; the message names it. Never leaves the binder."""


def render(node: exp.Expr) -> str:
    """The one way from a tree to text: DuckDB's dialect, identifiers quoted where they must be."""
    node = node.copy().transform(_as_written, copy=False)
    for identifier in node.find_all(exp.Identifier):
        identifier.set("quoted", quote(identifier.name) != identifier.name)
    return node.sql(dialect="duckdb", comments=False)


def _as_written(node: exp.Expr) -> exp.Expr:
    """Functions that the printer would turn into others, or could not print."""
    if isinstance(node, exp.Log) and isinstance(node.this, exp.Literal) and node.this.name == "2" and node.expression:
        return exp.Anonymous(this="log2", expressions=[node.expression])
    if isinstance(node, COMPARISONS):
        for name in ("this", "expression"):
            if isinstance(node.args[name], (*COMPARISONS, exp.Connector)):
                node.set(name, exp.paren(node.args[name]))
    if isinstance(node, exp.ApproxTopK):
        node = exp.Anonymous(
            this="approx_top_k", expressions=[node.this, *([node.expression] if node.expression else [])]
        )
    if isinstance(node, exp.AggFunc) and isinstance(node.this, exp.Distinct):
        return _distinct(node, node.this)
    if isinstance(node, exp.Anonymous) and node.expressions and isinstance(node.expressions[0], exp.Distinct):
        return _distinct(node, node.expressions[0])
    return node


def _distinct(call: exp.Expr, distinct: exp.Distinct) -> exp.Expr:
    """An aggregate of several arguments with DISTINCT before the first of them, which the printer would make a row."""
    value, *others = distinct.expressions
    if not others:
        return call
    name = (
        call.name if isinstance(call, exp.Anonymous) else type(call)(this=value.copy()).sql("duckdb").partition("(")[0]
    )
    return exp.Anonymous(this=name, expressions=[exp.Distinct(expressions=[value]), *others])


def bind_expr(node: exp.Expr, facts: FunctionFacts) -> Expr:
    """A row expression. Raises Unsupported for subqueries, window functions, volatile functions and the like."""
    refuse_nested(node)
    sql = render(node)
    refuse_calls(sql, facts)
    refs: dict[ColumnRef, None] = {}
    for column in node.find_all(exp.Column):
        if not column.table:
            raise Unsupported(f"the name {column.name}, which is no column of a table")
        refs[ColumnRef(relation=column.table, name=column.name)] = None
    return Expr(sql=sql, columns=tuple(refs))


def bind_call(node: exp.Expr, facts: FunctionFacts) -> Expr:
    """A window function or an aggregate, as a whole. Raises Unsupported for what no expression may hold either."""
    for part in node.iter_expressions():
        _refuse_queries(part)
    sql = render(node)
    refuse_calls(sql, replace(facts, aggregates=frozenset()))
    refs = {ColumnRef(relation=column.table, name=column.name): None for column in node.find_all(exp.Column)}
    return Expr(sql=sql, columns=tuple(refs))


def refuse_nested(node: exp.Expr) -> None:
    """Constructs inside an expression that are more than a function of the row."""
    if node.find(exp.Window):
        raise Unsupported("a window function in this place")
    _refuse_queries(node)
    if any(is_clock(part) for part in node.walk()):
        raise Unsupported("a function of the clock in this place")
    if node.find(exp.AggFunc):
        raise Unsupported("an aggregate in this place")


def _refuse_queries(node: exp.Expr) -> None:
    if node.find(exp.Exists):
        raise Unsupported("EXISTS")
    for membership in node.find_all(exp.In):
        if membership.args.get("query"):
            raise Unsupported("IN (subquery)")
    if node.find(exp.Query):
        raise Unsupported("a subquery in an expression")
    if node.find(exp.Placeholder, exp.Parameter):
        raise Unsupported("a parameter")
    if node.find(exp.TableColumn):
        raise Unsupported("a whole row as a value")
    if any(not isinstance(star.parent, exp.Count) for star in node.find_all(exp.Star, exp.Columns)):
        raise Unsupported("COLUMNS(…)")


def refuse_calls(sql: str, facts: FunctionFacts) -> None:
    """Functions that the engine calls volatile, macros (whose bodies may read tables), and unknown aggregates."""
    without_strings = _STRING.sub("''", sql)
    if clock := _BARE_CLOCK.search(without_strings):
        raise Unsupported(f"{clock.group(1).lower()}, which follows the clock")
    for match in _CALL.finditer(without_strings):
        name = match.group(1).lower()
        if name in facts.volatile:
            raise Unsupported(f"the volatile function {name}()")
        if name in facts.macros:
            raise Unsupported(f"the macro {name}()")
        if name in facts.aggregates:
            raise Unsupported(f"the aggregate {name}()")


def follows_tables_only(sql: str, facts: FunctionFacts) -> bool:
    """Whether nothing in the text follows the clock or chance, or hides in a macro what it follows."""
    without_strings = _STRING.sub("''", sql)
    called = {match.group(1).lower() for match in _CALL.finditer(without_strings)}
    return not (_BARE_CLOCK.search(without_strings) or called & (facts.volatile | facts.macros))
