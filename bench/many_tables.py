"""Many small tables from CSV files with a view each: refreshed in one go, after all of them, one, or none has changed.

By hand it is done as one would write it for just these tables: look at the files, load those that have changed, join
them with what is stored, write the difference, and merge it into the view; all in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

import mvengine
from bench.agree import check_equal
from bench.measure import Goal, Measurement
from bench.run import Run
from mvengine.schema import literal

ROWS, GROUPS = 1_000, 7
CHANGED_MS, UNCHANGED_MS = 10, 0.3  # of one table each: the goals


def many_tables(run: Run) -> Iterator[Measurement]:
    """REFRESH ALL of ``run.tables`` tables."""
    folder = write_files(run.workspace.scratch, run.tables)
    with Maintained(folder, run.tables) as maintained, ByHand(folder, run.tables) as by_hand:
        for case, changed in (("all changed", run.tables), ("one changed", 1), ("none changed", 0)):
            maintained.changed = changed
            most = CHANGED_MS * changed + UNCHANGED_MS * (run.tables - changed)
            limit = Goal(side=Maintained.name, most=most)
            ratio = (Goal(side=Maintained.name, over=ByHand.name, most=3),) if changed else ()
            yield run.compare(f"{run.tables} tables, {case}", [maintained, by_hand], (limit, *ratio))
    check_sides(maintained, by_hand)


def write_files(scratch: Path, tables: int) -> Path:
    """A folder for each table, with one file in it."""
    for number in range(tables):
        folder = scratch / "files" / f"t{number}"
        folder.mkdir(parents=True)
        lines = (f"{row},{row % GROUPS},{row * number}\n" for row in range(ROWS))
        (folder / "part.csv").write_text("id,g,x\n" + "".join(lines))
    return scratch / "files"


def query_of(number: int) -> str:
    return f"SELECT g, count(*) AS n, sum(x) AS s FROM t{number} GROUP BY g"


def check_sides(*sides: Maintained | ByHand) -> None:
    """The first and the last view, on both sides."""
    for number in {0, sides[0].tables - 1}:
        paths: Sequence[Path] = [side.path for side in sides]
        check_equal(paths, tables=(f"t{number}",), view=f"v{number}", query=query_of(number))


class Maintained:
    """mvengine. It also changes the files, for both sides, when it prepares a round."""

    name = "mvengine"

    def __init__(self, folder: Path, tables: int) -> None:
        self.path = folder.parent / f"{type(self).__name__.lower()}.duckdb"
        self.folder, self.tables, self.changed = folder, tables, 0
        self.written = 0
        self.connection = mvengine.connect(str(self.path))
        for number in range(tables):
            files = literal(str(folder / f"t{number}" / "*.csv"))
            self.connection.execute(
                f"CREATE TABLE t{number} (id BIGINT PRIMARY KEY, g BIGINT, x BIGINT) REFRESHABLE FROM {files}"
            )
            self.connection.execute(f"CREATE MATERIALIZED VIEW v{number} AS {query_of(number)}")
        self.connection.execute("REFRESH ALL")

    def prepare(self, number: int) -> None:
        self.written += 1
        for table in range(self.changed):
            with (self.folder / f"t{table}" / "part.csv").open("a") as file:
                file.write(f"{ROWS + self.written},1,1\n")

    def run(self) -> None:
        self.connection.execute("REFRESH ALL")

    def __enter__(self) -> Maintained:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


class ByHand:
    """Plain DuckDB."""

    name = "hand-written"

    def __init__(self, folder: Path, tables: int) -> None:
        self.path = folder.parent / "by_hand.duckdb"
        self.tables = tables
        self.files = [folder / f"t{number}" / "part.csv" for number in range(tables)]
        self.seen: dict[Path, tuple[int, int]] = {}
        self.connection = duckdb.connect(str(self.path))
        for number in range(tables):
            self.connection.execute(f"CREATE TABLE t{number} (id BIGINT, g BIGINT, x BIGINT)")
            self.connection.execute(f"CREATE TABLE v{number} (g BIGINT, n BIGINT, s HUGEINT)")
        self.run()

    def prepare(self, number: int) -> None:
        """The other side changes the files."""

    def run(self) -> None:
        states = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in self.files}
        changed = [number for number, path in enumerate(self.files) if self.seen.get(path) != states[path]]
        if changed:
            self.connection.execute("BEGIN")
            for number in changed:
                for statement in STATEMENTS:
                    self.connection.execute(statement.format(number=number, path=literal(str(self.files[number]))))
            self.connection.execute("COMMIT")
        self.seen = states

    def __enter__(self) -> ByHand:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


STATEMENTS = (
    """
    CREATE OR REPLACE TEMP TABLE staged AS
    FROM read_csv({path}, header = true, columns = {{'id': 'BIGINT', 'g': 'BIGINT', 'x': 'BIGINT'}})
    """,
    """
    CREATE OR REPLACE TEMP TABLE change AS
    SELECT n.id, n.g, n.x, o.id AS old_id, o.g AS old_g, o.x AS old_x
    FROM staged AS n FULL JOIN t{number} AS o ON n.id = o.id
    WHERE n.id IS NULL OR o.id IS NULL OR n.g IS DISTINCT FROM o.g OR n.x IS DISTINCT FROM o.x
    """,
    "DELETE FROM t{number} WHERE id IN (SELECT old_id FROM change)",
    "INSERT INTO t{number} SELECT id, g, x FROM change WHERE id IS NOT NULL",
    """
    MERGE INTO v{number} AS v USING (
        SELECT g, sum(w) AS n, sum(w * x) AS s FROM (
            SELECT g, x, 1 AS w FROM change WHERE id IS NOT NULL
            UNION ALL SELECT old_g, old_x, -1 FROM change WHERE old_id IS NOT NULL
        ) GROUP BY g
    ) AS d ON v.g = d.g
    WHEN MATCHED AND v.n + d.n = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET n = v.n + d.n, s = v.s + d.s
    WHEN NOT MATCHED THEN INSERT VALUES (d.g, d.n, d.s)
    """,
)
