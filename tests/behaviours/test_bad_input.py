"""Garbage, huge and deep statements: an error with a code, or an answer; never a traceback, a crash or a long wait.

Each runs in a process of its own: a crash of the engine would be one of the tests.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

SECONDS_MAX = 60
DEEP = 10_000
TEXTS = {
    "parentheses": "'SELECT ' + '(' * n + '1' + ')' * n",
    "NOT": "'SELECT ' + 'NOT ' * n + 'true'",
    "CASE": "'SELECT ' + 'CASE WHEN true THEN ' * n + '1' + ' END' * n",
    "subqueries": "'SELECT * FROM ' + '(SELECT * FROM ' * n + 't' + ')' * n",
    "scalar subqueries": "'SELECT ' + '(SELECT ' * n + '1' + ')' * n",
    "calls": "'SELECT ' + 'abs(' * n + '1' + ')' * n",
    "lists": "'SELECT ' + '[' * n + '1' + ']' * n",
    "additions": "'SELECT 1' + ' + 1' * n",
    "casts": "'SELECT 1' + '::INT' * n",
    "subscripts": "'SELECT x' + '[1]' * n + ' FROM t'",
    "parts of a name": "'SELECT a' + '.b' * n + ' FROM t'",
    "unions": "'SELECT 1' + ' UNION ALL SELECT 1' * n",
    "lambdas": "'SELECT ' + 'list_transform([1], lambda x: ' * 200 + '1' + ')' * 200",
    "items": "'SELECT * FROM (VALUES ' + ','.join(['(1,2)'] * 600_000) + ')'",
    "open brackets": "'(' * 100_000",
    "garbage": "bytes(range(256)).decode('latin-1') * 1000",
    "a NUL": "'SEL\\0ECT 1'",
    "half a surrogate pair": "\"SELECT '\\ud800'\"",
}
MEANT = dict.fromkeys(TEXTS, "54001") | {
    "items": "54000",
    **dict.fromkeys(("garbage", "a NUL", "half a surrogate pair"), "42601"),
}
_PROGRAM = """
import sys, mvengine
n = {deep}
text = {text}
con = mvengine.connect()
con.execute('CREATE TABLE t (x INTEGER, a INTEGER)')
try:
    {way}
    print('no error')
except mvengine.Error as error:
    print(error.code)
assert con.execute('SELECT 1').fetchall() == [(1,)]
"""
WAYS = {
    "execute": "con.execute(text).fetchall()",
    "sql": "con.sql(text).fetchall()",
    "view": "con.execute('CREATE MATERIALIZED VIEW v AS ' + text)",
    "postgres": "con.execute(\"SET dialect = 'postgres'\").execute(text).fetchall()",
}


def run(arguments: list[str], text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, *arguments], input=text, capture_output=True, timeout=SECONDS_MAX)


@pytest.mark.parametrize("name", TEXTS)
def test_bad_text_is_an_error_with_a_code(name: str) -> None:
    answer = run(["-c", _PROGRAM.format(deep=DEEP, text=TEXTS[name], way=WAYS["execute"])])
    assert (answer.returncode, answer.stdout.decode().strip()) == (0, MEANT[name]), answer.stderr.decode()[-500:]


@pytest.mark.parametrize("way", ["sql", "view", "postgres"])
@pytest.mark.parametrize("name", ["parentheses", "NOT", "casts", "garbage"])
def test_bad_text_is_an_error_by_every_way(name: str, way: str) -> None:
    answer = run(["-c", _PROGRAM.format(deep=DEEP, text=TEXTS[name], way=WAYS[way])])
    assert (answer.returncode, answer.stdout.decode().strip()) == (0, MEANT[name]), answer.stderr.decode()[-500:]


@pytest.mark.parametrize("text", [b"SELECT '\xff\xfe';", bytes(range(256)), b"SELECT " + b"(" * DEEP, b"\x00"])
def test_bad_standard_input_of_the_shell_is_an_error(text: bytes) -> None:
    answer = run(["-m", "mvengine"], text)
    assert answer.returncode == 1
    assert answer.stderr.startswith(b"ERROR ")
    assert b"Traceback" not in answer.stderr


def test_ten_megabytes_in_one_statement_are_read() -> None:
    program = "import mvengine; print(mvengine.connect().execute(f\"SELECT '{'x' * 10**7}'\").fetchone()[0][-3:])"
    answer = run(["-c", program])
    assert (answer.returncode, answer.stdout.strip()) == (0, b"xxx")


def test_a_million_characters_on_standard_input_are_read() -> None:
    answer = run(["-m", "mvengine"], b"SELECT length('" + b"x" * 1_000_000 + b"') AS n;")
    assert (answer.returncode, b"1000000" in answer.stdout) == (0, True)


@pytest.mark.parametrize("text", [b"statement ok\nSELECT '\xff'\n", b"\x00\x01\x02", b"query I\nSELECT " + b"(" * DEEP])
def test_a_bad_sqllogictest_file_is_an_error(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    path = tmp_path_factory.mktemp("slt") / "bad.slt"
    path.write_bytes(text)
    answer = run(["-m", "mvengine", "slt", str(path)])
    assert answer.returncode != 0
    assert b"Traceback" not in answer.stderr + answer.stdout


def test_a_bad_file_of_statements_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("sql") / "bad.sql"
    path.write_bytes(b"SELECT 1;\nSELECT '\xff';\n")
    answer = run(["-m", "mvengine", "-f", str(path)])
    assert answer.returncode == 1
    assert b"Traceback" not in answer.stderr
