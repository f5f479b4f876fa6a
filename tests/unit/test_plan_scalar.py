"""Expressions put in the place of columns: in the text, exactly where a column stands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from mvengine.planner.scalar import ColumnRef, Expr, column
from mvengine.planner.strictness import rejects_nulls

NAMES = st.sampled_from(["r", "s", "k", "Order", 'a "b"', "select", "é", "r.k"])
COLUMNS = st.builds(ColumnRef, relation=NAMES, name=NAMES)
LITERALS = st.sampled_from(["1", "1.5", "'r.k'", "'it''s r.k'", "NULL", "1e5"])


def expr(sql: str, *columns: str) -> Expr:
    refs = (text.split(".") for text in columns)
    return Expr(sql=sql, columns=tuple(ColumnRef(relation=relation, name=name) for relation, name in refs))


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> Expr:
    kind = draw(st.sampled_from(["column", "column", "literal", "binary", "call"] if depth else ["column"]))
    if kind == "column":
        ref = draw(COLUMNS)
        return column(ref.relation, ref.name)
    if kind == "literal":
        return Expr(sql=draw(LITERALS), columns=())
    one, other = draw(expressions(depth - 1)), draw(expressions(depth - 1))
    refs = tuple(dict.fromkeys((*one.columns, *other.columns)))
    form = {"binary": "({} + {})", "call": "r(coalesce({}, {}))"}[kind]
    return Expr(sql=form.format(one.sql, other.sql), columns=refs)


@settings(max_examples=200, deadline=None, print_blob=True)
@given(outer=expressions(), inner=st.dictionaries(COLUMNS, expressions(1), max_size=3))
def test_columns_are_replaced_where_the_parser_finds_them(outer: Expr, inner: dict[ColumnRef, Expr]) -> None:
    found = {ref.key: value for ref, value in inner.items()}
    put = outer.substituted(found)
    assert put is not None

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and (node.table.lower(), node.name.lower()) in found:
            value = found[node.table.lower(), node.name.lower()]
            tree = parse_one(value.sql, dialect="duckdb")
            return tree if value.is_column else exp.Paren(this=tree)
        return node

    wanted = parse_one(outer.sql, dialect="duckdb").transform(replaced)
    assert parse_one(put.sql, dialect="duckdb") == wanted


@pytest.mark.parametrize(
    ("sql", "after"),
    [
        ("r.k + s.r", "(x.a + 1) + s.r"),
        ("s.r.k", "s.r.k"),
        ("'r.k' || r.k", "'r.k' || (x.a + 1)"),
        ('"r"."k"', "(x.a + 1)"),
        ("R.K", "(x.a + 1)"),
        ("r.k.field", "(x.a + 1).field"),
        ("1.5 * r.k", "1.5 * (x.a + 1)"),
        ("r.k(1) + r.k", "r.k(1) + (x.a + 1)"),
    ],
)
def test_an_expression_stands_in_parentheses_in_the_place_of_a_column(sql: str, after: str) -> None:
    columns = ("s.r",) if sql == "s.r.k" else ("r.k",)
    put = expr(sql, *columns).substituted({("r", "k"): expr("x.a + 1", "x.a")})
    assert put is not None
    assert put.sql == after


@pytest.mark.parametrize(
    "sql", ["list_transform(r.k, r -> r.k)", "list_transform(r.k, lambda r: r.k)", "e'\\'r.k' || r.k"]
)
def test_nothing_is_put_into_a_text_with_names_of_its_own(sql: str) -> None:
    assert expr(sql, "r.k").substituted({("r", "k"): column("x", "a")}) is None
    assert expr(sql, "r.k").substituted({("q", "k"): column("x", "a")}) == expr(sql, "r.k")


def test_the_columns_of_the_result_are_those_that_it_reads() -> None:
    put = expr("r.k + s.v + r.v", "r.k", "s.v", "r.v").substituted({("r", "k"): expr("s.v * t.w", "s.v", "t.w")})
    assert put == expr("(s.v * t.w) + s.v + r.v", "s.v", "t.w", "r.v")


@pytest.mark.parametrize(
    ("sql", "rejects"),
    [
        ("s.v > 0", True),
        ("s.v = r.v", True),
        ("s.v + 1 = r.v", True),
        ("CAST(s.v AS BIGINT) < 3", True),
        ("NOT s.v = 1", True),
        ("s.v IS NOT NULL", True),
        ("s.v + r.v IS NOT NULL", True),
        ("s.v BETWEEN r.v AND 3", True),
        ("s.v IN (1, 2)", True),
        ("NOT s.v IN (1, 2)", True),
        ("s.v LIKE 'a%'", True),
        ("s.v > 0 AND r.v IS NULL", True),
        ("s.v > 0 OR s.k = 1", True),
        ("s.v > 0 OR r.v = 1", False),
        ("s.v IS NULL", False),
        ("NOT s.v IS NULL OR r.v = 1", False),
        ("r.v > 0", False),
        ("coalesce(s.v, 1) > 0", False),
        ("CASE WHEN s.v > 0 THEN false ELSE true END", False),
        ("s.v IS DISTINCT FROM 1", False),
        ("s.v IS NOT DISTINCT FROM r.v", False),
        ("NOT (s.v > 0 AND r.v > 0)", False),
        ("(s.v > 0) IS NULL", False),
        ("CAST(s.v AS UNION(n INTEGER)) = r.v", False),
        ("concat(s.v, 'x') = 'x'", False),
        ("[s.v] = [r.v]", False),
        ("{'a': s.v} = {'a': r.v}", False),
        ("r.v BETWEEN s.v AND 3", False),
        ("s.v = ANY(r.l)", False),
        ("s.v <> ALL(r.l)", False),
    ],
)
def test_a_condition_rejects_rows_whose_side_is_all_null(sql: str, rejects: bool) -> None:
    assert rejects_nulls(Expr(sql=sql, columns=()), "s") is rejects
