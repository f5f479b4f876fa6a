"""The clock of a database as an input of its views: a table of one row, moved by REFRESH, and still in between.

``now()``, ``current_date`` and the like are columns of that row, cast as DuckDB types them; dates and times of day
follow the TimeZone of the view's CREATE. So rows enter and leave a view by the same rules as by a change of a table.

``age(x)`` is the time from x to the last midnight: that of the time zone where x is a TIMESTAMPTZ, else that of UTC.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mvengine.planner.parse import parse
from mvengine.schema import Name

CLOCK = Name(schema="mv_meta", name="clock")
COLUMN = "now"
TYPE = "TIMESTAMP WITH TIME ZONE"

_CASTS: dict[str, tuple[str, ...]] = {
    "now": (),
    "get_current_timestamp": (),
    "transaction_timestamp": (),
    "current_timestamp": (),
    "today": ("DATE",),
    "current_date": ("DATE",),
    "localtimestamp": ("TIMESTAMP",),
    "current_localtimestamp": ("TIMESTAMP",),
    "localtime": ("TIMESTAMP", "TIME"),
    "current_localtime": ("TIMESTAMP", "TIME"),
    "current_time": ("TIMETZ",),
    "get_current_time": ("TIMETZ",),
}
"""By function: what the moment is cast to, from the inside out."""

_CLASSES: dict[type[exp.Expr], str] = {
    exp.CurrentTimestamp: "current_timestamp",
    exp.CurrentDate: "current_date",
    exp.Localtimestamp: "localtimestamp",
    exp.Localtime: "localtime",
    exp.CurrentTime: "current_time",
}


_AGE = parse(
    "CASE typeof(value) WHEN 'TIMESTAMP WITH TIME ZONE'"
    " THEN age(CAST(CAST(moment AS DATE) AS TIMESTAMPTZ), CAST(value AS TIMESTAMPTZ))"
    " ELSE age(CAST(CAST(timezone('UTC', moment) AS DATE) AS TIMESTAMP), CAST(value AS TIMESTAMP)) END"
)


def is_clock(node: exp.Expr) -> bool:
    """Whether an expression is a function of the clock: one without arguments, or the age of a value."""
    return _name(node) in _CASTS or _is_age(node)


def reading(node: exp.Expr, moment: exp.Expr) -> exp.Expr:
    """What a function of the clock gives at a moment."""
    if _is_age(node):
        value = exp.paren(replaced(node.expressions[0].copy(), lambda inner: reading(inner, moment)))
        parts = {"value": value, "moment": moment}
        return _AGE.transform(lambda part: parts[part.name].copy() if isinstance(part, exp.Column) else part)
    found = moment.copy()
    for type_ in _CASTS[_name(node)]:
        found = exp.cast(found, type_, dialect="duckdb")
    return found


def on_clock(query: str) -> str:
    """A view's query as it is at the moment that the clock shows."""
    tree = parse(query)
    shown = parse(f"(SELECT {COLUMN} FROM {CLOCK.sql})")
    return replaced(tree, lambda node: reading(node, shown.copy())).sql(dialect="duckdb", comments=False)


def replaced(tree: exp.Expr, by: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """The tree with something else in the place of each function of the clock."""
    return tree.transform(lambda node: by(node) if is_clock(node) else node, copy=False)


def _is_age(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == "age" and len(node.expressions) == 1


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return "" if node.expressions else node.name.lower()
    return "" if node.args.get("this") else _CLASSES.get(type(node), "")
