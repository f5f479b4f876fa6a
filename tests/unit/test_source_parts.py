"""A large Parquet file is loaded in parts of whole row groups, each exact by itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import LoadError, SourceError
from mvengine.planner.source import Encoding, FileSource, OnError
from mvengine.schema import Column
from mvengine.sources import LoadedSplit, Part, load_split, open_source, stages_of
from mvengine.sources.part import RowGroup, parts_of

ROWS, GROUP = 1000, 100
COLUMNS = (Column(name="id", type="INTEGER"), Column(name="x", type="INTEGER"))


class World:
    """One Parquet file of ten row groups, and a table to load it into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = DuckDbEngine(duckdb.connect())
        self.engine.query("create table staging (id integer, x integer, _file_id integer)")
        self.statements: list[str] = []

    def write(self, *, ids: Sequence[int | None] | None = None, x: Sequence[object] | None = None) -> None:
        table = pa.table({"id": ids or list(range(ROWS)), "x": x or list(range(ROWS))})
        pq.write_table(table, self.path, row_group_size=GROUP, compression="none", use_dictionary=False)

    def source(self, *, skip: bool = False, errors_max: int = 10) -> FileSource:
        return FileSource(
            connector="posix_fs",
            root=str(self.path),
            pattern=None,
            encoding=Encoding.PARQUET,
            options=(),
            on_error=OnError.SKIP if skip else OnError.FAIL,
            errors_max=errors_max,
        )

    def parts(self, bytes_max: int) -> tuple[Part, ...]:
        reader = open_source(self.source())
        (split,) = reader.list_splits()
        return stages_of(self, source=self.source(), split=split, reader=reader, bytes_max=bytes_max)

    def load(self, part: Part | None, *, rejected_before: int = 0, **how: Any) -> LoadedSplit:
        source = self.source(**how)
        reader = open_source(source)
        (split,) = reader.list_splits()
        return load_split(
            self,
            source=source,
            columns=COLUMNS,
            key=("id",),
            split=split,
            reader=reader,
            file_id=7,
            into="staging",
            part=part,
            rejected_before=rejected_before,
        )

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.statements.append(sql)
        return self.engine.query(sql, parameters)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "a.parquet")


@given(groups=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 400)), max_size=20), bytes_max=st.integers(1, 900))
def test_parts_cover_a_file_in_order_and_none_is_larger_than_asked_for(
    groups: list[tuple[int, int]], bytes_max: int
) -> None:
    first, row_groups = 4, []
    for rows, size in groups:
        row_groups.append(RowGroup(rows=rows, first_byte=first, size=size))
        first += size
    parts = parts_of(row_groups, first, bytes_max)
    assert [part.index for part in parts] == list(range(len(parts)))
    if len(parts) == 1:
        assert parts[0].is_whole
        return
    row, byte = 0, 4
    for part in parts:
        assert (part.first_row, part.first_byte) == (row, byte)
        row, byte = row + (part.rows or 0), byte + part.size
        assert part.size <= bytes_max or any(part.size == group.size for group in row_groups)
    assert (row, byte) == (sum(rows for rows, _ in groups), first)
    for one, two in pairwise(parts):  # none is cut for nothing
        following = next(group.size for group in row_groups if group.first_byte == two.first_byte)
        assert one.size + following > bytes_max


def test_all_parts_of_a_file_together_are_the_file(world: World) -> None:
    world.write()
    parts = world.parts(world.path.stat().st_size // 4)
    assert len(parts) in (4, 5)
    assert sum(world.load(part).rows for part in parts) == ROWS
    assert world.query("select id, x, _file_id from staging order by rowid") == [(i, i, 7) for i in range(ROWS)]


def test_a_small_file_is_one_part_that_nobody_looks_into(world: World) -> None:
    world.write()
    (part,) = world.parts(world.path.stat().st_size)
    assert part.is_whole
    assert world.statements == []


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_text_is_one_part_however_large(world: World, name: str) -> None:
    source = world.source()
    encoding = Encoding.CSV if name.endswith("csv") else Encoding.JSON
    world.path = world.path.parent / name
    world.path.write_text("id,x\n" * 100)
    reader = open_source(world.source())
    (split,) = reader.list_splits()
    given_source = FileSource(**{**vars(source), "encoding": encoding})
    (part,) = stages_of(world, source=given_source, split=split, reader=reader, bytes_max=10)
    assert part.is_whole


def test_a_file_with_a_column_named_as_the_row_number_is_not_cut(world: World) -> None:
    pq.write_table(pa.table({"file_row_number": list(range(ROWS))}), world.path, row_group_size=GROUP)
    (part,) = world.parts(100)
    assert part.is_whole


def test_a_part_does_not_read_the_row_groups_of_others(world: World) -> None:
    world.write()
    first, *_, last = world.parts(world.path.stat().st_size // 4)
    contents = bytearray(world.path.read_bytes())
    contents[last.first_byte : last.first_byte + last.size] = b"\xff" * last.size
    world.path.write_bytes(contents)
    assert world.load(first).rows == first.rows
    with pytest.raises(LoadError, match=r"a\.parquet"):
        world.load(last)


def test_a_bad_row_has_its_number_in_the_file_and_fails_its_part_only(world: World) -> None:
    world.write(x=["1"] * 777 + ["many"] + ["1"] * 222)
    for part in world.parts(2000):
        if part.first_row <= 777 < part.first_row + (part.rows or 0):
            with pytest.raises(LoadError, match="row 778: column x: cannot read 'many' as INTEGER"):
                world.load(part)
            (rejected,) = world.load(part, skip=True).rejected
            assert rejected.reason.startswith("row 778: column x")
        else:
            assert world.load(part, skip=True).rejected == ()


def test_a_null_key_is_found_in_its_part(world: World) -> None:
    world.write(ids=[*range(500), None, *range(501, ROWS)])
    parts = world.parts(2000)
    bad = next(part for part in parts if part.first_row <= 500 < part.first_row + (part.rows or 0))
    with pytest.raises(LoadError, match="row 501: NULL in the key: column id"):
        world.load(bad)
    for part in parts:
        assert world.load(part, skip=True).rows == (part.rows or 0) - (part == bad)


def test_bad_rows_of_a_file_are_bounded_over_all_its_parts(world: World) -> None:
    world.write(x=["many", *["1"] * 998, "more"])
    parts = world.parts(2000)
    assert len(world.load(parts[0], skip=True, errors_max=1).rejected) == 1
    with pytest.raises(LoadError, match="errors_max = 1"):
        world.load(parts[-1], skip=True, errors_max=1, rejected_before=1)


def test_a_broken_footer_is_an_error_that_names_the_file(world: World) -> None:
    world.path.write_bytes(b"PAR1" + b"\xff" * 500 + b"PAR1")
    with pytest.raises(LoadError, match=r"a\.parquet"):
        world.parts(100)


def test_a_file_that_changes_between_two_parts_is_an_error(world: World) -> None:
    world.write()
    parts = world.parts(2000)
    reader = open_source(world.source())
    (split,) = reader.list_splits()
    world.write(x=[-1] * ROWS)
    world.path.touch()
    with pytest.raises(SourceError, match="changed") as caught:
        load_split(
            world,
            source=world.source(),
            columns=COLUMNS,
            key=(),
            split=split,
            reader=reader,
            file_id=7,
            into="staging",
            part=parts[1],
        )
    assert caught.value.retryable


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_small_file_costs_one_statement(world: World, name: str) -> None:
    encoding = {"csv": Encoding.CSV, "jsonl": Encoding.JSON, "parquet": Encoding.PARQUET}[name.partition(".")[2]]
    world.path = world.path.parent / name
    if encoding is Encoding.PARQUET:
        world.write()
    else:
        world.path.write_text("id,x\n1,2\n" if encoding is Encoding.CSV else '{"id": 1, "x": 2}\n')
    source = FileSource(**{**vars(world.source()), "encoding": encoding})
    reader = open_source(source)
    (split,) = reader.list_splits()
    load_split(
        world, source=source, columns=COLUMNS, key=("id",), split=split, reader=reader, file_id=7, into="staging"
    )
    assert len(world.statements) == 1
