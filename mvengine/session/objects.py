"""Tables, views, sources, functions and schemas by name: what a statement means, and what needs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mvengine.errors import UnknownRelation, WrongObject
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.dependents import Dependents, Function, Object
from mvengine.refresh.reader import reference
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.sql.statements import ObjectKind, RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session

_WORDS = {
    RelationKind.TABLE: "TABLE",
    RelationKind.REFRESHABLE: "TABLE",
    RelationKind.TEMPORARY: "TABLE",
    RelationKind.FOREIGN: "TABLE",
    RelationKind.MATERIALIZED_VIEW: "MATERIALIZED VIEW",
    RelationKind.VIEW: "VIEW",
    RelationKind.SYSTEM: "",
}
"""By which word statements call a relation; a source is a VIEW here."""


def dependents_of(session: Session, transaction: Transaction | None = None) -> Dependents:
    """Who needs whom now."""
    graph = transaction.graph if transaction is not None else session.reader.graph
    return Dependents(session.engine, graph, session.database.name)


def is_source(session: Session, name: Name) -> bool:
    """Whether a plain view is a source."""
    return any(source.name == name for source in session.database.store(session.engine).sources())


def require_relation(
    session: Session, verb: str, kind: ObjectKind, ref: RelationRef, *, if_exists: bool
) -> Relation | None:
    """The relation of this kind that a name means in ``verb kind name``; None where there is none and that is fine.

    Errors: UnknownRelation; WrongObject, which says what it is.
    """
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None:
        if if_exists:
            return None
        raise UnknownRelation(
            f"there is no {kind.value.lower()} {reference(ref)}",
            hint=_unknown(verb, kind),
        )
    found = _WORDS[relation.kind]
    if relation.kind is RelationKind.VIEW and is_source(session, relation.name):
        found = "SOURCE"
    if relation.kind is RelationKind.TEMPORARY and kind is ObjectKind.VIEW:
        found = "VIEW"  # of temporary ones DuckDB tells
    if found != kind:
        what = "source" if found == "SOURCE" else relation.kind
        raise WrongObject(
            f"{reference(ref)} is a {what}, not a {kind.value.lower()}",
            hint=f"use {verb} {found}" if found else "leave it to the engine",
        )
    return relation


def require_any(session: Session, ref: RelationRef) -> Relation:
    """The relation that a name means, whatever it is. Errors: UnknownRelation."""
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None:
        raise UnknownRelation(f"there is no table or view {reference(ref)}", hint="SHOW TABLES lists what there is")
    return relation


def require_function(session: Session, verb: str, ref: RelationRef, *, if_exists: bool) -> Function | None:
    """The function of the user that a name means; as ``require_relation``."""
    known = dependents_of(session).functions
    places = [ref.schema] if ref.schema else session.reader.place().path
    names = (Name(schema=place, name=ref.name) for place in places)
    found = next((name for name in names if name in known), None)
    if found is not None:
        return Function(name=next(name for name in known if name == found))
    if if_exists:
        return None
    raise UnknownRelation(
        f"there is no function {reference(ref)}", hint=_unknown(verb, ObjectKind.FUNCTION), code="42883"
    )


def _unknown(verb: str, kind: ObjectKind) -> str:
    return f"SHOW {kind}S lists what there is" if verb == "COMMENT ON" else f"{verb} {kind} IF EXISTS accepts that"


def listed(objects: Iterable[Object], most: int = 5) -> str:
    """For messages."""
    names = [str(one) for one in objects]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
