"""Scripts as the projects that use sqllogictest write them, on plain DuckDB, and where it helps on SQLite itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from slt_scripts import Scripts, engine_of, only_failure, passes

from mvengine.slt.engines import duckdb_engine
from mvengine.slt.engines import engine_of as engine_named

SELECT1 = """
statement ok
CREATE TABLE t1(a INTEGER, b INTEGER, c REAL, d VARCHAR(10))

statement ok
INSERT INTO t1(b,a,d,c) VALUES(103,102,'x',100.5)

statement ok
INSERT INTO t1(a,b,c,d) VALUES(107,106,-0.0004,'')

statement ok
INSERT INTO t1 VALUES(NULL,7,1234.25,'a b')

query IR nosort
SELECT a+b*2, (a+b)/2
  FROM t1
 ORDER BY 1
----
NULL
NULL
308
102.000
319
106.000

query IRT rowsort
SELECT a, c, d FROM t1
----
102
100.500
x
107
-0.000
(empty)
NULL
1234.250
a b

query ITT valuesort
SELECT b, d, d FROM t1 WHERE b > 7
----
(empty)
(empty)
103
106
x
x

query I rowsort label-1
SELECT a FROM t1 WHERE b > 7
----
102
107

query I rowsort label-1
SELECT a FROM t1 WHERE a > 7
----

onlyif mysql # DIV for integer division:
query I rowsort label-2
SELECT 20 DIV 3
----
6

skipif mysql # not compatible
query I rowsort label-2
SELECT 20 / 3
----
6

skipif postgresql # what DuckDB's runner leaves out, too
query I nosort
SELECT 1 WHERE 1 IN ()
----

query I nosort
SELECT a FROM t1 WHERE b = 0
----

onlyif mssql
halt

hash-threshold 4

query IR nosort
SELECT b, c FROM t1 ORDER BY b
----
6 values hashing to b2a3975a0f482895bff0a92d6a448ddd

query R nosort
SELECT 5
----
5.000

onlyif duckdb
halt

statement ok
never reached
"""


@pytest.fixture
def run(tmp_path: Path) -> Scripts:
    return Scripts(tmp_path)


def sqlite(labels: tuple[str, ...] = ("sqlite",)) -> object:
    return engine_of(lambda: sqlite3.connect(":memory:"), *labels)


@pytest.mark.parametrize("engine", ["duckdb", "mvengine"])
def test_a_script_of_sqlites_form_passes(run: Scripts, engine: str) -> None:
    result = run(SELECT1, flavor=None, engine=engine_named(engine))
    assert (result.flavor, result.skipped) == ("sqlite", 2)
    assert passes(result, 13)


def test_the_same_script_passes_on_sqlite(run: Scripts) -> None:
    script = SELECT1.replace("skipif postgresql", "onlyif postgresql").replace("onlyif duckdb\nhalt", "halt")
    assert passes(run(script, flavor="sqlite", engine=sqlite()), 13)


def test_a_hash_is_compared_without_a_threshold(run: Scripts) -> None:
    # The hash is that of printf '1\\n2\\n3\\n' | md5sum.
    query = "query I\nvalues (1), (2), (3)\n----\n3 values hashing to "
    assert passes(run(query + "c0710d6b4f15dfa88f600b0e6b624077\n"), 1)
    failure = only_failure(run(query + "00000000000000000000000000000000\n"))
    assert failure.actual == "3 values hashing to c0710d6b4f15dfa88f600b0e6b624077\n1\n2\n3"


def test_a_label_without_rows_says_what_is_expected(run: Scripts) -> None:
    script = "query I nosort x\nselect 1\n----\n\nquery I nosort x\nselect {}\n----\n"
    assert passes(run(script.format(1)), 2)
    assert "labelled x" in only_failure(run(script.format(2))).reason


RS = r"""
control substitution on

let id, name
select 42, 'Ada'

query IT
select $id, '${name}'
----
42 Ada

let id
select $id + 1

query I
select $id
----
43

statement error needs one row
let x

control substitution off

control resultmode valuewise

query II
values (1, 2), (3, 4)
----
1
2
3
4

control resultmode rowwise

query II valuesort
values (4, 2), (3, 1)
----
1
2
3
4

query TI partialsort(1)
values ('a', 2), ('a', 1), ('b', 9), ('b', 8)
----
a 1
a 2
b 8
b 9

query T
select '  two   words '
----
two words

statement error (42P01)
select * from nonesuch

query error does not exist
select * from nonesuch

statement error
select error('one' || chr(10) || chr(10) || 'two')
----
Invalid Input Error: one

two


query B
select true union all select false
----
t
f

query RT
select 1.0::double, [1, 2]
----
1 {1,2}
"""


def test_a_script_of_sqllogictest_rs_passes(run: Scripts) -> None:
    result = run(RS.replace("statement error needs one row\nlet x\n\n", ""), flavor=None)
    assert result.flavor == "rs"
    assert passes(result, 13)


def test_let_needs_one_row_with_a_value_for_each_name(run: Scripts) -> None:
    result = run("let a\nselect 1 where false\n\nlet a, b\nselect 1\n\nlet a\nselect x\n")
    assert [failure.actual for failure in result.failures[:2]] == ["0 rows, 1 columns", "1 rows, 1 columns"]
    assert result.failures[2].reason == "it fails"


def test_a_record_is_tried_again_until_it_is_right(run: Scripts) -> None:
    slept: list[float] = []
    script = """
statement ok
create sequence s

query I retry 5 backoff 10ms
select nextval('s')
----
3

query I retry 2 backoff 1s
select 1
----
2

system ok retry 3 backoff 1s
true
"""
    failure = only_failure(run(script, sleep=slept.append))
    assert (failure.location.line, slept) == (10, [0.01, 0.01, 1.0])


DUCKDB = r"""# name: test/sql/example.test
# description: loops and the like
# group: [example]

require skip_reload

require json

statement ok
PRAGMA enable_verification

statement ok
CREATE TABLE t (i INTEGER, s VARCHAR)

loop i 0 3

statement ok
INSERT INTO t VALUES (${i}, 'row ${i}')

onlyif i=1
query II
SELECT max(i), max(s) FROM t
----
${i}	row ${i}

skipif i<2
query I
SELECT count(*) FROM t
----
3

endloop

foreach type <signed> !hugeint

query I
SELECT typeof(1::${type}) = upper('${type}')
----
true

endloop

foreach a,b 1,x 2,y

query II
SELECT ${a}, '${b}'
----
${a}	${b}

endloop

# values one a line, or a row with tabs
query II
SELECT i, s FROM t ORDER BY i LIMIT 2
----
0
row 0
1
row 1

query II rowsort
SELECT i, s FROM t
----
0	row 0
1	row 1
2	row 2

query IIII
SELECT NULL, '', true, 0.1::DOUBLE + 0.2::DOUBLE
----
NULL	(empty)	1	0.3

query I
SELECT 'file_' || 12 || '.parquet'
----
<REGEX>:file_\d+.*

query I
SELECT 'abc'
----
<!REGEX>:.*x.*

statement error
SELECT * FROM nonesuch
----
does not exist

statement error
SELECT * FROM nonesuch
----
<REGEX>:Catalog Error.*nonesuch.*

statement maybe
SELECT * FROM nonesuch
----
does not exist

statement maybe
SELECT 1
----
does not exist

statement ok con1
BEGIN

statement ok con1
INSERT INTO t VALUES (9, 'con1')

query I con1
SELECT count(*) FROM t
----
4

query I
SELECT count(*) FROM t
----
3

statement ok con1
ROLLBACK

concurrentloop k 0 4

statement ok
INSERT INTO t VALUES (100 + ${k}, NULL)

endloop

query I
SELECT count(*) FROM t WHERE i >= 100
----
4

mode skip

statement ok
nonsense

mode unskip

set seed 0.5

query I nosort seeded
SELECT random()
----

set seed 0.5

query I nosort seeded
SELECT random()
----

reset label seeded

query I nosort seeded
SELECT 1
----

test-env SLT_FRUIT pear

query I
SELECT '${SLT_FRUIT}'
----
pear

load __TEST_DIR__/a.db

statement ok
CREATE TABLE kept AS SELECT 42 AS i

restart

query I
SELECT i FROM kept
----
42

reconnect

query I
SELECT i FROM kept
----
42

load {TEST_DIR}/a.db readonly

statement error
INSERT INTO kept VALUES (1)
----
read-only

load

statement error
SELECT i FROM kept
----
does not exist

set ignore_error_messages no such luck, boom

statement ok
SELECT error('boom')

statement ok
what follows is skipped
"""


def test_a_script_of_duckdbs_form_passes(run: Scripts) -> None:
    result = run(DUCKDB, flavor=None)
    assert result.flavor == "duckdb"
    assert result.failures == ()
    assert result.passed == 41
    assert result.skip_reasons == (("an error to ignore: Invalid Input Error: boom", 2),)


@pytest.mark.parametrize(
    "line", ["require nonesuch", "require windows", "require vector_size 4096", "require-env SLT_NONE", "unzip a b"]
)
def test_without_what_it_requires_the_rest_of_a_file_is_skipped(run: Scripts, line: str) -> None:
    result = run(
        f"statement ok\nSELECT 1\n\n{line}\n\nloop i 0 2\n\nstatement ok\nnonsense\n\nendloop\n", flavor="duckdb"
    )
    assert result.failures == ()
    assert result.passed == 1
    assert result.skipped >= 1
    assert line.split()[0] in result.skip_reasons[0][0]


def test_a_failure_in_a_loop_names_the_iteration(run: Scripts) -> None:
    script = "loop i 0 3\n\nquery I\nSELECT ${i}\n----\n1\n\nendloop\n"
    first, second = run(script, flavor="duckdb").failures
    assert (first.reason, first.sql) == ("a different answer, with i = 0", "SELECT 0")
    assert second.reason == "a different answer, with i = 2"


def test_failures_in_concurrent_loops_are_told(run: Scripts) -> None:
    result = run(
        "concurrentloop i 0 8\n\nstatement ok\nSELECT ${i} // (${i} % 2)::UTINYINT + x\n\nendloop\n", flavor="duckdb"
    )
    assert result.failed == 8


def test_an_expected_result_may_be_a_file(run: Scripts) -> None:
    run.path.with_name("answer.csv").write_text("i|s\n1|a\n2|\n")
    query = "query II\nSELECT * FROM (VALUES (1, 'a'), (2, {})) t(i, s)\n----\n<FILE>:answer.csv\n"
    assert passes(run(query.format("NULL"), flavor="duckdb"), 1)
    assert only_failure(run(query.format("'x'"), flavor="duckdb")).reason == "a different answer"
    missing = only_failure(run("query I\nSELECT 1\n----\n<FILE>:none.csv\n", flavor="duckdb"))
    assert "there is no file none.csv" in missing.actual


def test_an_internal_error_is_never_expected(run: Scripts) -> None:
    class InternalError(Exception):
        pass

    def fail() -> object:
        class Broken:
            description = None

            def execute(self, sql: str) -> None:
                raise InternalError("INTERNAL Error: assertion")

            def close(self) -> None: ...

        return Broken()

    assert only_failure(run("statement error\nx\n", engine=engine_of(fail))).reason == "it fails"


COCKROACH = """# LogicTest: local

statement ok
CREATE TABLE kv (k INT PRIMARY KEY, v TEXT)

statement count 2
INSERT INTO kv VALUES (1, 'a'), (2, '')

query IT colnames,rowsort
SELECT k, v FROM kv
----
k  v
2  ·
1  a

statement error pgcode 23505 Duplicate key
INSERT INTO kv VALUES (1, 'x')

query error pgcode 42P01 does not exist
SELECT * FROM nonesuch

let $last
SELECT max(k) FROM kv

query I
SELECT $last + 1
----
3

repeat 3
statement ok
INSERT INTO kv SELECT max(k) + 1, 'r' FROM kv

query I
SELECT count(*) FROM kv
----
5

query IT partialsort(1)
SELECT 1, v FROM kv WHERE v <> '' ORDER BY 1
----
1  r
1  a
1  r
1  r

query B
SELECT true
----
true

user root

statement notice hello
SELECT 1

skipif config local-vectorize
query T
SELECT 'x'
----
x

subtest end
"""


def test_a_script_of_cockroachs_form_passes(run: Scripts) -> None:
    result = run(COCKROACH, flavor=None)
    assert (result.flavor, result.skipped) == ("cockroach", 1)
    assert passes(result, 12)
    assert result.skip_reasons == (("'statement notice' needs CockroachDB", 1),)


def test_a_script_of_materializes_form_passes(run: Scripts) -> None:
    script = "mode cockroach\n\nquery IT rowsort\nVALUES (1, 'a'), (2, 'b')\n----\n2  b\n1  a\n\n"
    result = run(
        script + "simple\nSELECT 1\n----\n1\nCOMPLETE 1\n\nreset-server\n\nstatement OK\nSELECT 1\n", flavor=None
    )
    assert (result.passed, result.skipped, result.failures) == (2, 1, ())


def test_a_wrong_number_of_letters_fails_where_the_flavor_counts_them(run: Scripts) -> None:
    script = "query II\nselect 1\n----\n1\n"
    assert passes(run(script, flavor="rs"), 1)
    for flavor in ("sqlite", "duckdb"):
        failure = only_failure(run(script, flavor=flavor))
        assert (failure.reason, failure.actual) == ("a different number of columns", "1 (1 INTEGER)")


def test_a_statement_that_takes_too_long_is_stopped_and_the_script_goes_on(run: Scripts) -> None:
    endless = "select count(*) from range(100000) a, range(100000) b where a.range + b.range = 3"
    result = run(f"query I\n{endless}\n----\n4\n\nstatement ok\nselect 1\n", timeout=0.2, engine=duckdb_engine())
    assert only_failure(result).actual == "not finished after 0.2 seconds (57014)"
    assert (result.passed, result.seconds < 10) == (1, True)


@pytest.mark.parametrize("garbage", ["statement ok\nselect '\x00'\n", "\x00\x01\x02", "statement ok\n" + "(" * 10_000])
def test_garbage_is_a_failure_and_no_crash(run: Scripts, garbage: str) -> None:
    result = run(garbage)
    assert result.failed + result.passed == 1
    assert not any("crashes" in failure.reason for failure in result.failures)
