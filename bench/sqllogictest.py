"""The sqllogictest runner: how fast it reads, what it adds to the statements themselves, and mvengine against DuckDB.

The files are made as SQLite's are: ``select1`` computes over one table of 30 rows, ``random`` computes expressions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

import mvengine
from bench.measure import Goal, Measurement, alternate
from bench.run import Run
from mvengine.slt.engines import DbApiEngine
from mvengine.slt.flavors import SQLITE
from mvengine.slt.parser import Script, parse_file
from mvengine.slt.records import Query, Statement
from mvengine.slt.runner import Options, run_file

READ_RECORDS_PER_SECOND = 100_000
_READ_COPIES = 40
_QUERIES = 500  # of each kind, at scale 1
_QUERIES_LEAST = 20
_COLUMNS = (
    "a+b*2+c*3",
    "(a+b+c+d+e)/5",
    "abs(b-c)",
    "a-b",
    "CASE WHEN a<b-3 THEN 111 WHEN a<=b THEN 222 WHEN a<b+3 THEN 333 ELSE 444 END",
    "CASE WHEN c>(SELECT avg(c) FROM t1) THEN a*2 ELSE b*10 END",
    "(SELECT count(*) FROM t1 AS x WHERE x.b<t1.b)",
    "d",
    "e",
)
_CONDITIONS = (
    "(e>c OR e<d)",
    "d>e",
    "EXISTS(SELECT 1 FROM t1 AS x WHERE x.b<t1.b)",
    "c BETWEEN b-2 AND d+2",
    "d NOT BETWEEN 110 AND 150",
)


def read_scripts(run: Run) -> Iterator[Measurement]:
    """Reading a script: microseconds for a record."""
    path = run.workspace.scratch / "read.test"
    path.write_text(_random_queries(random.Random(1), _count(run)) * _READ_COPIES)
    count = len(parse_file(path).records)
    values = []
    for _ in range(run.runs):
        started = perf_counter()
        parse_file(path)
        values.append((perf_counter() - started) / count * 1e6)
    goal = Goal(side="mvengine", most=1e6 / READ_RECORDS_PER_SECOND)
    yield Measurement(case=f"read {count:,} records", values={"mvengine": tuple(values)}, goals=(goal,), unit="µs")


def run_scripts(run: Run) -> Iterator[Measurement]:
    """Running scripts on DuckDB and mvengine, and sending the same statements in a bare loop."""
    for name, made in (("select1", _select_queries), ("random", _random_queries)):
        path = run.workspace.scratch / f"{name}.test"
        path.write_text(_table(random.Random(2)) + made(random.Random(3), _count(run)))
        filled = run_file(path, _engine(_duckdb), Options(is_update=True))
        assert filled.is_rewritten
        sides = [
            Bare("bare loop on DuckDB", path, _duckdb),
            Runner("slt on DuckDB", path, _duckdb),
            Bare("bare loop on mvengine", path, _mvengine),
            Runner("mvengine", path, _mvengine),
        ]
        values = alternate(sides, run.runs, lambda side, work: work())
        yield Measurement(
            case=f"run {name}, {len(sides[0].statements)} statements, in one thread",
            values={side: tuple(found) for side, found in values.items()},
            goals=(
                Goal(side="slt on DuckDB", over="bare loop on DuckDB", most=1.15),
                Goal(side="mvengine", over="bare loop on mvengine", most=1.15),
                Goal(side="mvengine", over="slt on DuckDB", most=1.3),
            ),
        )


def _duckdb() -> Any:
    """One thread: with more, what threads take to wait for each other is most of the time of small statements."""
    return duckdb.connect(config={"threads": 1})


def _mvengine() -> Any:
    return mvengine.connect().execute("SET threads = 1")


def _engine(connect: Callable[[], Any]) -> DbApiEngine:
    return DbApiEngine(connect=lambda path, is_read_only: connect(), labels=(), is_duckdb=True)


class Bare:
    """The statements of a script, sent one after the other."""

    def __init__(self, name: str, path: Path, connect: Callable[[], Any]) -> None:
        self.name = name
        self.statements = _statements(parse_file(path))
        self._connect = connect

    def prepare(self, number: int) -> None: ...

    def run(self) -> None:
        connection = self._connect()
        for statement in SQLITE.setup:
            connection.execute(statement)
        for statement in self.statements:
            connection.execute(statement).fetchall()
        connection.close()


class Runner:
    """A script, read and run with every answer checked."""

    def __init__(self, name: str, path: Path, connect: Callable[[], Any]) -> None:
        self.name = name
        self.statements = _statements(parse_file(path))
        self._path = path
        self._engine = _engine(connect)

    def prepare(self, number: int) -> None: ...

    def run(self) -> None:
        result = run_file(self._path, self._engine)
        assert result.passed == len(self.statements), result.failures[:1]


def _statements(script: Script) -> list[str]:
    return [record.directive.sql for record in script.records if isinstance(record.directive, Statement | Query)]


def _table(rng: random.Random) -> str:
    """``t1`` with 30 rows, each five numbers in some order."""
    records = [
        "hash-threshold 8\n",
        "statement ok\nCREATE TABLE t1(a INTEGER, b INTEGER, c INTEGER, d INTEGER, e INTEGER)\n",
    ]
    for row in range(30):
        values = rng.sample(range(100 + 5 * row, 105 + 5 * row), 5)
        records.append(f"statement ok\nINSERT INTO t1 VALUES({','.join(map(str, values))})\n")
    return "\n".join(records) + "\n"


def _count(run: Run) -> int:
    return max(_QUERIES_LEAST, round(_QUERIES * min(run.workspace.scale, 1)))


def _select_queries(rng: random.Random, count: int) -> str:
    records = []
    for _ in range(count):
        columns = rng.sample(_COLUMNS, rng.randint(1, 6))
        conditions = rng.sample(_CONDITIONS, rng.randint(0, 2))
        where = f"\n WHERE {' AND '.join(conditions)}" if conditions else ""
        order = ",".join(str(index + 1) for index in range(len(columns)))
        query = f"SELECT {', '.join(columns)}\n  FROM t1{where}\n ORDER BY {order}"
        records.append(f"query {'I' * len(columns)} nosort\n{query}\n----\n")
    return "\n".join(records) + "\n"


def _random_queries(rng: random.Random, count: int) -> str:
    records = []
    for _ in range(count):
        numbers = [rng.randint(1, 99) for _ in range(4)]
        expression = "- {} + {} * + {} + - COALESCE ( + {}, - COUNT ( * ) )".format(*numbers)
        condition = rng.choice(("", "skipif mysql # not compatible\n"))
        records.append(f"{condition}query I rowsort\nSELECT ALL {expression} AS col0\n----\n")
    return "\n".join(records) + "\n"
