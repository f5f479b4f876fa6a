"""Texts are divided into tokens and statements as DuckDB divides them."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_duckdb import extract

from mvengine.errors import ParseError, Position
from mvengine.sql.classify import parse
from mvengine.sql.split import is_complete, split
from mvengine.sql.tokens import names_in, position_at, string_value, tokenize

FRAGMENTS = [
    *["select", "from", "where", "a", "b", "é", "a$b", "1", "2.5e3", ".5", "1_000", "0xff", "$1", "$x", "?"],
    *[",", ";", ";", "(", ")", "[", "]", "+", "-", "*", "/", "::", "->", "="],
    *[" ", "\n", "\r", "\t", "\u00a0", "\u200b", "'", '"', "\\", "--", "/*", "*/", "$$", "$a$", "e'", "E'a\\'b'"],
    *["'it''s;'", '"x;""y"', "$$a;b$$", "$a$;$$;$a$", "-- c;\n", "-- c;\r", "/* a /* ; */ b */", "x'00'", "select 1;"],
]
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)), max_size=25).map("".join)


@given(texts)
@settings(max_examples=400, deadline=None)
def test_tokens_with_the_gaps_between_them_are_the_whole_text(text: str) -> None:
    try:
        tokens = tokenize(text)
    except ParseError:
        return
    ends = [0, *(token.end for token in tokens)]
    starts = [*(token.start for token in tokens), len(text)]
    gaps = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    assert all(token.text == text[token.start : token.end] != "" for token in tokens)
    assert all(re.fullmatch(r"([\s\u200b\u2060\ufeff]|--[^\r\n]*|/\*.*\*/)*", gap, re.DOTALL) for gap in gaps)


@given(texts)
@settings(max_examples=400, deadline=None)
def test_what_duckdb_accepts_is_split_where_duckdb_splits_it(text: str) -> None:
    try:
        ours = split(text)
    except ParseError:
        ours = None
    if ours is None or any(len(piece.tokens) > 40 for piece in ours):
        return  # DuckDB's parser needs exponential time for texts with open brackets
    try:
        theirs = extract(text)
    except (ParseError, ValueError):
        return
    assert len(ours) == len(theirs)


@given(st.one_of(texts, st.text(), st.binary().map(lambda data: data.decode("latin-1"))))
@settings(max_examples=300, deadline=None)
def test_any_text_is_statements_or_a_parse_error(text: str) -> None:
    outcome: object
    try:
        outcome = parse(text, extract)
    except ParseError as error:
        outcome = error.position
    assert outcome is not None


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" ;; \n -- only a comment; \n /* and; /* nested; */ one; */ ;", []),
        ("select 1", ["select 1"]),
        ("-- c\nselect 1; /* x */ select 2 -- end", ["select 1", "select 2"]),
        ("select 1 -- c\r; select 2", ["select 1", "select 2"]),
        ("select ';', e'\\';', \";\", $$;$$, $a$;$$;$a$; select 2", [..., "select 2"]),
        ("select a$b;select 2", ["select a$b", "select 2"]),
        ("select '\\'; select 2", ["select '\\'", "select 2"]),
    ],
)
def test_statements_end_at_semicolons_outside_quotes_and_comments(text: str, statements: list[object]) -> None:
    found = [piece.text for piece in split(text)]
    assert len(found) == len(statements)
    assert all(expected in (..., got) for got, expected in zip(found, statements, strict=True))


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("select 1;\n  select 'abc", "unterminated string", 2, 10),
        ('select\n"abc', "unterminated quoted identifier", 2, 1),
        ("select 1 /* a /* b */", "unterminated comment", 1, 10),
        ("select $a$ x $b$", "unterminated dollar-quoted string", 1, 8),
        ("select e'x\\'", "unterminated string", 1, 8),
        ("select \0", "a NUL character outside a string", 1, 8),
        ("select '\ud800'", "half of a surrogate pair", 1, 9),
        ("select 1;\nselect (1 + [2)", '"\\)": it closes nothing', 2, 15),
        ("select 1)", '"\\)": it closes nothing', 1, 9),
        ("select\n (1 + 2;", "expected '\\)' for this '\\('", 2, 2),
    ],
)
def test_text_that_cannot_be_divided_is_an_error_with_its_position(
    text: str, message: str, line: int, column: int
) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        parse(text, extract)
    assert caught.value.position == Position(line=line, column=column)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", False),
        ("select 1", False),
        ("select 1;", True),
        ("select 1; -- done", True),
        ("select ';", False),
        ("select 1 /* ;", False),
        ("select $$ ;", False),
        ("select 1; select 2", False),
    ],
)
def test_a_shell_runs_text_that_ends_with_a_semicolon(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


def test_a_text_that_no_more_text_can_mend_is_an_error_and_not_incomplete() -> None:
    with pytest.raises(ParseError):
        is_complete("select \0")


@pytest.mark.parametrize("text", ["'it''s'", "$$a;b$$", "$x$a$$b$x$", "e'a\\'b\\nc\\\\'", "E'it''s'", "''", "e''"])
def test_the_value_of_a_string_is_duckdbs(text: str) -> None:
    (token,) = tokenize(text)
    assert string_value(token) == duckdb.sql(f"select {text}").fetchall()[0][0]


def test_names_hold_all_that_may_be_a_relation() -> None:
    names = names_in(tokenize("select A, \"B\"\"c\" from 'd' -- e\n, query('from f where x = 1'), query_table('g')"))
    assert {"a", 'b"c', "d", "f", "g"} <= set(names)
    assert "e" not in names


def test_a_position_counts_lines_and_columns_from_one() -> None:
    assert position_at("ab\ncd", 0) == Position(line=1, column=1)
    assert position_at("ab\ncd", 4) == Position(line=2, column=2)


def test_ten_megabytes_in_one_string_and_nested_brackets_are_read() -> None:
    assert len(split("select '" + "x" * 10_000_000 + "'; select " + "(" * 1_000 + ")" * 1_000)) == 2
