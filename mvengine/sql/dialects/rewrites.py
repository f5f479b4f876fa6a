"""One rule for each kind of node that means something else in DuckDB, or that DuckDB writes otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from mvengine.errors import NotSupportedError
from mvengine.schema import quote
from mvengine.sql.dialects.aggregates import rewrite_first_or_last, rewrite_json_aggregate, rewrite_within_group
from mvengine.sql.dialects.calls import call, matched_part, part_of, rewrite_call, text_of
from mvengine.sql.dialects.casts import rewrite_cast
from mvengine.sql.dialects.functions import expand
from mvengine.sql.dialects.json import is_json, path_call, rewrite_arrow
from mvengine.sql.dialects.marks import PATH, PREFIX, unmarked
from mvengine.sql.dialects.patterns import native_regex, regex_of_similar

_REFUSED: tuple[tuple[type[exp.Expr], str, str], ...] = (
    (exp.BitString, "a bit string", "write an integer"),
    (exp.HexString, "a bit string", "write an integer, or '\\x…'::bytea"),
    (exp.Into, "SELECT INTO", "use CREATE TABLE … AS"),
    (exp.Version, "FOR SYSTEM_TIME AS OF", "join the table itself: a view follows both sides"),
    (exp.JSONBDeleteAtPath, "the operator #-", "build the object with jsonb_build_object()"),
    (exp.Command, "this statement", "write it in DuckDB's dialect"),
)


def rewrite(tree: exp.Expr) -> exp.Expr:
    """The statement in DuckDB's terms. Errors: NotSupportedError, which names what cannot be said in them."""
    for aggregate in list(tree.find_all(exp.Anonymous)):
        rewrite_json_aggregate(aggregate)
        rewrite_first_or_last(aggregate)
    for node in reversed(list(tree.walk())):
        for kind, name, hint in _REFUSED:
            if isinstance(node, kind):
                raise NotSupportedError(name, hint=hint)
        rule = _RULES.get(type(node))
        found = rule(node) if rule is not None else None
        if found is not None and found is not node:
            if node is tree:
                tree = found
            else:
                node.replace(found)
    return tree


def _identifier(node: exp.Identifier) -> None:
    name = unmarked(node.name)
    node.set("this", name if node.args.get("quoted") else name.lower())
    node.set("quoted", bool(node.args.get("quoted")) or quote(node.name) != node.name)


def _call(node: exp.Anonymous) -> exp.Expr | None:
    _separate_distinct(node)
    if not node.name.startswith(PREFIX):
        return None
    name = unmarked(node.name)
    if name == PATH:
        return None
    if name in ("jsonb_extract_path", "json_extract_path"):
        return path_call("json_extract", node.expressions)
    if name in ("jsonb_extract_path_text", "json_extract_path_text"):
        return path_call("json_extract_string", node.expressions)
    if isinstance(node.parent, exp.WithinGroup):
        return None
    found = rewrite_call(node)
    if isinstance(found, exp.Anonymous) and found.name in ("generate_series", "range") and _is_value(node):
        return call("unnest", found)
    return found


def _separate_distinct(node: exp.Anonymous) -> None:
    """``f(DISTINCT a, b)``: sqlglot takes all arguments for one row. Only the first is what is to be distinct."""
    first = node.expressions[0] if node.expressions else None
    order = first if isinstance(first, exp.Order) else None
    distinct = order.this if order is not None else first
    if not isinstance(distinct, exp.Distinct) or len(distinct.expressions) < 2:
        return
    value, *others = distinct.expressions
    if order is not None:
        others[-1] = exp.Order(this=others[-1].copy(), expressions=order.expressions)
    node.set("expressions", [exp.Distinct(expressions=[value]), *others])


def _is_value(node: exp.Expr) -> bool:
    """Whether a function that returns rows stands among the columns of a SELECT."""
    parent = node.parent
    return isinstance(parent, exp.Select) or (isinstance(parent, exp.Alias) and isinstance(parent.parent, exp.Select))


def _division(node: exp.Div) -> exp.Expr:
    """DuckDB's ``//`` divides integers to an integer, and all else as ``/`` does: this is PostgreSQL's ``/``."""
    if _is_interval(node.this):
        return exp.Div(this=node.this.copy(), expression=node.expression.copy())
    return exp.IntDiv(this=node.this.copy(), expression=node.expression.copy())


def _is_interval(node: exp.Expr) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Mul | exp.Div | exp.IntDiv):
        return _is_interval(node.this) or _is_interval(node.expression)
    if isinstance(node, exp.Add | exp.Sub):
        return _is_interval(node.this) and _is_interval(node.expression)
    return isinstance(node, exp.Interval) or (isinstance(node, exp.Cast) and node.to.this == exp.DType.INTERVAL)


def _like(node: exp.Expr) -> exp.Expr | None:
    """A backslash escapes in PostgreSQL; in DuckDB nothing does until ESCAPE says so."""
    pattern = text_of(node.expression)
    if isinstance(node.parent, exp.Escape) or (pattern is not None and "\\" not in pattern):
        return None
    if isinstance(node.expression, exp.Any | exp.All | exp.Tuple):
        raise NotSupportedError("LIKE ANY and LIKE ALL", hint="write the comparisons with OR or AND")
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _regex(node: exp.Expr) -> exp.Expr:
    flags = "i" if isinstance(node, exp.RegexpILike) else ""
    pattern = text_of(node.expression)
    if pattern is None:
        return call("regexp_matches", node.this, node.expression, exp.Literal.string(flags + "s"))
    regex, options = native_regex(pattern, flags)
    return call("regexp_matches", node.this, exp.Literal.string(regex), exp.Literal.string(options))


def _similar(node: exp.SimilarTo) -> exp.Expr:
    pattern = text_of(node.expression)
    if pattern is None:
        raise NotSupportedError("SIMILAR TO a pattern that is not written out", hint="use ~ and a regular expression")
    regex = exp.Literal.string(regex_of_similar(pattern))
    return call("regexp_full_match", node.this, regex, exp.Literal.string("s"))


def _substring(node: exp.Substring) -> exp.Expr | None:
    start = node.args.get("start")
    if start is None:
        start = exp.Literal.number(1)
    length = node.args.get("length")
    if text_of(start) is not None:
        return matched_part(node.this, start)
    if isinstance(start, exp.Literal) and int(start.name) >= 1:
        return None
    return expand("substr", [node.this, start, *([length] if length is not None else [])])


def _overlay(node: exp.Overlay) -> exp.Expr | None:
    parts = [node.this, node.expression, node.args["from_"]]
    return expand("overlay", [*parts, node.args["for_"]] if node.args.get("for_") else parts)


def _concatenation(node: exp.DPipe) -> exp.Expr:
    left, right = node.this, node.expression
    if is_json(left) or is_json(right):
        raise NotSupportedError("the operator || on jsonb", hint="build the object with jsonb_build_object()")
    is_list, is_element = _shape(left), _shape(right)
    if is_list == "array" and is_element == "value":
        return call("list_append", left, right)
    if is_list == "value" and is_element == "array":
        return call("list_prepend", left, right)
    return exp.DPipe(this=left.copy(), expression=right.copy())


def _shape(node: exp.Expr) -> str:
    """Whether an expression shows by its form that it is an array, or that it is none; empty where it shows neither."""
    node = node.unnest()
    if isinstance(node, exp.Array):
        return "array"
    if isinstance(node, exp.Cast):
        return "array" if node.to.this == exp.DType.ARRAY else "value"
    if isinstance(node, exp.Literal | exp.Neg):
        return "value"
    if isinstance(node, exp.Anonymous) and node.name.lower().startswith(("list_append", "list_concat", "list_prepend")):
        return "array"
    return _shape(node.this) if isinstance(node, exp.DPipe) else ""


def _minus(node: exp.Sub) -> exp.Expr | None:
    if _is_time(node.this) and _is_time(node.expression):
        day = exp.cast(exp.Literal.string("1970-01-01"), "DATE")
        moments = [exp.Add(this=day.copy(), expression=time.copy()) for time in (node.this, node.expression)]
        return exp.Sub(this=exp.Paren(this=moments[0]), expression=exp.Paren(this=moments[1]))
    if is_json(node.this):
        raise NotSupportedError("the operator - on jsonb", hint="build the object with jsonb_build_object()")
    return None


def _is_time(node: exp.Expr) -> bool:
    inner = node.unnest()
    return isinstance(inner, exp.Cast) and inner.to.this == exp.DType.TIME


def _contains(node: exp.Expr) -> exp.Expr | None:
    if not (is_json(node.this) or is_json(node.expression)):
        return None
    pair = (node.this, node.expression)
    return call("json_contains", *(pair if isinstance(node, exp.ArrayContainsAll) else reversed(pair)))


def _bracket(node: exp.Bracket) -> exp.Expr | None:
    """``a[i]``: a place before the first one is empty, where DuckDB counts from the end."""
    index = node.expressions[0] if node.expressions else None
    if isinstance(index, exp.Slice | exp.Literal) or index is None or is_json(node.this):
        return None
    if isinstance(index, exp.Neg) and isinstance(index.this, exp.Literal):
        return exp.Null()
    return exp.Paren(this=exp.Case().when(exp.GT(this=index.copy(), expression=exp.Literal.number(0)), node.copy()))


def _fetch(node: exp.Fetch) -> exp.Expr | None:
    options = node.args.get("limit_options")
    if options is not None and options.args.get("with_ties"):
        raise NotSupportedError("WITH TIES", hint="use rank() OVER (ORDER BY …) in a subquery")
    return None


def _extract(node: exp.Extract) -> exp.Expr:
    return part_of(node.this.name.lower(), node.expression)


def _absolute(node: exp.Parameter) -> exp.Expr | None:
    """``@ x``, which sqlglot takes for a parameter."""
    return call("abs", node.this) if isinstance(node.this, exp.Paren | exp.Column | exp.Neg | exp.Cast) else None


def _clock(function: str) -> Callable[[exp.Expr], exp.Expr | None]:
    """A function of the clock by a name that no column has: the column that it makes is called as the function is."""
    return lambda node: call(function)


def _keys(function: str) -> Callable[[exp.Expr], exp.Expr | None]:
    return lambda node: expand(function, [node.this, node.expression])


_RULES: dict[type[exp.Expr], Callable[[Any], exp.Expr | None]] = {
    exp.Identifier: _identifier,
    exp.Anonymous: _call,
    exp.Cast: rewrite_cast,
    exp.TryCast: rewrite_cast,
    exp.Div: _division,
    exp.Like: _like,
    exp.ILike: _like,
    exp.RegexpLike: _regex,
    exp.RegexpILike: _regex,
    exp.SimilarTo: _similar,
    exp.Substring: _substring,
    exp.Overlay: _overlay,
    exp.StrPosition: lambda node: call("instr", node.this, node.args["substr"]),
    exp.Extract: _extract,
    exp.DPipe: _concatenation,
    exp.Sub: _minus,
    exp.ArrayContainsAll: _contains,
    exp.ArrayContainedBy: _contains,
    exp.JSONBExtract: rewrite_arrow,
    exp.JSONBExtractScalar: rewrite_arrow,
    exp.JSONBContains: _keys("jsonb_exists"),
    exp.JSONBContainsTopKey: _keys("jsonb_exists"),
    exp.JSONBContainsAnyTopKeys: _keys("jsonb_exists_any"),
    exp.JSONBContainsAllTopKeys: _keys("jsonb_exists_all"),
    exp.Bracket: _bracket,
    exp.Parameter: _absolute,
    exp.CurrentDate: _clock("today"),
    exp.CurrentTimestamp: _clock("now"),
    exp.Localtimestamp: _clock("current_localtimestamp"),
    exp.Localtime: _clock("current_localtime"),
    exp.CurrentTime: _clock("get_current_time"),
    exp.CurrentUser: _clock("current_user"),
    exp.SessionUser: _clock("current_user"),
    exp.Fetch: _fetch,
    exp.WithinGroup: rewrite_within_group,
}
