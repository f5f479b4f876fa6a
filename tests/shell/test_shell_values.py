"""Values as text."""

from __future__ import annotations

import pytest
from shell_world import out

import mvengine
from mvengine.repl.result import columns_of
from mvengine.repl.shell import Shell
from mvengine.repl.types import leaves, parse_type
from mvengine.repl.values import is_number, show, text_of

# Expressions of all kinds of types, quotes and depths.
EXPRESSIONS = [
    "true",
    "-5::TINYINT",
    "170141183460469231731687303715884105727",
    "1.50::DECIMAL(9, 3)",
    "1e20::DOUBLE",
    "0.1::FLOAT",
    "123456.7::FLOAT",
    "1e10::FLOAT",
    "'-inf'::DOUBLE",
    "DATE '2026-01-02'",
    "DATE '0044-03-15 (BC)'",
    "TIME '10:00:00.50'",
    "TIMESTAMP '2026-01-02 03:04:05.120'",
    "TIMESTAMPTZ '2026-01-02 03:04:05+02'",
    "INTERVAL '2 days 3 hours'",
    "INTERVAL '-1 day'",
    "'a''b'",
    "'ab'::BLOB || '\\x00\\xFF'::BLOB",
    "'101'::BIT",
    "'00000000-0000-0000-0000-000000000001'::UUID",
    "[1, NULL]",
    "['a', 'b c', 'it''s', '', NULL, 'null', ' x', 'a,b', 'a:b']",
    "[[1.5::FLOAT], []]",
    "[TIMESTAMP '2026-01-02 03:04:05']",
    "array_value(1, 2)",
    "{'a': 1, 'b c': {'d''e': ['x']}}",
    "MAP {'a b': 1, 'c': NULL}",
    "[MAP {1: [true]}]",
    "(1, 'x')::TUPLE(INTEGER, VARCHAR)",
    "'b'::ENUM('a', 'b')",
    "union_value(number := 1)",
    "'{\"a\": [1]}'::JSON",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_are_written_as_duckdb_writes_them(connection: mvengine.Connection, expression: str) -> None:
    connection.execute(f"SELECT {expression} AS value, CAST({expression} AS VARCHAR) AS text")
    column = columns_of(connection)[0]
    ((value, text),) = connection.fetchall()
    assert text_of(column.type)(value) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("INTERVAL '1 year 2 months'", "1 year 2 months"),
        ("[INTERVAL '1 month']", "[1 month]"),
        ("{'since': INTERVAL '1 month'}", "{'since': 1 month}"),
        ("'2026-01-02 03:04:05.123456789'::TIMESTAMP_NS", "2026-01-02 03:04:05.123456789"),
    ],
)
def test_what_python_has_no_value_for_keeps_its_text(shell: Shell, expression: str, text: str) -> None:
    assert shell.run(f"SELECT {expression} AS a, 1 AS b;")
    assert out(shell).splitlines()[2].split(" | ") == [text.ljust(len("a")), "1"]


def test_what_happens_once_is_not_run_again_for_a_text(shell: Shell) -> None:
    assert shell.run("CREATE SEQUENCE s; SELECT nextval('s') AS n, INTERVAL '1 month' AS i; SELECT nextval('s') AS m;")
    assert out(shell).splitlines()[-2].strip() == "2"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "NULL"), ("NULL", "'NULL'"), ("\x1b[31mred\t", "\\x1b[31mred\\t"), ("a\nb", "a\nb")]
)
def test_values_on_a_screen_are_without_ambiguity_or_control_characters(value: object, text: str) -> None:
    assert show(value, text_of("VARCHAR")) == text


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("INTEGER[3][]", {"LIST", "ARRAY", "INTEGER"}),
        ('STRUCT("a ""b" INTEGER, c MAP(VARCHAR, DECIMAL(9,2)))', {"STRUCT", "INTEGER", "MAP", "VARCHAR", "DECIMAL"}),
        ("TIMESTAMP WITH TIME ZONE", {"TIMESTAMP WITH TIME ZONE"}),
        ("ENUM('a', 'b)(', 'INTERVAL')", {"ENUM"}),
        ("", {""}),
    ],
)
def test_names_of_types_are_taken_apart(text: str, names: set[str]) -> None:
    assert leaves(parse_type(text)) == names


def test_numbers_are_told_from_what_only_sounds_like_them() -> None:
    assert all(map(is_number, ["INTEGER", "HUGEINT", "UBIGINT", "DECIMAL(15,2)", "double"]))
    assert not any(map(is_number, ["INTERVAL", "INTEGER[]", "DECIMAL(4,2)[]", "STRUCT(a INTEGER)", "VARCHAR"]))
