"""Aggregates that stand in FILTER, OVER or WITHIN GROUP, and are more than one call in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from mvengine.errors import BindError, NotSupportedError
from mvengine.sql.dialects.calls import call
from mvengine.sql.dialects.marks import unmarked

_AS_JSON = frozenset({"jsonb_agg", "json_agg"})
_ENDS = {"first_value": "first", "last_value": "last"}
_QUANTILES = {"percentile_cont": "quantile_cont", "percentile_disc": "quantile_disc"}


def rewrite_json_aggregate(node: exp.Anonymous) -> None:
    """``jsonb_agg(x …) FILTER … OVER …  =>  to_json(list(x …) FILTER … OVER …)``, in place."""
    if unmarked(node.name).lower() not in _AS_JSON:
        return
    node.set("this", "list")
    whole: exp.Expr = node
    while isinstance(whole.parent, exp.Filter | exp.Window) and whole.arg_key == "this":
        whole = whole.parent
    parent, key, index = whole.parent, whole.arg_key, whole.index
    listed = exp.Anonymous(this="to_json", expressions=[whole.copy()])
    assert parent is not None
    assert key is not None
    parent.set(key, listed, index)


def rewrite_first_or_last(node: exp.Anonymous) -> None:
    """RisingWave's aggregate ``first_value(x ORDER BY y)  =>  first(x ORDER BY y)``; over a window it is DuckDB's."""
    whole: exp.Expr = node
    while isinstance(whole.parent, exp.Filter):
        whole = whole.parent
    name = unmarked(node.name).lower()
    if name in _ENDS and not isinstance(whole.parent, exp.Window | exp.IgnoreNulls | exp.RespectNulls):
        node.set("this", _ENDS[name])


def rewrite_within_group(node: exp.WithinGroup) -> exp.Expr:
    """``percentile_cont(p) WITHIN GROUP (ORDER BY x)  =>  quantile_cont(x, p)``.

    From the other end, the continuous percentile is that of 1 - p. Errors: NotSupportedError for other aggregates.
    """
    function, ordered = node.this, node.expression.expressions[0]
    name = unmarked(function.name).lower() if isinstance(function, exp.Anonymous) else function.key
    value, is_descending = ordered.this, bool(ordered.args.get("desc"))
    if name == "mode":
        return call("mode", value)
    if name == "approx_percentile" and not is_descending and function.expressions:
        return call("approx_quantile", value, function.expressions[0])
    if name not in _QUANTILES:
        raise NotSupportedError(f"{name}() WITHIN GROUP", hint="percentile_cont, percentile_disc and mode have it")
    if not function.expressions:
        raise BindError(f"{name}() without the part that it is to find", hint="write 0.5 for the median", code="42883")
    part = function.expressions[0]
    if not is_descending:
        return call(_QUANTILES[name], value, part)
    if name == "percentile_disc":
        raise NotSupportedError("percentile_disc() in descending order", hint="use 1 - p in ascending order")
    return call(_QUANTILES[name], value, exp.Sub(this=exp.Literal.number(1), expression=exp.Paren(this=part.copy())))
