"""Random changes of files, DML between them, and refreshes: tables equal ``file_model``, views their query.

Seeds and lengths as in ``test_differential``.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bags import bag
from file_model import TABLES, Folder, Row, TableModel
from scenario_shrink import shrink_list

import mvengine
from mvengine.errors import KeyViolation

EXAMPLES = int(os.environ.get("MVENGINE_DIFFERENTIAL_EXAMPLES", "6"))
FIRST_SEED = int(os.environ.get("MVENGINE_DIFFERENTIAL_SEED", "1"))
STEPS = 16

VIEWS = {
    "v_join": "SELECT keyed.id, keyed.s, bag.x FROM bag JOIN keyed ON bag.id = keyed.id",
    "v_group": "SELECT x, count(*) AS n, sum(id) AS t, min(s) AS low, max(id) AS high FROM bag GROUP BY x",
    "v_distinct": "SELECT DISTINCT s FROM first",
    "v_three": "SELECT first.x, count(*) AS n FROM bag JOIN keyed USING (id) JOIN first USING (id) GROUP BY first.x",
    "v_over": "SELECT n, count(*) AS groups FROM v_group GROUP BY n",
    "v_full": "SELECT keyed.id, bag.s FROM keyed LEFT JOIN bag ON keyed.id = bag.id AND keyed.x = bag.x",
    "v_none": "SELECT count(*) AS n FROM keyed WHERE x IS NULL",
}


@dataclass(frozen=True)
class Step:
    """A change of a file, a statement, or a refresh."""

    action: str  # write, remove, rename, sql, refresh
    target: str  # a file, a table, or tables
    argument: Any


def random_steps(seed: int) -> list[Step]:
    random = Random(seed)
    return [_random_step(random) for _ in range(STEPS)] + [Step("refresh", " ".join(TABLES), False)]


def _random_step(random: Random) -> Step:
    name = random.choice("abcd")
    kind = random.choice(
        ("write", "write", "write", "remove", "rename", "empty", "sql", "refresh", "refresh", "refresh")
    )
    match kind:
        case "write":
            return Step("write", name, [_row(random) for _ in range(random.randint(1, 5))])
        case "empty":
            return Step("write", name, [])
        case "rename":
            return Step("rename", name, random.choice("abcdez"))
        case "sql":
            table = random.choice(TABLES)
            return Step("sql", table, random.choice(_DML["first" if table == "first" else "other"]).format(table))
        case "refresh":
            count = random.choice((1, 2, 3, 3))
            return Step("refresh", " ".join(random.sample(TABLES, count)), random.random() < 0.15)
        case _:
            return Step("remove", name, None)


# Under DO NOTHING a stored row stays: only statements whose trace a refresh must remove are tried there.
_DML = {
    "first": ("INSERT INTO {0} VALUES (100, 1, 'dml')", "DELETE FROM {0} WHERE id < 3", "TRUNCATE {0}"),
    "other": (
        "INSERT INTO {0} VALUES (100, 1, 'dml'), (101, NULL, 'dml')",
        "DELETE FROM {0} WHERE id < 3",
        "UPDATE {0} SET x = 7 WHERE x = 1",
        "UPDATE {0} SET s = s || '!'",
        "UPDATE {0} SET id = id + 50 WHERE id = 2",
        "TRUNCATE {0}",
    ),
}


def _row(random: Random) -> Row:
    return (random.randint(0, 5), random.choice((0, 1, 2, None)), random.choice(("a", "b c", 'x,"y"')))


class World:
    """A database, its folder, and the model."""

    def __init__(self, root: Path, is_parquet: bool) -> None:
        self.folder = Folder(root, is_parquet)
        self.models = {name: TableModel(name) for name in TABLES}
        self.connection = mvengine.connect()
        encode = "PARQUET" if is_parquet else "CSV"
        for name in TABLES:
            key = "" if name == "bag" else " PRIMARY KEY"
            conflict = " ON CONFLICT DO NOTHING" if name == "first" else ""
            self.connection.execute(
                f"CREATE TABLE {name} (id INT{key}, x INT, s VARCHAR) REFRESHABLE FROM '{root}'{conflict} "
                f"FORMAT PLAIN ENCODE {encode}"
            )
        for name, query in VIEWS.items():
            self.connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")

    def take(self, step: Step) -> None:
        files = self.folder.files
        match step.action:
            case "write":
                self.folder.write(step.target, step.argument)
            case "remove" if step.target in files:
                self.folder.remove(step.target)
            case "rename" if step.target in files and step.target != step.argument:
                self.folder.rename(step.target, step.argument)
            case "sql":
                self._write(step.target, step.argument)
            case "refresh":
                self._refresh(step.target.split(), step.argument)

    def _write(self, table: str, sql: str) -> None:
        try:
            (count,) = self.connection.execute(sql).fetchone() or (0,)
        except KeyViolation:
            return
        self.models[table].is_dirty |= count > 0

    def _contents(self, name: str) -> Counter[Row]:
        return Counter(self.connection.execute(f"SELECT id, x, s FROM {name}").fetchall())

    def _refresh(self, names: list[str], is_full: bool) -> None:
        before = {name: self._contents(name) for name in names}
        epoch = self._epoch()
        rows = self.connection.execute(f"REFRESH TABLE {', '.join(names)}{' FULL' if is_full else ''}").fetchall()
        columns = [column[0] for column in self.connection.description or []]
        has_changed = False
        for row in rows:
            answer = dict(zip(columns, row, strict=True))
            name = answer["table_name"]
            expected = self.models[name].refresh(self.folder, before[name], is_full=is_full)
            found = self._contents(name)
            assert found == expected.contents, (
                f"{name}: {found - expected.contents} too many, {expected.contents - found} missing"
            )
            for column in ("files_read", "files_skipped", "rows_inserted", "rows_updated", "rows_deleted"):
                assert answer[column] == getattr(expected, column), (
                    f"{name}: {column} = {answer[column]}, not {getattr(expected, column)}"
                )
            has_changed |= found != before[name]
        assert (self._epoch() != epoch) == has_changed, "the epoch moves if and only if something has changed"
        self.check_views()

    def _epoch(self) -> object:
        return self.connection.execute("SELECT max(epoch) FROM mv_catalog.epochs").fetchone()

    def check_views(self) -> None:
        for name, query in VIEWS.items():
            found, wanted = (bag(self.connection.execute(sql).fetchall()) for sql in (f"FROM {name}", query))
            assert found == wanted, f"{name}: {found - wanted} too many, {wanted - found} missing"


def _failure(steps: list[Step], is_parquet: bool) -> str | None:
    """What goes wrong, or None."""
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root), is_parquet)
        try:
            for step in steps:
                world.take(step)
        except (AssertionError, mvengine.Error) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            world.connection.close()
    return None


@pytest.mark.parametrize(("table", "winner"), [("keyed", "b"), ("first", "a")])
def test_a_losing_row_comes_back_when_dml_took_the_winner_and_its_file_goes(table: str, winner: str) -> None:
    steps = [
        Step("write", "a", [(1, 1, "a")]),
        Step("write", "b", [(1, 2, "b")]),
        Step("refresh", table, False),
        Step("sql", table, f"DELETE FROM {table} WHERE id = 1"),
        Step("remove", winner, None),
        Step("refresh", table, False),
    ]
    assert _failure(steps, is_parquet=False) is None


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + EXAMPLES))
def test_refreshed_tables_equal_their_files_and_views_their_queries(seed: int) -> None:
    is_parquet = seed % 2 == 0
    steps = random_steps(seed)
    if _failure(steps, is_parquet) is not None:
        smallest = shrink_list(steps, lambda fewer: _failure(fewer, is_parquet) is not None)
        shown = "\n".join(map(str, smallest))
        pytest.fail(f"seed {seed}: {_failure(smallest, is_parquet)}\n{shown}", pytrace=False)
