"""A scenario of composed queries from its seed: tables, views over them and each other, epochs that change them all."""

from __future__ import annotations

from random import Random

import duckdb
from compose_query import Composer
from compose_tables import Column, Relation, filling, random_base, random_epoch
from scenario import Scenario, ViewStep

ROWS_MAX = 200  # of a view: a cross join of much costs time and shows nothing more
EMPTY_CHANCE = 0.2  # for a view that begins without rows
TRIES_MAX = 40  # per view, until DuckDB accepts one


def composed_scenario(seed: int) -> Scenario:
    """Two or three tables, up to four views, up to four epochs."""
    random = Random(seed)
    tables = [random_base(random, number) for number in range(random.randint(2, 3))]
    first = filling(random, tables)
    relations = [table.relation for table in tables]
    views: list[ViewStep] = []
    with duckdb.connect() as plain:
        for table in tables:
            plain.execute(table.step.sql)
        for write in first.writes:
            plain.execute(write.sql)
        for number in range(random.randint(1, 4)):
            found = _view(random, number, relations, plain)
            if found is not None:
                view, columns = found
                views.append(view)
                relations.append(Relation(name=view.name, columns=columns))
    epochs = tuple(random_epoch(random, tables) for _ in range(random.randint(1, 4)))
    steps = tuple(table.step for table in tables)
    return Scenario(seed=seed, tables=steps, filling=first, views=tuple(views), epochs=epochs)


def _view(
    random: Random, number: int, relations: list[Relation], plain: duckdb.DuckDBPyConnection
) -> tuple[ViewStep, tuple[Column, ...]] | None:
    """A view that DuckDB accepts and can compute, made in ``plain`` as well; None where it refuses all candidates."""
    for _ in range(TRIES_MAX):
        query, columns = Composer(random, relations).view(random.choice((0, 1, 1, 2)))
        reads = frozenset(relation.name for relation in relations if f"{relation.name} AS " in query)
        view = ViewStep(name=f"v{number}", query=query, reads=reads, policy="auto", is_plain=False)
        try:
            rows = plain.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0]
            if reads and rows <= ROWS_MAX and (rows or random.random() < EMPTY_CHANCE):
                plain.execute(view.plain_sql)
                plain.execute(f"FROM {view.name}").fetchall()
                return view, columns
        except duckdb.Error:
            continue
    return None
