"""Which queries are known as DuckDB's without being divided into tokens."""

from __future__ import annotations

import pytest
from sql_duckdb import extract

from mvengine.errors import Error
from mvengine.sql.classify import parse
from mvengine.sql.plain import read_plain
from mvengine.sql.statements import Native


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        " select a, b * - 2 from t where a < 3 and s = 'x y' order by 1 limit 2 ; ",
        "SELECT CASE WHEN a<b-3 THEN 111 ELSE (SELECT count(*) FROM t1 AS x) END\n  FROM t1",
        "VALUES (1, 'ä'), (2, NULL)",
        "SELECT 1::DOUBLE, x % 2, a.b, 3 != 4",
    ],
)
def test_a_plain_query_is_what_its_tokens_say_it_is(text: str) -> None:
    plain = read_plain(text, extract)
    assert plain == Native(kind="SELECT", text=text.strip().rstrip("; "))
    assert [plain] == parse(f"/**/{text}", extract)  # a comment leads the other way


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECTED",
        "INSERT INTO t SELECT 1",
        "WITH x AS (DELETE FROM t) SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT (DELETE FROM t)",
        "SELECT json_execute_serialized_sql('x')",
        "SELECT * FROM query('x')",
        "SELECT * FROM pg_class",
        "SELECT * FROM information_schema.tables",
        "SELECT 1 -- comment",
        "SELECT /* a */ 1",
        "SELECT (1",
        "SELECT ')' || (1",
        "SELECT 'it''s (' || 1)",
        "SELECT e'\\''",
        "SELECT $1",
        "SELECT ?",
        "SELECT [1]",
        'SELECT "a"',
        "SELECT 'open",
        "SELECT 1\x00",
        "SELECT FROM WHERE",
        "SELECT " + "1 + " * 3000 + "1",
    ],
)
def test_what_may_be_more_is_left_to_others(text: str) -> None:
    assert read_plain(text, extract) is None


def test_an_error_is_told_with_its_position() -> None:
    with pytest.raises(Error) as caught:
        parse("SELECT 1 +\n  FROM WHERE", extract)
    assert caught.value.position is not None
    assert caught.value.position.line == 2
