"""A small world to kill: two tables over files, one with a key and one without, a plain table, and views over them.

The views are of every strategy, some stand over others, and one joins a refreshable table with the plain one. Steps
are what a process does to the world; ``crash_child.py`` does one in a process of its own.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plan_checks import check_plans

import mvengine
from mvengine.errors import LoadError, SourceError
from mvengine.refresh.run.control import Request
from mvengine.testing.flaky import flaky_files

CHILD_SECONDS_MAX = 60
ROUNDS_MAX = 10_000

Contents = dict[str, Counter[tuple[object, ...]]]
"""Relation → its rows as a bag."""


@dataclass(frozen=True, kw_only=True)
class World:
    """``database`` is this test's own, ``folder`` holds files that have changed since they were loaded into it.

    ``before``: what the database holds; ``after``: what a step that nobody kills makes of it; ``finished``: the same
    after a refresh that follows the step.
    """

    database: Path
    folder: Path
    before: Contents
    after: dict[str, Contents]
    finished: dict[str, Contents]


VIEWS = {
    "spent": "SELECT name, sum(amount) AS total, count(*) AS orders, avg(amount) AS mean FROM orders "
    "JOIN customers ON orders.customer = customers.id GROUP BY name",
    "extremes": "SELECT customer, min(amount) AS least, max(amount) AS most FROM orders GROUP BY customer",
    "lines": "SELECT orders.id, product, quantity * amount AS worth "
    "FROM orders JOIN items ON orders.id = items.order_id",
    "products": "SELECT DISTINCT product FROM lines",
    "totals": "SELECT orders, count(*) AS customers FROM spent GROUP BY orders",
    "ranks": "SELECT id, rank() OVER (ORDER BY amount DESC) AS place FROM orders",
}
RELATIONS = ("orders", "items", "customers", *VIEWS)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files below a folder, and removes those whose text is empty."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_text(text)
        else:
            path.unlink()


FILES = {
    "orders/1.csv": "id,customer,amount\n1,1,10\n2,1,20\n3,2,5\n",
    "orders/2.csv": "id,customer,amount\n4,2,40\n5,3,50\n",
    "orders/3.csv": "id,customer,amount\n6,3,60\n1,1,11\n",
    "items/1.csv": "order_id,product,quantity\n1,pen,2\n1,pen,2\n2,ink,1\n",
    "items/2.csv": "order_id,product,quantity\n4,pen,9\n5,nib,1\n",
}
CHANGES = {
    "orders/1.csv": "id,customer,amount\n1,1,10\n2,1,25\n7,2,7\n",  # 3 goes, 7 comes, 2 is another
    "orders/3.csv": "",  # 1 comes back from the first file, 6 goes
    "orders/4.csv": "id,customer,amount\n4,1,44\n8,3,80\n",
    "items/2.csv": "order_id,product,quantity\n4,pen,9\n7,cap,3\n",
    "items/3.csv": "order_id,product,quantity\n1,pen,2\n8,ink,4\n",
}


def create_world(con: mvengine.Connection, folder: Path) -> None:
    """Tables, views and the first load."""
    for table, columns in (
        ("orders", "id INTEGER PRIMARY KEY, customer INTEGER, amount DECIMAL(12,2)"),
        ("items", "order_id INTEGER, product VARCHAR, quantity INTEGER"),
    ):
        con.execute(f"CREATE TABLE {table} ({columns}) REFRESHABLE FROM '{folder / table}' FORMAT PLAIN ENCODE CSV")
    con.execute("CREATE TABLE customers (id INTEGER, name VARCHAR)")
    con.execute("INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bob'), (3, 'Cy')")
    for name, query in VIEWS.items():
        con.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
    con.execute("REFRESH ALL")


def refresh(con: mvengine.Connection, folder: Path) -> None:
    con.execute("REFRESH ALL")


def change_rows(con: mvengine.Connection, folder: Path) -> None:
    con.execute("BEGIN")
    con.execute("INSERT INTO customers VALUES (4, 'Di'), (1, 'Ada')")
    con.execute("UPDATE customers SET name = 'Bo' WHERE id = 2")
    con.execute("DELETE FROM orders WHERE id = 5")
    con.execute("COMMIT")


def create_table(con: mvengine.Connection, folder: Path) -> None:
    con.execute(f"CREATE TABLE more REFRESHABLE FROM '{folder / 'items'}' FORMAT PLAIN ENCODE CSV")


def create_view(con: mvengine.Connection, folder: Path) -> None:
    con.execute("CREATE MATERIALIZED VIEW more AS SELECT product, sum(worth) AS worth FROM lines GROUP BY product")


def build_view(con: mvengine.Connection, folder: Path) -> None:
    con.execute(
        "CREATE MATERIALIZED VIEW more BACKGROUND AS SELECT product, sum(worth) AS worth FROM lines GROUP BY product"
    )
    con.execute("WAIT")


def open_only(con: mvengine.Connection, folder: Path) -> None:
    """Opening recovers."""


def open_and_wait(con: mvengine.Connection, folder: Path) -> None:
    """Opening recovers, and what it sets going comes to its end."""
    con.execute("WAIT")


def background(con: mvengine.Connection, folder: Path) -> None:
    con.execute("REFRESH ALL BACKGROUND")
    con.execute("WAIT")


def paused(con: mvengine.Connection, folder: Path) -> None:
    """A refresh that is paused in the middle; then the process is killed."""
    _pause_in_the_middle(con)
    os.kill(os.getpid(), signal.SIGKILL)


def resumed(con: mvengine.Connection, folder: Path) -> None:
    con.execute(f"RESUME REFRESH {_pause_in_the_middle(con)}")
    con.execute("WAIT")


def cancelled(con: mvengine.Connection, folder: Path) -> None:
    con.execute(f"CANCEL REFRESH {_pause_in_the_middle(con)}")


def _pause_in_the_middle(con: mvengine.Connection) -> int:
    """A pause is asked for while a file is read: what else waits for its turn does not begin."""
    with flaky_files() as files:
        gate = files.hold("*/orders/4.csv")
        refresh_ = con.refresh(background=True)
        assert refresh_.id is not None
        assert gate.wait()
        run = con._database.registry.running(refresh_.id)
        assert run is not None
        run.control.ask(Request.PAUSE, "PAUSE REFRESH")
        gate.release()
        assert refresh_.wait(CHILD_SECONDS_MAX).status == "PAUSED"
    return refresh_.id


def tried_again(con: mvengine.Connection, folder: Path) -> None:
    """A file cannot be read once; then it can."""
    with flaky_files() as files:
        files.fail("*/items/3.csv", code=errno.EIO)
        con.execute("REFRESH ALL")


def retried(con: mvengine.Connection, folder: Path) -> None:
    con.execute(f"RETRY REFRESH {_fail_in_the_middle(con)}")
    con.execute("WAIT")


def retried_from_start(con: mvengine.Connection, folder: Path) -> None:
    con.execute(f"RETRY REFRESH {_fail_in_the_middle(con)} FROM START")
    con.execute("WAIT")


def rolled_back(con: mvengine.Connection, folder: Path) -> None:
    con.execute(f"ROLLBACK REFRESH {_fail_in_the_middle(con)}")


def _fail_in_the_middle(con: mvengine.Connection) -> int:
    """A refresh fails of a file that may not be read: that is not tried again by itself."""
    with flaky_files() as files:
        files.fail("*/items/3.csv", code=errno.EACCES)
        try:
            con.execute("REFRESH ALL")
        except (SourceError, LoadError):
            ((number,),) = con.execute("SELECT max(plan_id) FROM mv_catalog.plans").fetchall()
            return int(number)
    raise AssertionError("the file was read")


def rounds(con: mvengine.Connection, folder: Path) -> None:
    """Refreshes and writes until it is killed; prints the number of each round that it has committed."""
    folder.mkdir()
    con.execute("CREATE TABLE ticks (id INTEGER)")
    con.execute(f"CREATE TABLE sheets (id INT PRIMARY KEY, x INT) REFRESHABLE FROM '{folder}' FORMAT PLAIN ENCODE CSV")
    con.execute(
        "CREATE MATERIALIZED VIEW matched AS SELECT x, count(*) AS n FROM ticks JOIN sheets USING (id) GROUP BY x"
    )
    print(0, flush=True)
    for number in range(1, ROUNDS_MAX):
        part = folder / ".part"
        part.write_text("id,x\n" + "".join(f"{number - i},{number % 7}\n" for i in range(3)))
        part.rename(folder / f"{number % 5}.csv")
        con.execute("REFRESH TABLE sheets")
        con.execute("INSERT INTO ticks VALUES (?)", [number])
        print(number, flush=True)


STEPS: dict[str, Callable[[mvengine.Connection, Path], None]] = {
    "refresh": refresh,
    "change_rows": change_rows,
    "create_table": create_table,
    "create_view": create_view,
    "build_view": build_view,
    "open_only": open_only,
    "open_and_wait": open_and_wait,
    "background": background,
    "resumed": resumed,
    "cancelled": cancelled,
    "tried_again": tried_again,
    "retried": retried,
    "retried_from_start": retried_from_start,
    "rolled_back": rolled_back,
}
ENDLESS = {"rounds": rounds}
PAUSED = {"paused": paused}
"""A step that leaves something at a stand."""


def run_child(step: str, database: Path, folder: Path, *, fault: str | None) -> subprocess.CompletedProcess[str]:
    """Does a step in a process of its own, which a fault kills. Each file is staged by a durable step of its own."""
    return subprocess.run(
        child_command(step, database, folder),
        env=child_environment(fault),
        capture_output=True,
        text=True,
        timeout=CHILD_SECONDS_MAX,
        check=False,
    )


def child_command(step: str, database: Path, folder: Path) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("crash_child.py")), step, str(database), str(folder)]


def child_environment(fault: str | None) -> dict[str, str]:
    settings = {
        "MVENGINE_STAGING_BATCH_BYTES": "1",
        "MVENGINE_RETRY_PAUSE": "0",
        **({"MVENGINE_FAULT": fault} if fault else {}),
    }
    kept = {name: value for name, value in os.environ.items() if name != "MVENGINE_FAULT"}
    root, tests = str(Path(mvengine.__file__).parents[1]), str(Path(__file__).parents[1])
    return {**kept, **settings, "PYTHONPATH": os.pathsep.join(filter(None, [root, tests, kept.get("PYTHONPATH", "")]))}


def contents(con: mvengine.Connection) -> Contents:
    """All relations of the world, as readers see them."""
    return {name: Counter(con.execute(f"FROM {name}").fetchall()) for name in RELATIONS}


def check_views(con: mvengine.Connection) -> None:
    """Every view equals its query, as a bag."""
    views = con.execute("SELECT name, definition FROM mv_catalog.materialized_views").fetchall()
    assert len(views) >= len(VIEWS)
    for name, definition in views:
        stored, derived = (Counter(con.execute(sql).fetchall()) for sql in (f"FROM {name}", definition))
        assert stored == derived, name


def check_nothing_is_stuck(con: mvengine.Connection) -> None:
    """States are at rest, and nothing is left of what was being made."""
    check_plans(con)
    assert con.execute("SELECT DISTINCT state FROM mv_catalog.refresh_jobs").fetchall() == [("IDLE",)]
    assert con.execute("SELECT DISTINCT status FROM mv_catalog.jobs").fetchall() == [("CREATED",)]
    known = con.execute("SELECT count(*) FROM mv_meta.relations").fetchone()
    for table in ("fragments", "jobs"):
        assert con.execute(f"SELECT count(*) FROM mv_meta.{table}").fetchone() == known, table
    traces = con.execute("FROM duckdb_tables() SELECT table_name WHERE schema_name = 'mv_state'").fetchall()
    owners = {name for (name,) in con.execute("SELECT name FROM mv_meta.relations").fetchall()}
    assert {table.partition("$")[0].partition("#")[0] for (table,) in traces} <= owners
