"""The world before and after its changes, made once; each test kills a copy of the first."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from crash_world import (
    CHANGES,
    FILES,
    STEPS,
    Contents,
    World,
    check_nothing_is_stuck,
    check_views,
    contents,
    create_world,
    refresh,
    write_files,
)

import mvengine


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A loaded database, and files that have changed since."""
    place = tmp_path_factory.mktemp("world")
    write_files(place / "files", FILES)
    database = place / "world.db"
    with mvengine.connect(str(database)) as con:
        create_world(con, place / "files")
        before = contents(con)
        check_views(con)
        check_nothing_is_stuck(con)
    write_files(place / "files", CHANGES)
    after: dict[str, Contents] = {}
    finished: dict[str, Contents] = {}
    for step, run in STEPS.items():
        copy = shutil.copy(database, place / f"{step}.db")
        with mvengine.connect(str(copy)) as con:
            run(con, place / "files")
            after[step] = contents(con)
            check_views(con)
            refresh(con, place / "files")
            finished[step] = contents(con)
            check_nothing_is_stuck(con)
    return World(database=database, folder=place / "files", before=before, after=after, finished=finished)


@pytest.fixture
def world(origin: World, tmp_path: Path) -> World:
    """A copy of the database for one test. The files are shared: no test changes them."""
    return replace(origin, database=Path(shutil.copy(origin.database, tmp_path / "world.db")))
