"""ALTER SCHEMA … RENAME TO: another schema, into which all that it holds is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import DuplicateRelation, NotSupportedError, UnknownRelation
from mvengine.refresh.reader import require_foreign
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote
from mvengine.session.move_relation import move_relation
from mvengine.session.objects import dependents_of, listed
from mvengine.session.writing import writing
from mvengine.sql.statements import Move, MoveKind

if TYPE_CHECKING:
    from mvengine.session import Session

_OTHERS = """
SELECT 'function ' || function_name FROM duckdb_functions()
WHERE NOT internal AND database_name = $1 AND lower(schema_name) = $2
UNION ALL
SELECT 'type ' || type_name FROM duckdb_types() WHERE NOT internal AND database_name = $1 AND lower(schema_name) = $2
UNION ALL
SELECT 'sequence ' || sequence_name FROM duckdb_sequences() WHERE database_name = $1 AND lower(schema_name) = $2
"""
_SCHEMAS = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = $1 AND lower(schema_name) = $2"


def run(session: Session, statement: Move) -> None:
    """Errors: UnknownRelation (3F000), DuplicateRelation (42P06); NotSupportedError for what a schema with functions,
    types or sequences, or the search path of a materialized view, keeps from it; those of moving each relation."""
    old, new = statement.name.name, statement.to.name
    if statement.move is not MoveKind.RENAME:
        raise NotSupportedError(f"ALTER SCHEMA … {statement.move}", hint="RENAME it, or move tables by SET SCHEMA")
    require_foreign(old)
    require_foreign(new)
    what = f"ALTER SCHEMA {old} RENAME TO {new}"
    with writing(session, what, ()) as transaction:
        if not session.engine.query(_SCHEMAS, [session.database.name, old.lower()]):
            if statement.if_exists:
                return
            raise UnknownRelation(f"there is no schema {old}", hint="IF EXISTS accepts that", code="3F000")
        if session.engine.query(_SCHEMAS, [session.database.name, new.lower()]):
            raise DuplicateRelation(f"there is a schema {new} already", hint="choose another name", code="42P06")
        _require_movable(session, transaction, old)
        session.engine.query(f"CREATE SCHEMA {quote(new)}")
        _move_all(session, transaction, old, new, what)
        session.engine.query(f"DROP SCHEMA {quote(session.database.name)}.{quote(old)}")


def _require_movable(session: Session, transaction: Transaction, schema: str) -> None:
    if schema.lower() == "main":
        raise NotSupportedError("the schema main keeps its name", hint="move its tables by ALTER TABLE … SET SCHEMA")
    others = [text for (text,) in session.engine.query(_OTHERS, [session.database.name, schema.lower()])]
    if others:
        raise NotSupportedError(
            f"schema {schema} holds the {others[0]}, which cannot be moved",
            hint="DROP it first, and create it again afterwards; tables and views go by SET SCHEMA, too",
        )
    views = [
        view.name
        for view in transaction.graph.views.values()
        for setting in view.plan.settings
        if setting.name == "search_path" and schema.lower() in setting.value.lower()
    ]
    if views:
        raise NotSupportedError(
            f"{listed(views)} looks names up in schema {schema}: it was created under that search path",
            hint="CREATE OR REPLACE it under another one, with the schema before its names",
        )


def _move_all(session: Session, transaction: Transaction, old: str, new: str, what: str) -> None:
    """Tables first, then the views over them."""
    dependents = dependents_of(session, transaction)
    held: list[Name] = [name for name in dependents.relations if name.schema.lower() == old.lower()]
    views = [one for one in dependents.above(held) if one in held]
    for name in [*(name for name in held if name not in views), *views]:
        assert isinstance(name, Name)
        relation = session.reader.resolve(None, name.schema, name.name)
        assert relation is not None
        move_relation(session, transaction, relation, Name(schema=new, name=name.name), what)
