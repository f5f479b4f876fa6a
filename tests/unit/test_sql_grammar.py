"""mvengine's own statements: every form, and what is said about a wrong one."""

from __future__ import annotations

import pytest
from sql_duckdb import extract, read

from mvengine.errors import ParseError, Position
from mvengine.sql.classify import parse
from mvengine.sql.statements import (
    ColumnDef,
    CreateMaterializedView,
    CreateRefreshableTable,
    Drop,
    Explain,
    ExplainCreate,
    ExplainRefresh,
    ExplainStage,
    ExplainView,
    ForeignKey,
    Native,
    ObjectKind,
    RefreshTable,
    RefreshView,
    RelationRef,
    Verify,
)


def ref(name: str, schema: str | None = None, catalog: str | None = None) -> RelationRef:
    return RelationRef(catalog=catalog, schema=schema, name=name)


def refresh(
    tables: tuple[RelationRef, ...],
    *,
    full: bool = False,
    is_background: bool = False,
    is_queued: bool = False,
    is_verified: bool = False,
) -> RefreshTable:
    return RefreshTable(
        tables=tables, full=full, is_background=is_background, is_queued=is_queued, is_verified=is_verified
    )


def table(text: str) -> CreateRefreshableTable:
    statement = read(text)
    assert isinstance(statement, CreateRefreshableTable)
    assert statement.text == text.strip()
    return statement


def test_the_risingwave_form_is_read_verbatim() -> None:
    statement = table(
        "CREATE TABLE t (id int PRIMARY KEY, name varchar) WITH (connector = 'batch_posix_fs', "
        "batch_posix_fs.root = '/data', match_pattern = '*.csv', refresh_mode = 'FULL_RELOAD', "
        "refresh_interval_sec = '60') FORMAT PLAIN ENCODE CSV (without_header = 'true', delimiter = ',')"
    )
    assert statement.table == ref("t")
    assert statement.columns == (
        ColumnDef(name="id", type="int", constraints=""),
        ColumnDef(name="name", type="varchar", constraints=""),
    )
    assert statement.primary_key == ("id",)
    assert dict(statement.options)["batch_posix_fs.root"] == "/data"
    assert dict(statement.options)["refresh_mode"] == "FULL_RELOAD"
    assert statement.encoding == "CSV"
    assert statement.encoding_options == (("without_header", "true"), ("delimiter", ","))
    assert statement.source is None


@pytest.mark.parametrize(
    "options", ["connector = 'posix_fs'", "a = 1, CONNECTOR = '__for_testing_only_batch_posix_fs'", "refresh_mode = x"]
)
def test_a_batch_connector_or_a_refresh_mode_alone_makes_a_table_refreshable(options: str) -> None:
    assert table(f"create table t (a int) with ({options})").table == ref("t")


def test_the_short_form_has_no_columns_and_takes_every_clause() -> None:
    statement = table(
        "create table if not exists c.s.t refreshable from 'data/it''s/*.parquet' primary key (a, \"B\") "
        "on conflict ignore with (x = 1, y.z = -2, w = true, v = word) format plain encode parquet"
    )
    assert statement.if_not_exists
    assert statement.table == ref("t", "s", "c")
    assert statement.columns == ()
    assert statement.source == "data/it's/*.parquet"
    assert statement.primary_key == ("a", "B")
    assert statement.ignore_conflicts
    assert statement.options == (("x", "1"), ("y.z", "-2"), ("w", "true"), ("v", "word"))
    assert statement.encoding == "PARQUET"


def test_clauses_stand_in_any_order() -> None:
    clauses = ["refreshable", "from 'x'", "on conflict do nothing", "with (a = 1)", "format plain encode json"]
    forwards = table(f"create table t (a int) {' '.join(clauses)}")
    backwards = table(f"create table t (a int) {' '.join(reversed(clauses))}")
    for field in ("source", "ignore_conflicts", "options", "encoding"):
        assert getattr(forwards, field) == getattr(backwards, field)
    assert forwards.source == "x"
    assert forwards.ignore_conflicts


def test_types_and_constraints_stay_text_and_keys_are_taken_out() -> None:
    statement = table(
        """create table t (
            a decimal(10, 2) not null primary key default 3,
            b struct(x int, y varchar[]) unique check (b.x > 1 and b.y[1] <> 'a,b'),
            c int[][] references s.o (k) not null,
            d timestamp with time zone default now() references o on delete no action,
            e as (a + 1),
            f bigint generated always as (a * 2) virtual,
            "g h" varchar collate nocase constraint u unique null,
            check (a > 1),
            constraint two unique (a, c),
            foreign key (a, c) references o (x, y)
        ) refreshable"""
    )
    assert [(column.name, column.type, column.constraints) for column in statement.columns] == [
        ("a", "decimal(10, 2)", "not null default 3"),
        ("b", "struct(x int, y varchar[])", "check (b.x > 1 and b.y[1] <> 'a,b')"),
        ("c", "int[][]", "not null"),
        ("d", "timestamp with time zone", "default now()"),
        ("e", "", "as (a + 1)"),
        ("f", "bigint", "generated always as (a * 2) virtual"),
        ("g h", "varchar", "collate nocase null"),
    ]
    assert statement.primary_key == ("a",)
    assert statement.unique_keys == (("b",), ("g h",), ("a", "c"))
    assert statement.checks == ("a > 1",)
    assert statement.foreign_keys == (
        ForeignKey(columns=("c",), references=ref("o", "s"), referenced_columns=("k",)),
        ForeignKey(columns=("d",), references=ref("o"), referenced_columns=()),
        ForeignKey(columns=("a", "c"), references=ref("o"), referenced_columns=("x", "y")),
    )


def test_words_of_the_grammar_may_be_names() -> None:
    statement = table(
        "create table refreshable (refresh int, source text, format string, full number, name int, plain date, "
        'rest int, "primary" int, primary key ("primary", refresh)) refreshable with (format = plain)'
    )
    assert statement.table == ref("refreshable")
    assert [column.name for column in statement.columns][:5] == ["refresh", "source", "format", "full", "name"]
    assert statement.primary_key == ("primary", "refresh")
    assert read("refresh table full full") == refresh((ref("full"),), full=True)


@pytest.mark.parametrize(
    "text",
    [
        "create table t (a int)",
        "create table refreshable (a int)",
        "create table s.refreshable as select 1 as refreshable",
        "create table t (refreshable int, connector int default (1))",
        "create or replace table t as select 1 refreshable",
        "create temp table t (a int)",
        "create table if not exists t as from refreshable",
    ],
)
def test_other_tables_are_duckdbs(text: str) -> None:
    statement = read(text)
    assert isinstance(statement, Native)
    assert statement.kind == "CREATE"


def test_the_query_of_a_view_is_kept_verbatim() -> None:
    text = (
        "-- leading\ncreate materialized view if not exists s.v (a, \"B\") with (policy = 'strict') as\n"
        "  select 1 /* ; */ as x, ';' from t -- end\n where x;"
    )
    (statement,) = parse(text, extract)
    assert isinstance(statement, CreateMaterializedView)
    assert statement.view == ref("v", "s")
    assert statement.column_names == ("a", "B")
    assert statement.options == (("policy", "strict"),)
    assert statement.if_not_exists
    assert statement.query == "select 1 /* ; */ as x, ';' from t -- end\n where x"
    assert statement.text[statement.query_offset :] == statement.query


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("refresh table a", refresh((ref("a"),), full=False)),
        ('REFRESH TABLE a, s."B c" FULL;', refresh((ref("a"), ref("B c", "s")), full=True)),
        ("refresh all", refresh((), full=False)),
        ("refresh all full", refresh((), full=True)),
        ("refresh table a background", refresh((ref("a"),), is_background=True)),
        (
            "refresh table a, b queue full background",
            refresh((ref("a"), ref("b")), full=True, is_background=True, is_queued=True),
        ),
        ("refresh table background queue", refresh((ref("background"),), is_queued=True)),
        ("REFRESH ALL QUEUE", refresh((), is_queued=True)),
        ("refresh all verify full", refresh((), full=True, is_verified=True)),
        ("refresh materialized view v full", RefreshView(views=(ref("v"),), full=True, is_verified=False)),
        ("refresh materialized view v verify", RefreshView(views=(ref("v"),), full=False, is_verified=True)),
        ("verify all", Verify(views=(), rows_shown=None)),
        ("VERIFY MATERIALIZED VIEW v, s.w SHOW ROWS 3", Verify(views=(ref("v"), ref("w", "s")), rows_shown=3)),
        ("verify all show rows", Verify(views=(), rows_shown=10)),
        (
            "explain create materialized view v as select 1",
            ExplainCreate(statement="create materialized view v as select 1", before="explain "),
        ),
        ("explain materialized view c.s.v", ExplainView(view=ref("v", "s", "c"))),
        ("explain refresh table a, b", ExplainRefresh(tables=(ref("a"), ref("b")))),
        (
            "explain (delta) select ';'",
            Explain(stage=ExplainStage.DELTA, statement="select ';'", before="explain (delta) "),
        ),
        (
            "EXPLAIN (maintenance_sql) create materialized view v as select 1",
            Explain(
                stage=ExplainStage.MAINTENANCE_SQL,
                statement="create materialized view v as select 1",
                before="EXPLAIN (maintenance_sql) ",
            ),
        ),
    ],
)
def test_refresh_and_explain(text: str, statement: object) -> None:
    assert read(text) == statement


@pytest.mark.parametrize(
    ("text", "kind", "names", "if_exists", "cascade"),
    [
        ("drop table a", ObjectKind.TABLE, [ref("a")], False, False),
        ("drop table if exists a, s.b cascade", ObjectKind.TABLE, [ref("a"), ref("b", "s")], True, True),
        ("drop materialized view v restrict", ObjectKind.MATERIALIZED_VIEW, [ref("v")], False, False),
    ],
)
def test_drop(text: str, kind: ObjectKind, names: list[RelationRef], if_exists: bool, cascade: bool) -> None:
    expected = Drop(kind=kind, names=tuple(names), if_exists=if_exists, cascade=cascade, text=text)
    assert read(text) == expected


def test_background_is_a_clause_of_every_create() -> None:
    before, behind = "create materialized view v", "as select 1 as background"
    for clauses in ("background", "(a) background", "with (policy = 'full') background", "background with (a = 1)"):
        statement = read(f"{before} {clauses} {behind}")
        assert isinstance(statement, CreateMaterializedView)
        assert statement.is_background
        assert statement.query == "select 1 as background"
    named = read(f"create materialized view background {behind}")
    assert isinstance(named, CreateMaterializedView)
    assert (named.view, named.is_background) == (ref("background"), False)
    assert table("create table t (a int) background refreshable from 'x'").is_background
    assert not table("create table background (background int) refreshable").is_background


def test_our_statements_and_duckdbs_stand_mixed_in_one_text() -> None:
    text = "create table t (a int) refreshable; insert into u values (1);; refresh table t; select 1"
    kinds = [type(statement).__name__ for statement in parse(text, extract)]
    assert kinds == ["CreateRefreshableTable", "Write", "RefreshTable", "Native"]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("refresh table a ful", "at \"ful\": expected BACKGROUND, FULL, QUEUE, VERIFY, ',' or end of statement", 1, 17),
        ("select 1;\n refresh tabel a", 'at "tabel": expected ALL, MATERIALIZED or TABLE', 2, 10),
        ("refresh table", "at end of statement: expected a name", 1, 14),
        ("create materialized view v", "at end of statement: expected AS, BACKGROUND, WITH or '('", 1, 27),
        ("create materialized view v as", "at end of statement: expected a query", 1, 30),
        ("create table t (a int,) refreshable", 'at ")": expected', 1, 23),
        ("create table t (a int) refreshable with (a 1)", "at \"1\": expected '.' or '='", 1, 44),
        ("create table t (a int) refreshable from x", 'at "x": expected a string', 1, 41),
        ("create table t refreshable refreshable", "REFRESHABLE stands twice", 1, 28),
        ("create table t refreshable with (a = 1, A = 2)", 'option "a" stands twice', 1, 41),
        ("create table t (a int, A int) refreshable", 'column "A" stands twice', 1, 24),
        ("create table t (a int primary key) refreshable primary key (a)", "one primary key", 1, 61),
        ("create table t refreshable format plain encode xml", 'no such encoding: "xml"', 1, 48),
        ("create table a.b.c.d refreshable", "at most three parts", 1, 14),
        ("create or replace table t (a int) refreshable", "cannot be created with OR REPLACE", 1, 8),
        ("create temp materialized view v as select 1", "cannot be created with TEMP", 1, 8),
        ("explain (logical)", "at end of statement: expected a query or statement", 1, 18),
        ("refresh table a full full", "FULL stands twice", 1, 22),
        ("create materialized view v background background as select 1", "BACKGROUND stands twice", 1, 39),
        ("pause 3", 'at "3": expected REFRESH', 1, 7),
        ("pause refresh", "at end of statement: expected a number", 1, 14),
        ("pause refresh all", 'at "all": expected a number', 1, 15),
        ("retry refresh 1.5", "no number of a refresh or job: 1.5", 1, 15),
        ("cancel job 99999999999999999999", "no number of a refresh or job", 1, 12),
        ("cancel table t", 'at "table": expected JOB or REFRESH', 1, 8),
        ("retry refresh 3 from", "at end of statement: expected START", 1, 21),
        ("retry job 3", 'at "job": expected REFRESH', 1, 7),
        ("wait 3", 'at "3": expected JOB, REFRESH, TIMEOUT or end of statement', 1, 6),
        ("wait timeout -1", 'at "-": expected a number', 1, 14),
        ("show tasks for 3", 'at "3": expected REFRESH', 1, 16),
        ("show jobs for refresh 3", 'at "for": expected FROM', 1, 11),
        ("set background_ddl", "at end of statement: expected TO or '='", 1, 19),
        ("alter table t set (a)", "at \")\": expected '.' or '='", 1, 21),
        ("alter table t set (a = 1, A = NULL)", 'option "a" stands twice', 1, 27),
        ("alter table t reset (a = 1)", "at \"=\": expected ')' or ','", 1, 24),
        ("alter materialized view v rename to 3", 'at "3": expected a name', 1, 37),
        ("drop table a b", 'at "b": expected CASCADE, RESTRICT', 1, 14),
        ("select 1;\n\n selec 2", "selec", 3, 2),
        ("select 1; select\nfrom where", "where", 2, 6),
    ],
)
def test_an_error_says_where_and_what_was_expected(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text, extract)
    assert message in caught.value.message
    assert caught.value.position == Position(line=line, column=column)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("refresh table a ful", "did you mean FULL?"),
        ("refresh materialised view v", "did you mean MATERIALIZED?"),
        ("rfresh table a", "did you mean REFRESH?"),
        ("create materialised view v as select 1", "did you mean CREATE MATERIALIZED?"),
        ("create table t (a int) refreshabel", "did you mean REFRESHABLE?"),
        ("explain (logicl) select 1", "did you mean EXPLAIN (LOGICAL)?"),
        ("explain materialised view v", "did you mean EXPLAIN MATERIALIZED?"),
        ("explain create table t (a int) refreshable", "use EXPLAIN (PARSED"),
        ("verfy all", "did you mean VERIFY?"),
        ("refresh table a bakground", "did you mean BACKGROUND?"),
        ("paus refresh 3", "did you mean PAUSE?"),
        ("cancle job 3", "did you mean CANCEL?"),
        ("resume refrsh 3", "did you mean REFRESH?"),
        ("rollback refrsh 3", "did you mean ROLLBACK REFRESH?"),
        ("retry refresh 3 from strat", "did you mean START?"),
        ("wait refresh 3 timout 4", "did you mean TIMEOUT?"),
        ("show taks for refresh 3", "did you mean SHOW TASKS?"),
        ("alter materialised view v set (a = 1)", "did you mean ALTER MATERIALIZED?"),
    ],
)
def test_a_misspelt_word_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text, extract)
    assert hint in (caught.value.hint or "")
