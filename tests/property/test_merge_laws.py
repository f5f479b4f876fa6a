"""Random files, loaded and loaded again: every way to merge a table leads to one and the same outcome.

The quick ways are compared with the general one and with what the files say: rows, rows that wait in the shadow, the
captured change, and the counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import duckdb
import pytest

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.planner.logical import WEIGHT, BagRead, KeyConstraint, MaterializeTable
from mvengine.refresh.changes import FILE_ID, CapturedTable
from mvengine.refresh.merge import FileOrder, Merged, create_table_sql, merge
from mvengine.refresh.merge.contested import merge_contested
from mvengine.refresh.merge.staged import staged_keys
from mvengine.schema import Column, Name

STEPS = 12
File = list[tuple[int, int | None]]  # (k, g) in file order
Rows = Counter[tuple[object, ...]]


def table(*, has_key: bool) -> MaterializeTable:
    return MaterializeTable(
        input=BagRead(storage="nothing", columns=(), alias="v"),
        relation=Name(schema="main", name="t"),
        storage="main.t",
        staging="main.staging",
        shadow="main.shadow",
        columns=tuple(Column(name=name, type="BIGINT") for name in ("k", "g", "w", "twice")),
        stored_columns=("k", "g", "w"),
        column_definitions=(
            "k BIGINT NOT NULL",
            "g BIGINT",
            "w BIGINT DEFAULT 0",
            "twice BIGINT GENERATED ALWAYS AS (g * 2)",
        ),
        checks=(),
        keys=(KeyConstraint(columns=("k",), is_primary=True),) if has_key else (),
        foreign_keys=(),
        ignore_conflicts=False,
        interval_seconds=None,
        definition="",
    )


@dataclass
class Side:
    """One database with the table, merged by one way."""

    plan: MaterializeTable
    is_general: bool
    is_captured: bool
    engine: DuckDbEngine = field(default_factory=lambda: DuckDbEngine(duckdb.connect()))

    def __post_init__(self) -> None:
        for name in (self.plan.storage, self.plan.staging, self.plan.shadow):
            self.engine.query(create_table_sql(self.plan, name))

    def refresh(self, staged: dict[int, File], order: FileOrder, own: File) -> tuple[Merged, Rows]:
        """What the merge says, and the change that it captures. ``own`` are rows that DML has put in before."""
        self.put(self.plan.storage, own, None)
        for file_id, rows in staged.items():
            self.put(self.plan.staging, rows, file_id)
        used = ("twice", "g")
        captured = CapturedTable(name=self.plan.relation, storage=self.plan.storage, used=used, twins=())
        target = captured if self.is_captured else None
        if self.is_general:
            merged = merge_contested(
                self.engine, self.plan, staged_keys(self.engine, self.plan, is_whole=True), target, order
            )
        else:
            merged = merge(self.engine, self.plan, target, order)
        change: Rows = Counter()
        if self.is_captured:
            for *row, weight in self.engine.query(f"SELECT twice, g, {WEIGHT} FROM {captured.change}"):
                change[tuple(row)] += weight
            self.engine.query(f"DROP {'VIEW' if merged.is_view else 'TABLE'} {captured.change}")
        self.engine.query(f"DELETE FROM {self.plan.staging}")
        left = self.engine.query("SELECT table_name FROM duckdb_tables() WHERE temporary")
        assert not left, f"{left} was left behind"
        return merged, Counter({row: n for row, n in change.items() if n})

    def put(self, name: str, rows: File, file_id: int | None) -> None:
        for k, g in rows:
            self.engine.query(f"INSERT INTO {name} (k, g, w, {FILE_ID}) VALUES ($1, $2, 0, $3)", [k, g, file_id])

    def rows(self, name: str) -> Rows:
        return Counter(self.engine.query(f"SELECT k, g, {FILE_ID} FROM {name}"))


def change_files(random: Random, files: dict[int, File], *, rivalry: float) -> set[int]:
    """Writes, removes and renames some files, in place; which ones. A file has keys of its own, but for rivals."""
    touched = set()
    for _ in range(random.randint(1, 2)):
        file_id = random.randint(1, 4)
        touched.add(file_id)
        match random.choice(("write", "write", "edit", "edit", "remove", "move")):
            case "remove":
                files.pop(file_id, None)
            case "move" if file_id in files and file_id + 10 not in files:
                files[file_id + 10] = files.pop(file_id)
                touched.add(file_id + 10)
            case "edit" if files.get(file_id):
                rows = files[file_id]
                rows[random.randrange(len(rows))] = (random.choice(rows)[0], random.choice((None, 1, 2)))
            case _:
                own = 0 if random.random() < rivalry else 100 * file_id
                rows = [(own + random.randint(1, 5), random.choice((None, 1, 2))) for _ in range(random.randint(0, 4))]
                files[file_id] = rows if random.random() < rivalry else list(dict(rows).items())
    return touched


def order_of(files: dict[int, File], before: set[int], touched: set[int], *, reads_all: bool) -> FileOrder:
    """Paths of files stand in the order of their numbers modulo ten, and then of their numbers."""
    ranked = sorted(files, key=lambda id_: (id_ % 10, id_))
    return FileOrder(
        ranked=tuple((id_, rank) for rank, id_ in enumerate(ranked)),
        replaced=tuple(sorted(before if reads_all else before & touched)),
        is_first_load=not before,
        reads_all=reads_all,
    )


def winners(files: dict[int, File], order: FileOrder) -> Rows:
    """Of each key the last row of the last file."""
    found: dict[int, tuple[object, ...]] = {}
    for file_id, _ in order.ranked:
        found.update({k: (k, g, file_id) for k, g in files[file_id]})
    return Counter(found.values())


def visible(rows: Rows) -> Rows:
    found: Rows = Counter()
    for (k, g, _), n in rows.items():
        found[k, g] += n
    return found


def difference(new: Rows, old: Rows) -> Rows:
    """By (twice, g): what views are told."""
    found: Rows = Counter()
    for rows, sign in ((new, 1), (old, -1)):
        for (_, g, _), n in rows.items():
            found[None if g is None else 2 * g, g] += sign * n
    return Counter({row: n for row, n in found.items() if n})


@pytest.mark.parametrize("is_captured", [True, False])
@pytest.mark.parametrize("rivalry", [0.0, 0.15, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_a_keyed_table_is_merged_alike_in_every_way(seed: int, rivalry: float, is_captured: bool) -> None:
    random, files = Random(f"{seed} {rivalry}"), {}
    plan = table(has_key=True)
    quick, general = (Side(plan, is_general=general, is_captured=is_captured) for general in (False, True))
    for _ in range(STEPS):
        before = set(files)
        touched = change_files(random, files, rivalry=rivalry)
        own: File = [(random.randint(900, 903), 1)] if random.random() < 0.2 else []
        reads_all = bool(own)
        order = order_of(files, before, touched, reads_all=reads_all)
        staged = {id_: rows for id_, rows in files.items() if reads_all or id_ in touched}
        old = quick.rows(plan.storage) + Counter((k, g, None) for k, g in own)
        outcome = quick.refresh(staged, order, own)
        expected = general.refresh(staged, order, own)
        assert (outcome[0].inserted, outcome[0].updated, outcome[0].deleted) == (
            expected[0].inserted,
            expected[0].updated,
            expected[0].deleted,
        )
        assert outcome[1] == expected[1]
        assert quick.rows(plan.storage) == general.rows(plan.storage) == winners(files, order)
        assert quick.rows(plan.shadow) == general.rows(plan.shadow)
        if is_captured:
            assert outcome[1] == difference(quick.rows(plan.storage), old)


@pytest.mark.parametrize("is_captured", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_table_without_a_key_has_the_rows_of_its_files(seed: int, is_captured: bool) -> None:
    random, files = Random(seed), {}
    plan = table(has_key=False)
    side = Side(plan, is_general=False, is_captured=is_captured)
    for _ in range(STEPS):
        before = set(files)
        touched = change_files(random, files, rivalry=0.7)
        own: File = [(random.randint(1, 3), 1)] if random.random() < 0.2 else []
        order = order_of(files, before, touched, reads_all=bool(own))
        staged = {id_: rows for id_, rows in files.items() if own or id_ in touched}
        old = side.rows(plan.storage) + Counter((k, g, None) for k, g in own)
        merged, change = side.refresh(staged, order, own)
        new = side.rows(plan.storage)
        assert new == Counter((k, g, id_) for id_, rows in files.items() for k, g in rows)
        came, left = visible(new) - visible(old), visible(old) - visible(new)
        assert (merged.inserted, merged.deleted) == (came.total(), left.total())
        if is_captured:
            assert change == difference(new, old)
