"""What is printed is what DuckDB itself casts to VARCHAR."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from mvengine.slt.render import render

EXPRESSIONS = """
1::tinyint | 170141183460469231731687303715884105727::hugeint | true | false | 'x y' | 'ü' | '101'::bit
1.5::decimal(5,2) | 0::decimal(5,3) | -0.5::decimal(38,10) | 1e-7::decimal(18,9)
1.0::double | 0.1::double | 1e15::double | 1e16::double | 1e-5::double | -0.0::double | 'nan'::double | '-inf'::double
0.1::float | 16777216::float | 3.4e38::float | 1e-7::float | 1::float/3 | 'inf'::float | 'nan'::float | -2.5::float
3.4028235e38::float | 1.1754944e-38::float | 1e-45::float | 9.8765432e9::float
date '2020-01-01' | date '0044-03-15 (BC)' | time '10:00:00' | time '10:00:00.250' | timetz '10:00:00+02'
timetz '10:00:00.5-03:30'
timestamp '2020-01-01 00:00:00' | timestamp '2020-01-01 00:00:00.5' | timestamp '2020-01-01 10:20:30.120'
timestamp_s '2020-01-01 00:00:01' | timestamp_ms '2020-01-01 00:00:01.001'
interval '1 day 2 hours 3.5 seconds' | interval '3 days' | interval '-1 hours' | interval '0 seconds'
'\\x00ab\\x5C\\x0A"'::blob | 'a''b'::blob | uuid '00000000-0000-0000-0000-000000000001' | '{"a": 1}'::json
'a'::enum('a','b')
[1, 2] | [] | [null] | [[1], [], null] | [1, 2]::int[2] | [0.1::float] | [1.50::decimal(5,2)] | [true]
['a', 'NULL', 'null', 'x,y', 'it''s', 'a b', ' a', 'a ', 'a"b', '[1]', 'a\\b', 'k:v', 'a=b', '(x)', '{y}', '', '1']
[date '2020-01-01'] | [timestamp '2020-01-01 00:00:00'] | [time '10:00:00'] | ['{"a": 1}'::json] | ['a b'::enum('a b')]
['a;b', 'tab	x', 'a.b', 'a/b', '#', '-', '''', '?', '@', 'A']
{'a': 1, 'b': 'x y'} | {'x y': 'a', 'z': null, 'w': '', 'q': [1, null], 'r': 'it''s', 's': 'a:b'}
{'a,b': 1::float/3, 'c)': {'d': 'e"f'}} | [{'a': 1.50::decimal(5,2)}] | {'t': timestamp '2020-01-01 00:00:00'}
{'i': interval '1 day', 'j': interval '1 hour', 'u': uuid '00000000-0000-0000-0000-000000000001', 'b': 'ab'::blob}
map {'k': 1} | map {'a b': 'c,d', 'x': null} | map {'': '', 'a=b': '1'} | map {1: [0.5::float]} | map {}
row(1, 'a b', null) | [row('x,y', [1])] | union_value(k := 1) | union_value(k := [1, 2]) | null
"""


@pytest.mark.parametrize(
    "expression", [each for line in EXPRESSIONS.strip().splitlines() for each in line.split(" | ")]
)
def test_a_value_is_printed_as_duckdb_prints_it(expression: str) -> None:
    connection = duckdb.connect()
    connection.execute(f"SELECT {expression}")
    assert connection.description
    type_name = str(connection.description[0][1])
    ((value,),) = connection.fetchall()
    ((text,),) = connection.execute(f"SELECT ({expression})::VARCHAR").fetchall()
    assert render(value, type_name) == ("NULL" if text is None else text or "(empty)")


def test_an_empty_string_is_visible() -> None:
    assert render("", "VARCHAR") == "(empty)"
    assert render([""], "VARCHAR[]") == "['']"


def test_a_negative_interval_carries_its_sign_on_days_and_time() -> None:
    assert render(-timedelta(days=2, hours=1), "INTERVAL") == "-2 days -01:00:00"


def test_a_timestamp_with_time_zone_shows_its_offset() -> None:
    assert render(datetime(2020, 1, 1, 12, tzinfo=UTC), "TIMESTAMP WITH TIME ZONE") == "2020-01-01 12:00:00+00"


def test_values_of_unknown_inner_type_are_printed_by_their_python_type() -> None:
    assert render({"a": [1.5, "x,y"]}, "VARIANT") == "{'a': [1.5, 'x,y']}"
