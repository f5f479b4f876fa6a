"""Which constructs a query has, by its syntax tree: to group failures, and to say which ones are computed again."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

NODES: dict[type[exp.Expr], str] = {
    exp.Where: "WHERE",
    exp.Having: "HAVING",
    exp.Qualify: "QUALIFY",
    exp.Limit: "LIMIT",
    exp.Window: "window",
    exp.Filter: "FILTER",
    exp.Exists: "EXISTS",
    exp.Any: "ANY",
    exp.All: "ALL",
    exp.Rollup: "ROLLUP",
    exp.Cube: "CUBE",
    exp.GroupingSets: "GROUPING SETS",
    exp.Union: "UNION",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
    exp.Unnest: "UNNEST",
    exp.Lateral: "LATERAL",
    exp.Values: "VALUES",
    exp.Case: "CASE",
}


def constructs_of(query: str) -> frozenset[str]:
    """Names as SQL has them; of a text that sqlglot cannot read, none."""
    try:
        tree = sqlglot.parse_one(query, read="duckdb")
    except SqlglotError:
        return frozenset({"not parsed by sqlglot"})
    return frozenset(name for node in tree.walk() for name in _names(node))


def _names(node: exp.Expr) -> list[str]:
    match node:
        case exp.Join():
            parts = (node.args.get(key) or "" for key in ("method", "side", "kind"))
            return [" ".join([*filter(None, parts), "JOIN"]) + (" USING" if node.args.get("using") else "")]
        case exp.In(args={"query": query}) if query is not None:
            return ["NOT IN (query)" if isinstance(node.parent, exp.Not) else "IN (query)"]
        case exp.With():
            return ["WITH RECURSIVE" if node.recursive else "WITH"]
        case exp.Group(expressions=keys) if keys:
            return ["GROUP BY"]
        case exp.Distinct():
            return [
                "DISTINCT ON"
                if node.args.get("on")
                else "DISTINCT"
                if isinstance(node.parent, exp.Select)
                else "agg(DISTINCT)"
            ]
        case exp.AggFunc():
            return [node.sql_name().lower()]
        case exp.SetOperation():
            return [NODES[type(node)] + (" ALL" if not node.args.get("distinct") else "")]
        case exp.Subquery() if not isinstance(
            node.parent, exp.From | exp.Join | exp.Lateral | exp.In | exp.SetOperation
        ):
            return ["scalar subquery"]
        case _:
            return [NODES[type(node)]] if type(node) in NODES else []
