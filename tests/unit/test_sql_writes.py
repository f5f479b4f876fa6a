"""DML becomes a ``Write`` whose spans are the user's own text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_duckdb import extract, read

from mvengine.schema import quote
from mvengine.sql.statements import Native, RelationRef, Write, WriteKind
from mvengine.sql.tokens import tokenize


def write(text: str) -> Write:
    statement = read(text)
    assert isinstance(statement, Write)
    return statement


def assembled(statement: Write) -> str:
    """The statement put together again from its spans, as the docstring of ``Write`` describes it."""
    w = statement
    target = ".".join(quote(part) for part in (w.target.catalog, w.target.schema, w.target.name) if part)
    alias = f"AS {w.alias}" if w.alias else ""
    columns = f"({', '.join(quote(column) for column in w.columns)})" if w.columns else ""
    origin = f"FROM {w.from_clause}" if w.from_clause else ""
    using = f"USING {w.from_clause}" if w.from_clause else ""
    where = f"WHERE {w.where}" if w.where else ""
    returning = f"RETURNING {w.returning}" if w.returning else ""
    match w.kind:
        case WriteKind.INSERT:
            parts = ["INSERT", w.modifier, "INTO", target, alias, columns, w.body, w.on_conflict, returning]
        case WriteKind.UPDATE:
            parts = ["UPDATE", target, alias, "SET", w.assignments, origin, where, returning]
        case WriteKind.DELETE:
            parts = ["DELETE FROM", target, alias, using, where, returning]
        case WriteKind.MERGE:
            parts = ["MERGE INTO", target, alias, using, w.where, w.body, returning]
        case WriteKind.TRUNCATE:
            parts = ["TRUNCATE", target]
        case WriteKind.COPY_FROM:
            parts = ["COPY", target, columns, "FROM", w.body]
    return " ".join(part for part in [w.with_clause, *parts] if part)


def words(text: str) -> list[str]:
    """The tokens of a text, without AS and BY POSITION, which may be left out, and with names in one spelling."""
    tokens = [token.word or token.text.strip('"') for token in tokenize(text)]
    joined = " ".join(token.lower() for token in tokens if token not in ("AS", "TABLE"))
    return joined.replace("by position ", "").split()


STATEMENTS = [
    "insert into t values (1, 'a;b', $$x$$), (2, e'\\'', null)",
    'insert into s.t (a, "B c") select x, y from u where x is distinct from y returning *',
    "insert or replace into t by name from u select a",
    "insert or ignore into t by position (select 1, 2)",
    "insert into t as z (a) values (1) on conflict (a) do update set a = excluded.a where z.a > 1 returning a, b",
    "insert into t select a from u join v on conflict on conflict do nothing",
    "insert into t select a from u join v on conflict",
    "insert into t default values",
    "insert into t (a) (select 1)",
    "insert into t (select 1)",
    "insert into t with x as (select 1) from x",
    "insert into t from (pivot u on a)",
    "insert into t values (list_transform([1], lambda x: x + 1), case when 1 then 2 end, extract(year from d))",
    "insert into t select max(a) filter (where a > 1), x -> x + 1 from u",
    "with recursive x(a) using key (a) as (select 1 union select a from x), y as not materialized (select 2) "
    "insert into t from x, y",
    "with insert as (select 1), insert into t from insert",
    "update t set a = 1",
    "update c.s.t z set a = b is distinct from 2, (b, c) = (1, 2) from u, v where z.a is not distinct from u.a "
    "returning *",
    "update t as z set a = case when b is distinct from c then 1 end, b = (select x from u where y) where a in (1)",
    "with x as (select 1) update t set set = 1 from x",
    "delete from t",
    "delete from t as z using u, v where z.a = u.a returning a",
    "delete from t z where a = (select max(a) from t)",
    "with x as (select 1 as a) delete from t using x where t.a = x.a",
    "truncate t",
    "truncate table s.t",
    "merge into t using u on t.a = u.a when matched then update set a = case when b then 1 end returning merge_action",
    "merge into t as z using (select 1 as a) u using (a) when matched then delete when not matched then "
    "insert values (1)",
    "merge into t z using u join v on u.a = v.a on case when z.a = u.a then true end when matched and u.b is distinct "
    "from 1 then delete when not matched by source then delete",
    "with x as (select 1 as a) merge into t using x on true when not matched then insert by name",
    "copy t from 'f.csv'",
    "copy s.t (a, b) from 'f' (format csv, header true)",
    'insert into "from"."where" ("set") values (1)',
]


@pytest.mark.parametrize("text", STATEMENTS)
def test_the_spans_of_a_write_are_the_whole_statement(text: str) -> None:
    statement = write(text)
    again = assembled(statement)
    assert words(again) == words(text)
    assert [kind for kind, _ in extract(again)] == [kind for kind, _ in extract(text)]
    assert statement.text == text


@given(
    st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=4), st.sampled_from([" ", "\n", " /* ; */ ", "--;\n"])
)
@settings(max_examples=100, deadline=None)
def test_comments_and_spaces_between_the_words_change_nothing(texts: list[str], gap: str) -> None:
    for text in texts:
        ends = [0, *(token.end for token in tokenize(text))]
        gaps = [gap if token.start > end else "" for token, end in zip(tokenize(text), ends, strict=False)]
        spaced = "".join(gap + token.text for gap, token in zip(gaps, tokenize(text), strict=True))
        assert words(assembled(write(spaced))) == words(text)


def test_an_insert_is_cut_at_its_keywords() -> None:
    statement = write(
        "-- comment\nWITH x AS (SELECT 1) INSERT OR IGNORE INTO c.s.t AS z (a, b) SELECT 1, 2 FROM x RETURNING a"
    )
    assert statement.kind is WriteKind.INSERT
    assert statement.target == RelationRef(catalog="c", schema="s", name="t")
    assert statement.with_clause == "WITH x AS (SELECT 1)"
    assert statement.modifier == "OR IGNORE"
    assert statement.alias == "z"
    assert statement.columns == ("a", "b")
    assert statement.body == "SELECT 1, 2 FROM x"
    assert statement.returning == "a"
    assert {"x", "t"} <= set(statement.names)


def test_an_update_knows_a_from_clause_from_distinct_from() -> None:
    statement = write("update t z set a = b is distinct from c, d = 2 from u where z.a is not distinct from u.a")
    assert statement.alias == "z"
    assert statement.assignments == "a = b is distinct from c, d = 2"
    assert statement.from_clause == "u"
    assert statement.where == "z.a is not distinct from u.a"


def test_a_merge_keeps_on_or_using_in_its_condition() -> None:
    statement = write(
        "merge into t z using u join v on u.a = v.a on case when z.a then true end when matched then delete"
    )
    assert statement.from_clause == "u join v on u.a = v.a"
    assert statement.where == "on case when z.a then true end"
    assert statement.body == "when matched then delete"
    assert write("merge into t using u using (a) when matched then delete").where == "using (a)"


def test_by_position_is_left_out_and_by_name_stays() -> None:
    assert write("insert into t by position select 1").body == "select 1"
    assert write("insert into t by name select 1 as a").body == "by name select 1 as a"


def test_positional_placeholders_are_numbered_in_the_whole_statement() -> None:
    statement = write("update t set a = ?, b = '?' /* ? */ from u where c = ? returning ?::int")
    assert statement.assignments == "a = $1, b = '?'"
    assert statement.where == "c = $2"
    assert statement.returning == "$3::int"
    assert statement.text == "update t set a = $1, b = '?' /* ? */ from u where c = $2 returning $3::int"


def test_numbered_and_named_placeholders_stay() -> None:
    assert write("insert into t values ($2, $1)").body == "values ($2, $1)"
    assert write("insert into t values ($a, $b)").body == "values ($a, $b)"
    assert write("insert into t values (?2, ?1)").body == "values ($2, $1)"


def test_a_table_may_be_named_by_a_string_as_in_duckdb() -> None:
    statement = write("insert into 'T x' values (1)")
    assert statement.target == RelationRef(catalog=None, schema=None, name="T x")


@pytest.mark.parametrize("text", ["copy t to 'f'", "copy t (a) to 'f'", "copy (select 1) to 'f'", "copy s.from to 'f'"])
def test_copy_to_is_a_read(text: str) -> None:
    assert read(text) == Native(kind="COPY", text=text)


def test_a_simple_insert_and_a_select_are_read_without_the_heavy_libraries() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from mvengine.sql.classify import parse; "
        "parse('insert into t values (1)', lambda t: [('INSERT', t)]); parse('select 1', lambda t: [('SELECT', t)]); "
        "sys.exit(bool({'lark', 'sqlglot', 'duckdb', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
