"""Scripts against plain DuckDB: what passes, what fails, and how it is told."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from slt_scripts import Scripts, engine_of, only_failure, passes

from mvengine.errors import UnknownRelation
from mvengine.slt import Outcome

Run = Scripts


@pytest.fixture
def run(tmp_path: Path) -> Scripts:
    """Runs a script given as text."""
    return Scripts(tmp_path)


def test_statements_and_queries_pass_when_the_answer_is_the_expected_one(run: Run) -> None:
    script = """
statement ok
create table t (i int, f double, s varchar, b boolean)

statement count 3
insert into t values (2, 0.1, 'a  b', true), (10, null, '', false), (1, 1e20, null, null)

statement count 2
update t set i = i where s is not null returning i

query IRTB
select * from t
----
2   0.1 a b true
10  NULL (empty) false
1   1e+20 NULL NULL

query I
select 1 where false
----

query TT
select [1, 2], {'a': 1.50}
----
[1, 2] {'a': 1.50}
"""
    assert passes(run(script), 6)


def test_a_different_answer_fails_with_both_answers_and_the_script_goes_on(run: Run) -> None:
    result = run("query I\nselect 1 union all select 2\n----\n1\n3\n\nstatement ok\nselect 1\n")
    failure = only_failure(result)
    assert (failure.reason, failure.expected, failure.actual) == ("a different answer", "1\n3", "1\n2")
    assert (failure.location.line, failure.sql) == (1, "select 1 union all select 2")
    assert (result.passed, result.failed) == (1, 1)


@pytest.mark.parametrize(
    ("script", "reason", "actual"),
    [
        ("query II\nselect 1\n----\n2\n", "a different answer, of 1 column and not 2", "1"),
        ("query I\nselect 1\n----\n1\n1\n", "a different answer", "1"),
        ("query I\nselect 1\n", "a different answer", "1"),
        ("query I\nselect x\n----\n1\n", "it fails", "Binder Error"),
        ("statement ok\nselect x\n", "it fails", "Binder Error"),
        ("statement count 2\nselect 1\n", "a different number of rows", "1"),
        ("statement error\nselect 1\n", "it succeeds, an error is expected", "success"),
        ("query error\nselect 1\n", "it succeeds, an error is expected", "success"),
        ("statement error Parser\nselect x\n", "a different error", "Binder Error"),
        ("statement error\nselect x\n----\nBinder\n", "a different error", "Binder Error"),
        ("statement error (42P01)\nselect x\n", "a different error", "Binder Error"),
        ("system ok\necho out; echo err >&2; exit 3\n", "the command fails", "exit status 3\nout\nerr"),
        ("system ok\necho a\n----\nb\n", "a different output", "a"),
    ],
)
def test_each_kind_of_failure_says_what_is_wrong(run: Run, script: str, reason: str, actual: str) -> None:
    failure = only_failure(run(script))
    assert failure.reason == reason
    assert failure.actual.startswith(actual)


def test_an_expected_error_is_found_in_the_message(run: Run) -> None:
    script = """
statement error
select x

query error Referenced column "\\w+" was not found
select x

statement error
select error('one' || chr(10) || chr(10) || 'two')
----
Invalid Input Error: one

two


statement ok
select 1
"""
    assert passes(run(script), 4)


class FailingConnection:
    """A connection on which every statement raises ``error``."""

    description = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def cursor(self) -> FailingConnection:
        return self

    def execute(self, query: str) -> None:
        raise self.error

    def fetchall(self) -> list[tuple[()]]:
        return []

    def close(self) -> None:
        pass


def test_a_sqlstate_is_compared_with_the_code_of_the_error(run: Run) -> None:
    script = "statement error (42P01)\nx\n\nquery error (42P07)\nx\n"
    failure = only_failure(run(script, engine=engine_of(lambda: FailingConnection(UnknownRelation("no table t")))))
    assert (failure.location.line, failure.actual) == (4, "no table t (42P01)")


def test_an_error_of_python_is_never_an_expected_error(run: Run) -> None:
    failure = only_failure(run("statement error\nx\n", engine=engine_of(lambda: FailingConnection(TypeError("oops")))))
    assert (failure.reason, failure.actual) == ("it crashes with TypeError", "oops")


def test_sort_modes_order_the_answer_by_its_text(run: Run) -> None:
    script = """
query II nosort
values (10, 3), (9, 20)
----
10 3
9 20

query II rowsort
values (9, 20), (10, 3)
----
10 3
9 20

query II valuesort
values (10, 3), (9, 20)
----
10
20
3
9

control sortmode rowsort

query I
values (2), (1)
----
1
2

query I nosort
values (2), (1)
----
2
1
"""
    assert passes(run(script), 5)


def test_a_sort_mode_sorts_both_sides(run: Run) -> None:
    assert passes(run("query I rowsort\nvalues (1), (2)\n----\n2\n1\n"), 1)
    failure = only_failure(run("query I rowsort\nvalues (1), (2)\n----\n3\n1\n"))
    assert (failure.expected, failure.actual) == ("1\n3", "1\n2")


def test_floats_in_a_column_r_agree_to_nine_digits_and_nothing_else_does(run: Run) -> None:
    near, decimal, text = "0.1::double + 0.2::double", "0.300000000001::decimal(18,12)", "0.1::double + 0.2::double"
    assert passes(run(f"query R\nselect {near}\n----\n0.3\n"), 1)
    assert run(f"query R\nselect {near} + 1e-8\n----\n0.3\n").failed == 1
    assert run(f"query R\nselect {decimal}\n----\n0.3\n").failed == 1
    assert run(f"query T\nselect {text}\n----\n0.3\n").failed == 1


def test_queries_with_one_label_give_one_answer(run: Run) -> None:
    script = "query I x\nselect 1\n----\n1\n\nquery I x\nselect 1\n----\n1\n\nquery I x\nselect 2\n----\n2\n"
    failure = only_failure(run(script))
    assert (failure.location.line, failure.reason) == (11, "a different answer than the first query labelled x")


def test_answers_above_the_hash_threshold_are_compared_by_hash(run: Run) -> None:
    # The hash is that of printf '1\n2\n3\n' | md5sum.
    script = """
hash-threshold 2

query I
values (1), (2), (3)
----
3 values hashing to c0710d6b4f15dfa88f600b0e6b624077

query I
values (1), (2)
----
1
2

hash-threshold 0

query I
values (1), (2), (3)
----
1
2
3
"""
    assert passes(run(script), 3)


def test_conditions_go_by_the_labels_and_skipped_records_are_counted(run: Run) -> None:
    script = "skipif duckdb\nstatement ok\nx\n\nonlyif mvengine\nquery I\nx\n\nonlyif duckdb\nstatement ok\nselect 1\n"
    result = run(script)
    assert (result.passed, result.failed, result.skipped) == (1, 0, 2)
    assert run(script, labels={"mvengine"}).failed == 1


def test_halt_ends_the_script_unless_its_condition_does_not_hold(run: Run) -> None:
    script = "skipif duckdb\nhalt\n\nstatement ok\nselect 1\n\nhalt\n\nstatement ok\nnonsense\n"
    assert passes(run(script), 1)


def test_sleep_takes_the_time_that_is_asked_for(run: Run) -> None:
    slept: list[float] = []
    run("sleep 1s\n\nskipif duckdb\nsleep 5s\n\nsleep 20ms\n", sleep=slept.append)
    assert slept == [1.0, 0.02]


def test_a_named_connection_has_transactions_of_its_own_on_the_same_database(run: Run) -> None:
    script = """
statement ok
create table t as select 1 as i

connection writer
statement ok
begin

connection writer
statement ok
insert into t values (2)

query I
select count(*) from t
----
1

connection writer
query I
select count(*) from t
----
2

connection writer
statement ok
commit

query I
select count(*) from t
----
2
"""
    assert passes(run(script), 7)


def test_variables_are_replaced_while_substitution_is_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLT_NAME", "Ada")
    script = r"""
query T
select '$SLT_NAME'
----
$SLT_NAME

control substitution on

query TTTTT
select '$SLT_NAME', '${SLT_NAME}s', '${SLT_NONE:x${SLT_NAME}y}', '\$1', '$__DATABASE__'
----
Ada Adas xAday $1 :memory:

query B
select $__NOW__ > 1700000000000000000
----
true

system ok
echo "a,b" > $__TEST_DIR__/x.csv; echo "${__TEST_DIR__}" | grep -c slt; echo $SLT_NAME '\n'
----
1
Ada \n


query TT
select * from read_csv('$__TEST_DIR__/x.csv', header = false)
----
a b

statement error No such variable: \$SLT_NONE
select '$SLT_NONE'

statement error stands alone
select 'a $ b'

control substitution off

query T
select '\$1 ${SLT_NAME}'
----
\$1 ${SLT_NAME}
"""
    assert passes(run(script), 8)


def test_the_test_directory_is_gone_after_the_run_and_a_new_one_each_time(run: Run, tmp_path: Path) -> None:
    script = f"control substitution on\n\nsystem ok\necho $__TEST_DIR__ >> {tmp_path}/seen\n"
    assert passes(run(script), 1)
    assert passes(run(script), 1)
    first, second = (tmp_path / "seen").read_text().split()
    assert first != second
    assert not Path(first).exists()


def test_a_command_in_the_background_does_not_hold_up_the_script(run: Run) -> None:
    result = run("system ok\nsleep 5 & echo started\n----\nstarted\n")
    assert passes(result, 1)
    assert result.seconds < 4


def test_a_malformed_script_is_one_failure_and_nothing_of_it_runs(run: Run) -> None:
    result = run("statement ok\nselect 1\n\nstatement perhaps\nselect 1\n")
    assert (result.passed, only_failure(result).location.line) == (0, 4)


def test_failures_name_their_subtest_and_records_are_told_as_they_finish(run: Run) -> None:
    seen: list[tuple[int, Outcome]] = []
    script = "statement ok\nselect 1\n\nsubtest joins\n\nstatement ok\nselect x\n\nskipif duckdb\nstatement ok\nx\n"
    result = run(script, on_record=lambda result: seen.append((result.record.line, result.outcome)))
    assert only_failure(result).subtest == "joins"
    assert seen == [(1, Outcome.PASSED), (6, Outcome.FAILED), (10, Outcome.SKIPPED)]


def test_connections_are_closed_at_the_end(run: Run) -> None:
    opened: list[duckdb.DuckDBPyConnection] = []

    def connect() -> duckdb.DuckDBPyConnection:
        opened.append(duckdb.connect())
        return opened[-1]

    assert passes(run("connection a\nstatement ok\nselect 1\n", engine=engine_of(connect)), 1)
    with pytest.raises(duckdb.ConnectionException):
        opened[0].execute("select 1")
