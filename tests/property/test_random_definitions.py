"""Random sequences of ALTER, RENAME, CREATE OR REPLACE, writes and refreshes: whatever is done and whatever is refused,
every view shows what its query says of the rows that are there, and a model that knows only rows and names agrees."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

import mvengine
from mvengine.errors import Error

STEPS = 25
QUERIES = (
    "SELECT {g} AS g, sum({x}) AS s, count(*) AS n FROM {t} GROUP BY {g}",
    "SELECT * FROM {t} WHERE {x} > 2",
    "SELECT a.{g} AS g, b.{x} AS x FROM {t} AS a JOIN {t} AS b ON a.{x} = b.{g}",
    "SELECT DISTINCT {t}.{g} FROM {t}",
    "SELECT {g} AS g, max({x}) AS m FROM {t} GROUP BY {g} HAVING count(*) > 1",
    "SELECT *, random() < 2 AS always FROM {t}",
)


class World:
    """The database, and what a model of it knows: the table's name, and its columns g and x under their names now."""

    def __init__(self, con: mvengine.Connection, chance: random.Random) -> None:
        self.con, self.chance = con, chance
        self.table, self.g, self.x = "t", "g", "x"
        self.number = 0
        self.shown: dict[str, tuple[str, ...]] = {}  # view → its columns, which no ALTER of the table may change
        con.execute("CREATE TABLE t (g INTEGER, x INTEGER)")

    def fresh(self, stem: str) -> str:
        self.number += 1
        return f"{stem}{self.number}"

    def write(self) -> None:
        values = ", ".join(f"({self.chance.randint(0, 3)}, {self.chance.randint(0, 5)})" for _ in range(3))
        self.con.execute(f"INSERT INTO {self.table} ({self.g}, {self.x}) VALUES {values}")
        self.con.execute(f"DELETE FROM {self.table} WHERE {self.x} = {self.chance.randint(0, 5)}")
        self.con.execute(
            f"UPDATE {self.table} SET {self.g} = {self.g} + 1 WHERE {self.x} = {self.chance.randint(0, 5)}"
        )

    def create(self) -> None:
        name = self.fresh("v")
        query = self.chance.choice(QUERIES).format(t=self.table, g=self.g, x=self.x)
        self.con.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
        self.shown[name] = self.columns(name)

    def over(self) -> None:
        if self.shown:
            below, name = self.chance.choice(sorted(self.shown)), self.fresh("v")
            self.con.execute(f"CREATE MATERIALIZED VIEW {name} AS SELECT * FROM {below}")
            self.shown[name] = self.columns(name)

    def replace(self) -> None:
        if not self.shown:
            return
        name = self.chance.choice(sorted(self.shown))
        query = self.chance.choice(QUERIES).format(t=self.table, g=self.g, x=self.x)
        before = definitions(self.con)
        try:
            self.con.execute(f"CREATE OR REPLACE MATERIALIZED VIEW {name} AS {query}")
        except Error:
            assert definitions(self.con) == before
        self.shown[name] = self.columns(name)

    def rename_view(self) -> None:
        if self.shown:
            old, new = self.chance.choice(sorted(self.shown)), self.fresh("v")
            self.con.execute(f"ALTER MATERIALIZED VIEW {old} RENAME TO {new}")
            self.shown[new] = self.shown.pop(old)

    def rename_table(self) -> None:
        new = self.fresh("t")
        self.con.execute(f"ALTER TABLE {self.table} RENAME TO {new}")
        self.table = new

    def rename_column(self) -> None:
        which, new = self.chance.choice("gx"), self.fresh("c")
        self.con.execute(f"ALTER TABLE {self.table} RENAME COLUMN {getattr(self, which)} TO {new}")
        setattr(self, which, new)

    def swap_columns(self) -> None:
        """The most confusing renaming: each column gets the other's name."""
        spare = self.fresh("c")
        for old, new in ((self.g, spare), (self.x, self.g), (spare, self.x)):
            self.con.execute(f"ALTER TABLE {self.table} RENAME {old} TO {new}")
        self.g, self.x = self.x, self.g

    def add_column(self) -> None:
        self.con.execute(f"ALTER TABLE {self.table} ADD COLUMN {self.fresh('c')} INTEGER DEFAULT 1")

    def retype(self) -> None:
        self.con.execute(f"ALTER TABLE {self.table} ALTER COLUMN {self.x} TYPE BIGINT CASCADE")

    def transaction(self) -> None:
        """All that is done in it is taken back, or stays."""
        held = (self.table, self.g, self.x, dict(self.shown))
        before = definitions(self.con)
        self.con.execute("BEGIN")
        for step in self.chance.choices((self.write, self.rename_column, self.rename_table, self.add_column), k=3):
            step()
        if self.chance.random() < 0.5:
            self.con.execute("COMMIT")
            return
        self.con.execute("ROLLBACK")
        self.table, self.g, self.x, self.shown = held
        assert definitions(self.con) == before

    def columns(self, name: str) -> tuple[str, ...]:
        return tuple(row[0] for row in self.con.execute(f"DESCRIBE {name}").fetchall())

    def check(self) -> None:
        for name, query in definitions(self.con):
            shown = Counter(self.con.execute(f'FROM "{name}"').fetchall())
            assert shown == Counter(self.con.execute(str(query)).fetchall()), (name, query)
            assert self.columns(str(name)) == self.shown[str(name)], (name, query)


def definitions(con: mvengine.Connection) -> list[tuple[object, ...]]:
    return con.execute("SELECT name, definition FROM mv_catalog.materialized_views ORDER BY ALL").fetchall()


@pytest.mark.parametrize("seed", range(6))
def test_views_stay_what_their_queries_say_whatever_becomes_of_names_and_columns(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    path = tmp_path / "d.db"
    with mvengine.connect(str(path)) as con:
        world = World(con, chance)
        steps = (
            *(world.write, world.write, world.create, world.over, world.replace, world.replace, world.rename_view),
            *(world.rename_table, world.rename_column, world.swap_columns, world.add_column, world.retype),
            world.transaction,
        )
        world.create()
        for _ in range(STEPS):
            step = chance.choice(steps)
            step()
            world.check()
        assert {row[5] for row in con.execute("VERIFY ALL").fetchall()} <= {"equal"}
    with mvengine.connect(str(path)) as con:
        world.con = con
        world.write()
        world.check()
