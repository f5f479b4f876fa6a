"""What the tests of behaviours share: files to refresh from, and questions to a database."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mvengine

Rows = list[tuple[object, ...]]


class Files:
    """The files of a source, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.folder / name

    def write(self, **texts: str) -> None:
        """CSV files with the columns id and x: ``write(a="1,10 2,20")``."""
        for name, rows in texts.items():
            self.path(f"{name}.csv").write_text("\n".join(["id,x", *rows.split()]) + "\n")

    def remove(self, *names: str) -> None:
        for name in names:
            self.path(f"{name}.csv").unlink()


def declare(con: mvengine.Connection, table: str, files: Files, *, key: bool = True, more: str = "") -> None:
    """A refreshable table with the columns id and x over CSV files."""
    primary = " PRIMARY KEY" if key else ""
    con.execute(
        f"CREATE TABLE {table} (id INTEGER{primary}, x INTEGER) REFRESHABLE FROM '{files.folder}' {more} "
        "FORMAT PLAIN ENCODE CSV"
    )


def rows(con: mvengine.Connection, sql: str) -> Rows:
    """The rows of a relation or query, sorted."""
    found = con.execute(sql if " " in sql else f"FROM {sql}").fetchall()
    return sorted(found, key=repr)


def one(con: mvengine.Connection, sql: str) -> object:
    """The only value of a query."""
    ((value,),) = con.execute(sql).fetchall()
    return value


def epoch(con: mvengine.Connection) -> object:
    return one(con, "SELECT coalesce(max(epoch), 0) FROM mv_catalog.epochs")


def refreshed(con: mvengine.Connection, sql: str) -> dict[str, object]:
    """The only row of what REFRESH returns, by column."""
    con.execute(sql)
    names = [column[0] for column in con.description or ()]
    (row,) = con.fetchall()
    return dict(zip(names, row, strict=True))


def check_views(con: mvengine.Connection) -> None:
    """Every view equals its query, as a bag."""
    for name, definition in con.execute("SELECT name, definition FROM mv_catalog.materialized_views").fetchall():
        stored, derived = (Counter(con.execute(sql).fetchall()) for sql in (f"FROM {name}", definition))
        assert stored == derived, name
