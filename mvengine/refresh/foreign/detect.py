"""At a start: what somebody else did to the file since mvengine has closed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.records import Seal, SealedObject
from mvengine.meta.store import Store
from mvengine.refresh.foreign.objects import definitions, duckdb_version, found_objects, owned_objects
from mvengine.refresh.graph import Graph
from mvengine.schema import Name


@dataclass(frozen=True, kw_only=True)
class ForeignChange:
    """What was found about one table or view. ``is_damage``: it is gone or has another shape."""

    object: SealedObject  # as it was, as far as that is known
    what: str
    is_damage: bool

    def __str__(self) -> str:
        of = "" if self.object.owner == self.object.name else f" of {self.object.owner}"
        return f"{self.object.name}{of}: {self.what}"


def foreign_changes(
    engine: DuckDbEngine, store: Store, graph: Graph, database_name: str, *, iteration: int | None, has_log: bool
) -> tuple[ForeignChange, ...]:
    """What has changed. ``iteration`` and ``has_log`` are of the file before DuckDB opened it: where they are those of
    the seal nobody has written, and nothing is read. mvengine breaks the seal before it writes: a process that was
    killed leaves a file whose rows cannot be told from foreign ones, and only what is gone is found.
    """
    if iteration is not None and iteration == store.sealed_iteration() and not has_log:
        return ()
    seal = store.sealed()
    owners = owned_objects(graph)
    there = definitions(engine, database_name)
    gone = tuple(_gone(name, owners, seal, there) for name in owners if name not in there)
    if seal is None:
        return gone
    now = {found.name: found for found in found_objects(engine, database_name, owners)}
    is_comparable = seal.duckdb_version == duckdb_version(engine)
    changed = (_compared(was, now[was.name], is_comparable) for was in seal.objects if was.name in now)
    return gone + tuple(change for change in changed if change is not None)


def _gone(
    name: Name, owners: Mapping[Name, Name], seal: Seal | None, there: Mapping[Name, tuple[str, bool]]
) -> ForeignChange:
    was = next((it for it in seal.objects if it.name == name), None) if seal is not None else None
    if was is None:
        was = SealedObject(owner=owners[name], name=name, sql="", rows=None, fingerprint=None)
    heirs = list(_heirs(was, seal, there))
    renamed = f", or renamed to {heirs[0]}" if len(heirs) == 1 else ""
    return ForeignChange(object=was, what=f"was dropped{renamed}", is_damage=True)


def _heirs(was: SealedObject, seal: Seal | None, there: Mapping[Name, tuple[str, bool]]) -> Iterator[Name]:
    """Objects of the same schema that mvengine does not know, and that have all of another one but its name."""
    known = {it.name for it in seal.objects} if seal is not None else set()
    for name, (sql, _) in there.items():
        is_candidate = name.schema.lower() == was.name.schema.lower() and name not in known and "$" not in name.name
        if is_candidate and was.sql and _nameless(sql, name) == _nameless(was.sql, was.name):
            yield name


def _nameless(sql: str, name: Name) -> str:
    head, _, tail = sql.partition("(")
    return (tail or head).replace(name.sql, "").replace(name.name, "")


def _compared(was: SealedObject, now: SealedObject, is_comparable: bool) -> ForeignChange | None:
    if was.sql != now.sql:
        return ForeignChange(object=was, what="was altered", is_damage=True)
    if was.rows != now.rows:
        return ForeignChange(
            object=was, what=f"its rows have changed: {was.rows} before, {now.rows} now", is_damage=False
        )
    if is_comparable and was.fingerprint != now.fingerprint:
        what = f"its rows have changed: {now.rows} as before, and not the same"
        return ForeignChange(object=was, what=what, is_damage=False)
    return None
