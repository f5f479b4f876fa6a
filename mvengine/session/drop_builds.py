"""What is being built when something that it needs is dropped: it is cancelled, or the DROP is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, StateError
from mvengine.refresh.graph import Building
from mvengine.refresh.reader import reference
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.sql.statements import Drop, ObjectKind, RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session


def affected_builds(session: Session, transaction: Transaction, statement: Drop) -> tuple[Building, ...]:
    """What is being built and is dropped itself, or needs something that is. Errors: DependentObjects without CASCADE,
    StateError inside BEGIN … COMMIT: a build that has been stopped cannot wait there for what comes of it."""
    graph, kind = transaction.graph, statement.kind
    if not graph.building or kind in (ObjectKind.INDEX, ObjectKind.FUNCTION):
        return ()
    found = {
        b.name: b for b in graph.building.values() for ref in statement.names if is_named(session, kind, ref, b.name)
    }
    names = {name for name in graph.watched for ref in statement.names if is_named(session, kind, ref, name)}
    dropped = names | {view.name for view in graph.downstream(names)}
    readers = graph.builds_over(dropped)
    if (readers or (found and kind is ObjectKind.SCHEMA)) and not statement.cascade:
        reader = (*readers, *found.values())[0]
        raise DependentObjects(
            f"{reference(statement.names[0])} is needed by job {reader.job_id}, which is building {reader.name}",
            hint=f"use CASCADE to cancel what is being built over it too, or WAIT JOB {reader.job_id}",
        )
    builds = tuple({**found, **{building.name: building for building in readers}}.values())
    if builds and session.transaction is not None:
        raise StateError(
            f"{reference(statement.names[0])} is needed by job {builds[0].job_id}, which cannot be ended inside "
            "BEGIN … COMMIT",
            hint=f"CANCEL JOB {builds[0].job_id} or WAIT JOB {builds[0].job_id} before BEGIN",
        )
    return builds


def is_named(session: Session, kind: ObjectKind, ref: RelationRef, name: Name) -> bool:
    """Whether a reference means this relation of ours, or the schema that it is in, as far as its words tell."""
    if kind is ObjectKind.SCHEMA:
        return name.schema.lower() == ref.name.lower() and ref.schema in (None, session.database.name)
    schema = ref.schema or session.reader.place().schema
    return Name(schema=schema, name=ref.name) == name and ref.catalog in (None, session.database.name)
