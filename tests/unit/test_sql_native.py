"""What goes to DuckDB, what is seen in it, and what is refused because it would write unseen."""

from __future__ import annotations

import duckdb
import pytest
from sql_duckdb import extract, read

from mvengine.errors import ParseError
from mvengine.sql.classify import parse
from mvengine.sql.statements import (
    Argument,
    DdlAction,
    Deallocate,
    Execute,
    Native,
    NativeDdl,
    Prepare,
    Refused,
    RelationRef,
    Transaction,
    TransactionVerb,
    WriteKind,
)

HIDDEN = [
    "with x as (insert into t values (1) returning *) from x",
    "WITH x AS MATERIALIZED (DELETE FROM t RETURNING *) SELECT * FROM x",
    "with x(a) as not materialized (update t set a = 2 returning a) select a from x",
    "with x as (truncate t) select 1",
    "with x as (with y as (select 1) insert into t from y returning *) from x",
    "with x as (with y as (select 1), insert into t from y returning *) from x",
    "with x as (insert or replace into t values (1) returning *) insert into u from x",
    "with x as (delete from t returning *) update u set a = 1",
    "copy (with x as (insert into t values (1) returning *) from x) to 'f'",
    "create table w as (with x as (insert into t values (1) returning *) from x)",
    "prepare p as with x as (insert into t values (1) returning *) from x",
    "explain analyze insert into t values (1)",
    "explain (analyze) delete from t",
    "explain (analyze false) update t set a = 2",
    "explain (format json, analyze) with x as (insert into t values (1) returning *) from x",
    "explain analyze with x as (select 1) insert into t from x",
    "explain analyze drop table t",
    "explain analyze copy t from 'f'",
    "create trigger r after insert on u for each statement insert into t values (1)",
    "create or replace trigger r after insert on u for each statement insert into t values (1)",
]
OPAQUE = [
    "import database 't'",
    "copy from database a to t",
    "from json_execute_serialized_sql('t')",
    "select * from \"JSON_execute_serialized_sql\"('t')",
    "pragma json_execute_serialized_sql('t')",
    "from query('from json_execute_serialized_sql(''t'')')",
]
READS = [
    "select a from t",
    "from t",
    "values (1)",
    "(select 1)",
    "with x as (select 1) from x",
    "select (2) as insert, (1) as update, [a] as merge from t",
    "select a as delete from t order by (a)",
    "with insert as (select a as update from t) select (update), abs(update) from insert",
    "select 'insert into t values (1)', $$ delete from t $$ -- truncate t",
    "explain insert into t values (1)",
    "explain with x as (insert into t values (1) returning *) from x",
    "explain analyze select 1",
    "explain analyze with x as (select 1) from x",
    "explain (format json) delete from t",
    "select 'json_execute_serialized_sql'",
    "pivot t on a",
    "describe select 1",
    "summarize t",
    "set threads = 2",
    "pragma table_info('t')",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_hidden_write_is_refused_with_the_names_it_touches(text: str) -> None:
    statement = read(text)
    assert isinstance(statement, Refused)
    assert "t" in statement.names
    assert not statement.is_opaque
    assert statement.reason
    assert statement.hint


@pytest.mark.parametrize("text", OPAQUE)
def test_a_write_that_its_text_does_not_show_is_refused_as_opaque(text: str) -> None:
    statement = read(text)
    assert isinstance(statement, Refused)
    assert statement.is_opaque


@pytest.mark.parametrize("text", READS)
def test_a_read_goes_to_duckdb_verbatim_and_changes_nothing(text: str) -> None:
    statement = read(f"/* before */ {text}; -- after")
    assert isinstance(statement, Native)
    assert not isinstance(statement, NativeDdl)
    connection = duckdb.connect()
    connection.execute("create table t as select 1 as a")
    connection.execute(statement.text)
    assert connection.execute("from t").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("begin", TransactionVerb.BEGIN),
        ("begin transaction", TransactionVerb.BEGIN),
        ("start transaction", TransactionVerb.BEGIN),
        ("commit", TransactionVerb.COMMIT),
        ("end", TransactionVerb.COMMIT),
        ("rollback", TransactionVerb.ROLLBACK),
        ("ABORT", TransactionVerb.ROLLBACK),
    ],
)
def test_transaction_verbs(text: str, verb: TransactionVerb) -> None:
    assert read(text) == Transaction(verb=verb, is_read_only=False, is_chained=False)


def test_a_read_only_transaction_says_so() -> None:
    assert read("begin transaction read only") == Transaction(
        verb=TransactionVerb.BEGIN, is_read_only=True, is_chained=False
    )
    assert read("begin transaction read write") == Transaction(
        verb=TransactionVerb.BEGIN, is_read_only=False, is_chained=False
    )


def test_a_prepared_write_holds_the_write() -> None:
    statement = read('prepare "P q" as with x as (select 1) insert into t values (?, ?)')
    assert isinstance(statement, Prepare)
    assert statement.name == "P q"
    assert statement.write is not None
    assert statement.write.kind is WriteKind.INSERT
    assert statement.write.body == "values ($1, $2)"
    assert statement.text.startswith("prepare")


def test_a_prepared_read_is_duckdbs_without_the_types_of_its_parameters() -> None:
    statement = read("prepare p (int, decimal(5, 2)) as select $1, $2")
    assert statement == Prepare(name="p", types=("int", "decimal(5, 2)"), write=None, text="prepare p as select $1, $2")


def test_execute_and_deallocate_carry_name_arguments_and_text() -> None:
    assert read("execute p") == Execute(name="p", arguments=(), text="execute p")
    text = "execute p(1, (2 + 3), 'x', last := f(4, 5))"
    arguments = (("", "1"), ("", "(2 + 3)"), ("", "'x'"), ("last", "f(4, 5)"))
    assert read(text) == Execute(
        name="p", arguments=tuple(Argument(name=name, value=value) for name, value in arguments), text=text
    )
    assert read("deallocate p") == Deallocate(name="p", text="deallocate p")
    assert read("deallocate all") == Deallocate(name="", text="deallocate all")
    assert read("deallocate prepare p") == Deallocate(name="p", text="deallocate prepare p")


def ref(name: str, schema: str | None = None) -> RelationRef:
    return RelationRef(catalog=None, schema=schema, name=name)


@pytest.mark.parametrize(
    ("text", "action", "kind", "targets", "temporary"),
    [
        ("create table t (a int)", DdlAction.CREATE, "TABLE", [ref("t")], False),
        ("create temp table if not exists t (a int)", DdlAction.CREATE, "TABLE", [ref("t")], True),
        ("create or replace table s.t as select 1", DdlAction.REPLACE, "TABLE", [ref("t", "s")], False),
        ('create or replace temp view "V w" as select 1', DdlAction.REPLACE, "VIEW", [ref("V w")], True),
    ],
)
def test_ddl_shows_what_it_changes(
    text: str, action: DdlAction, kind: str, targets: list[RelationRef], temporary: bool
) -> None:
    statement = read(text)
    assert isinstance(statement, NativeDdl)
    assert (statement.action, statement.object_kind, list(statement.targets)) == (action, kind, targets)
    assert statement.is_temporary is temporary
    assert statement.text == text
    assert statement.kind == extract(text)[0][0]
    assert {target.name.lower() for target in targets} <= set(statement.names)


def test_update_extensions_is_duckdbs_though_it_has_no_name_for_it() -> None:
    assert read("update extensions") == Native(kind="UPDATE_EXTENSIONS", text="update extensions")


def test_a_text_that_duckdb_reads_as_several_statements_is_an_error() -> None:
    with pytest.raises(ParseError, match="DuckDB reads 2"):
        parse("select 1", lambda text: [("SELECT", text), ("SELECT", text)])
