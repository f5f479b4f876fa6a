"""What the tests of plans and tasks share: refreshes held in the middle, and what the catalog says of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Any

from behaviour_world import Files, Rows, declare, one, rows

import mvengine
from mvengine.config import load_config
from mvengine.connection import Connection
from mvengine.errors import SourceError
from mvengine.refresh.opening import acquire, utc_now
from mvengine.refresh.run.control import Request

SECONDS_MAX = 20
FINAL = ("COMPLETED", "FAILED", "ROLLED_BACK", "CANCELLED")


def connect(path: Path | str = ":memory:", clock: Callable[[], Any] = utc_now, **settings: Any) -> Connection:
    """A database in which every file is a stage of its own, and nobody waits between attempts."""
    small = {"staging_batch_bytes": 1, "retry_pause": 0.0, "threads": 1, **settings}
    return Connection(acquire(str(path), load_config(small), clock))


class Hold:
    """For a fault point: whoever passes it for the ``nth`` time stands still until it is released."""

    def __init__(self, nth: int = 1) -> None:
        self._left = nth
        self._lock = Lock()
        self._reached = Event()
        self._released = Event()

    def __call__(self) -> None:
        with self._lock:
            self._left -= 1
            is_mine = self._left == 0
        if is_mine:
            self._reached.set()
            assert self._released.wait(SECONDS_MAX)

    def wait(self) -> None:
        assert self._reached.wait(SECONDS_MAX)

    def release(self) -> None:
        self._released.set()


class Raise:
    """For a fault point: the ``nth`` passing raises, and so do the ones after it, ``times`` in all."""

    def __init__(self, error: Callable[[], BaseException], nth: int = 1, times: int = 1) -> None:
        self._error = error
        self._first, self._last = nth, nth + times - 1
        self.passed = 0

    def __call__(self) -> None:
        self.passed += 1
        if self._first <= self.passed <= self._last:
            raise self._error()


def outage() -> SourceError:
    """What may pass by itself."""
    return SourceError("the store is away", code="08006")


# -- relations ---------------------------------------------------------------------------------------------------------


def sources(con: mvengine.Connection, folder: Path, *tables: str, key: bool = True) -> dict[str, Files]:
    """Refreshable tables over folders of their own, each with one file."""
    found = {table: Files(folder / table) for table in tables}
    for number, (table, files) in enumerate(found.items(), start=1):
        files.write(a=f"{number},{number}0")
        declare(con, table, files, key=key)
    return found


def create_diamond(con: mvengine.Connection) -> None:
    """a and b of t, and c of both. ``a`` fails for a row whose x is -1, ``b`` for one whose x is -2."""
    con.execute("CREATE MATERIALIZED VIEW a AS SELECT id, CAST(if(x = -1, 'bad', '1') AS INTEGER) AS one FROM t")
    con.execute("CREATE MATERIALIZED VIEW b AS SELECT id, CAST(if(x = -2, 'bad', '2') AS INTEGER) AS two FROM t")
    con.execute("CREATE MATERIALIZED VIEW c AS SELECT id, one, two FROM a JOIN b USING (id)")


def contents(con: mvengine.Connection) -> dict[str, Rows]:
    """The rows of all tables and views."""
    relations = "SELECT name FROM mv_catalog.tables UNION ALL SELECT name FROM mv_catalog.materialized_views ORDER BY 1"
    return {str(name): rows(con, str(name)) for (name,) in con.execute(relations).fetchall()}


def checksum(con: mvengine.Connection) -> object:
    """Contents, definitions and staging tables of everything, as one number."""
    staging = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name = 'mv_state' ORDER BY 1"
    kept = {str(name): rows(con, str(name)) for (name,) in con.execute(staging).fetchall()}
    definitions = rows(con, "SELECT * FROM mv_catalog.fragments")
    return hash(repr((contents(con), kept, definitions)))


# -- refreshes ---------------------------------------------------------------------------------------------------------


def refresh_in_background(con: mvengine.Connection, *tables: str, more: str = "") -> int:
    """Its number."""
    ((number, _),) = con.execute(f"REFRESH TABLE {', '.join(tables)} BACKGROUND {more}").fetchall()
    return int(number)


def release_when_asked(con: mvengine.Connection, number: int, *releases: Callable[[], None]) -> None:
    """A running refresh that stands still is let go on as soon as something was asked of it."""
    run = con._database.registry.running(number)
    assert run is not None
    ask = run.control.ask

    def asked(request: Request, cause: str) -> None:
        ask(request, cause)
        for release in releases:
            release()

    run.control.ask = asked  # type: ignore[method-assign]


def end_process(con: mvengine.Connection, number: int, hold: Hold, *, is_killed: bool) -> None:
    """Ends the process of a refresh that is held, as it were: its database is closed; or, as if it had been killed,
    there are the files again as they were while the refresh stood still."""
    path, image = con._database.path, con._database.path + ".killed"
    hold.wait()
    kept = [suffix for suffix in ("", ".wal") if is_killed and os.path.exists(path + suffix)]
    for suffix in kept:
        shutil.copy(path + suffix, image + suffix)
    release_when_asked(con, number, hold.release)
    con.close()
    for suffix in kept:
        os.replace(image + suffix, path + suffix)


def until(is_so: Callable[[], bool]) -> None:
    """Looks again and again, for what nobody can be waited for."""
    deadline = monotonic() + SECONDS_MAX
    while not is_so():
        assert monotonic() < deadline


def wait(con: mvengine.Connection, number: int) -> str:
    """Its state, once it does not run any more."""
    ((found, status),) = con.execute(f"WAIT REFRESH {number} TIMEOUT {SECONDS_MAX}").fetchall()
    assert found == number
    return str(status)


def status(con: mvengine.Connection, number: int) -> object:
    return one(con, f"SELECT status FROM mv_catalog.plans WHERE plan_id = {number}")


def last(con: mvengine.Connection) -> int:
    """The number of the latest refresh."""
    return int(str(one(con, "SELECT max(plan_id) FROM mv_catalog.plans")))


def tasks(con: mvengine.Connection, number: int, column: str = "status") -> dict[str, Any]:
    """One column of its tasks, by name."""
    sql = f"SELECT name, {column} FROM mv_catalog.tasks WHERE plan_id = {number} ORDER BY task_id"
    return dict(con.execute(sql).fetchall())


def events(con: mvengine.Connection, number: int, task: str | None = None) -> list[str]:
    """What happened to a task, or to the plan itself."""
    sql = f"""SELECT event FROM mv_catalog.events LEFT JOIN mv_catalog.tasks USING (plan_id, task_id)
        WHERE plan_id = {number} AND name IS NOT DISTINCT FROM ? ORDER BY seq"""
    return [str(event) for (event,) in con.execute(sql, [task]).fetchall()]


def causes(con: mvengine.Connection, number: int, event: str) -> list[str]:
    sql = f"SELECT cause FROM mv_catalog.events WHERE plan_id = {number} AND event = '{event}' ORDER BY seq"
    return [str(cause) for (cause,) in con.execute(sql).fetchall()]


def failures(con: mvengine.Connection, number: int, columns: str) -> Rows:
    sql = f"SELECT {columns} FROM mv_catalog.failures WHERE plan_id = {number} ORDER BY occurred_at, task_id, attempt"
    return con.execute(sql).fetchall()


def table_state(con: mvengine.Connection, table: str = "t") -> object:
    return one(con, f"SELECT state FROM mv_catalog.refresh_jobs WHERE table_name = '{table}'")


def staged_files(con: mvengine.Connection) -> object:
    """How many files (or parts) wait in staging tables."""
    return con._database.engine.query("SELECT count(*) FROM mv_meta.staged_files")[0][0]


def check_histories(con: mvengine.Connection) -> None:
    """The events of every refresh have numbers without gaps, and replaying them gives the present states."""
    for number, now in con.execute("SELECT plan_id, status FROM mv_catalog.plans").fetchall():
        states = {None: "CREATED", **dict.fromkeys(_ids(con, number), "CREATED")}
        sql = f"SELECT seq, task_id, from_state, to_state FROM mv_catalog.events WHERE plan_id = {number} ORDER BY seq"
        for expected, (seq, task_id, from_state, to_state) in enumerate(con.execute(sql).fetchall(), start=1):
            assert (seq, from_state) == (expected, states[task_id])
            states[task_id] = to_state
        assert states == {None: now, **_ids(con, number)}


def _ids(con: mvengine.Connection, number: int) -> dict[int, str]:
    return dict(con.execute(f"SELECT task_id, status FROM mv_catalog.tasks WHERE plan_id = {number}").fetchall())
