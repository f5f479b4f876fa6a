"""What becomes of subqueries: the operators of the plan, and what the matches compare."""

from __future__ import annotations

from typing import Any

import pytest

import mvengine
from mvengine.planner.binder import bind_view
from mvengine.planner.logical import Aggregate, Constant, Join, Match, Materialize, Scan, Window
from mvengine.planner.node import Node
from mvengine.planner.rules import optimize
from mvengine.planner.scalar import Expr

CASES = [
    ("SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.g)", "semi[g = k](a, b)"),
    ("SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.g AND b.w > a.v)", "anti[g = k; 1](a, b)"),
    ("SELECT id, EXISTS (SELECT 1 FROM b WHERE b.k = a.g) AS h FROM a", "mark[g = k](a, b)"),
    ("SELECT id FROM a WHERE g IN (SELECT k FROM b WHERE w = a.v)", "semi[v = w, g = k](a, b)"),
    ("SELECT id, (SELECT w FROM b WHERE b.k = a.g) AS w FROM a", "single[g = k](a, b)"),
    ("SELECT id, (SELECT count(*) FROM b WHERE b.k = a.g) AS n FROM a", "left[g = k](a, γ k(b))"),
    ("SELECT id FROM a WHERE v > (SELECT 2 * sum(w) FROM b WHERE b.k = a.g)", "join(a, γ k(b))"),
    ("SELECT id FROM a WHERE v > (SELECT avg(w) FROM b)", "join(a, γ(b))"),
    ("SELECT id FROM a WHERE g NOT IN (SELECT k FROM b)", "anti[g = k](join(a, δ(γ(b))), b)"),
    # an inequality alone is no key: the values outside are joined in, and matched
    ("SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.w < a.v)", "semi[v ≡ v](a, join(b, δ(a)))"),
    ("SELECT id, (SELECT max(w) FROM b WHERE b.w < a.v) AS m FROM a", "left[v ≡ v](a, γ v(join(b, δ(a))))"),
    # '1' and '01' are both equal to 1, but two groups
    ("SELECT id, (SELECT max(w) FROM b WHERE b.s = a.g) AS m FROM a", "left[g ≡ g](a, γ g(join(b, δ(a))))"),
    (
        "SELECT id, (SELECT w FROM b WHERE b.k = a.g ORDER BY w LIMIT 1) AS w FROM a",
        "single[g = k](a, window k(b))",
    ),
    (
        "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM (VALUES (1)) c(x) JOIN b ON b.w = c.x WHERE b.k = a.g)",
        "semi[g = k](a, join(VALUES (1), b))",
    ),
    ("SELECT id, q.w FROM a, LATERAL (SELECT w FROM b WHERE b.k = a.g) q", "join(a, b)"),
    ("SELECT id, u.x FROM a, unnest(list) u(x)", "a"),
]


@pytest.mark.parametrize(("query", "plan"), CASES)
def test_a_subquery_becomes(query: str, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[Node] = []

    def kept(**arguments: Any) -> Materialize:
        root = bind_view(**arguments)
        bound.append(optimize(root))
        return root

    monkeypatch.setattr("mvengine.planner.binder.bind_view", kept)
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE a (id INT, g INT, v INT, list INT[])")
        connection.execute("CREATE TABLE b (k INT, w INT, s VARCHAR)")
        connection.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
    assert _outline(bound[0]) == plan


def _outline(node: Node) -> str:
    """The operators that matter here, in one line: projections and filters are left out."""
    inputs = ", ".join(_outline(child) for child in node.children)
    match node:
        case Scan():
            return node.relation.name
        case Constant():
            return node.query
        case Match():
            keys = [f"{_name(key.left)} {'≡' if key.is_null_safe else '='} {_name(key.right)}" for key in node.keys]
            predicates = f"; {len(node.predicates)}" if node.predicates else ""
            return f"{node.kind}[{', '.join(keys)}{predicates}]({inputs})"
        case Aggregate(aggregates=()):
            return f"δ({inputs})"
        case Aggregate():
            return f"γ{''.join(' ' + key.name for key in node.keys)}({inputs})"
        case Window():
            return f"window {', '.join(node.partition_by)}({inputs})"
        case Join():
            return f"join({inputs})"
        case _:
            return inputs


def _name(expr: Expr) -> str:
    return expr.columns[0].name
