"""ALTER … RENAME TO, SET SCHEMA, SWAP WITH: the same object under another name; what reads it goes on with it.

SWAP exchanges the names of two relations of one kind: a view over the first one still reads it, by its new name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mvengine.errors import NotSupportedError, ProgrammingError, UnknownRelation
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.reader import reference, require_foreign
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote
from mvengine.session import answer, move_index, move_schema
from mvengine.session.move_relation import move_relation
from mvengine.session.objects import require_relation
from mvengine.session.rename import free_name
from mvengine.session.writing import writing
from mvengine.sql.statements import Move, MoveKind, ObjectKind

if TYPE_CHECKING:
    from mvengine.session import Session

_BETWEEN = "mv_swap"  # what the first one of two is called meanwhile; nobody else may have this name


def run(session: Session, statement: Move) -> None:
    """All or nothing. Errors: UnknownRelation, WrongObject, DuplicateRelation; DependentObjects where a view cannot
    follow; NotSupportedError for what cannot be moved."""
    match statement.kind:
        case ObjectKind.SCHEMA:
            move_schema.run(session, statement)
        case ObjectKind.INDEX:
            move_index.run(session, statement)
        case ObjectKind.FUNCTION:
            raise NotSupportedError(
                f"ALTER FUNCTION {reference(statement.name)}",
                hint="CREATE FUNCTION under the other name, then DROP FUNCTION this one",
            )
        case _:
            _move(session, statement)
    answer.done(session)


def _move(session: Session, statement: Move) -> None:
    require_foreign(statement.name.schema)
    what = f"ALTER {statement.kind} {reference(statement.name)} {statement.move}"
    relation = _found(session, statement)
    if relation is None:
        return
    with writing(session, what, (relation.name,)) as transaction:
        relation = _found(session, statement)  # others may have changed it until now
        if relation is None:
            return
        if statement.move is MoveKind.SWAP:
            _swap(session, transaction, statement, relation, what)
        else:
            move_relation(session, transaction, relation, _target(session, statement, relation.name), what)


def _found(session: Session, statement: Move) -> Relation | None:
    """The relation; None where nothing is left to do. What is not of our database is renamed by DuckDB at once."""
    relation = require_relation(session, "ALTER", statement.kind, statement.name, if_exists=statement.if_exists)
    if relation is None or relation.kind not in (RelationKind.TEMPORARY, RelationKind.FOREIGN):
        return relation
    if statement.move is not MoveKind.RENAME:
        raise NotSupportedError(
            f"{reference(statement.name)} is a {relation.kind} and stays where it is", hint="create it anew elsewhere"
        )
    is_temporary = relation.kind is RelationKind.TEMPORARY
    name = f"temp.{quote(relation.name.name)}" if is_temporary else relation.storage
    session.engine.query(f"ALTER {statement.kind} {name} RENAME TO {quote(statement.to.name)}")
    return None


def _target(session: Session, statement: Move, old: Name) -> Name:
    """The new name. Errors: UnknownRelation (3F000) for the schema; those of ``free_name``."""
    if statement.move is MoveKind.RENAME:
        return free_name(session, old, old.schema, statement.to.name)
    schema = statement.to.name
    require_foreign(schema)
    rows = session.engine.query(
        "SELECT schema_name FROM duckdb_schemas() WHERE lower(schema_name) = $1 AND database_name = $2",
        [schema.lower(), session.database.name],
    )
    if not rows:
        raise UnknownRelation(f"there is no schema {schema}", hint=f"CREATE SCHEMA {schema} first", code="3F000")
    return free_name(session, old, rows[0][0], old.name)


def _swap(session: Session, transaction: Transaction, statement: Move, first: Relation, what: str) -> None:
    second = require_relation(session, "ALTER", statement.kind, statement.to, if_exists=False)
    assert second is not None
    if second.name == first.name:
        raise ProgrammingError(f"{first.name} cannot change names with itself", hint="name another one")
    if second.kind is not first.kind:
        raise ProgrammingError(
            f"{first.name} is a {first.kind}, {second.name} a {second.kind}", hint="both must be of one kind"
        )
    between = Name(schema=first.name.schema, name=_BETWEEN)
    move_relation(session, transaction, first, between, what)
    move_relation(session, transaction, second, first.name, what)
    move_relation(session, transaction, replace(first, name=between), second.name, what)
