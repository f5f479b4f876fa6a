"""COMMENT ON: DuckDB keeps the texts. To it materialized views, refreshable tables and sources are plain views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import BindError
from mvengine.planner.reader import RelationKind
from mvengine.refresh.dependents import Function
from mvengine.refresh.reader import reference, require_foreign
from mvengine.schema import literal, quote
from mvengine.session import answer
from mvengine.session.objects import require_any, require_function, require_relation
from mvengine.session.writing import writing
from mvengine.sql.statements import Comment, ObjectKind

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: Comment) -> None:
    """Sets a comment, or takes it away. Errors: UnknownRelation, WrongObject, BindError."""
    require_foreign(statement.name.schema)
    text = "NULL" if statement.text is None else literal(statement.text)
    with writing(session, f"COMMENT ON {statement.kind} {reference(statement.name)}", ()):
        for target in _targets(session, statement):
            session.engine.query(f"COMMENT ON {target} IS {text}")
    answer.done(session)


def _targets(session: Session, statement: Comment) -> list[str]:
    """What DuckDB calls it."""
    if statement.kind is ObjectKind.FUNCTION:
        function = require_function(session, "COMMENT ON", statement.name, if_exists=False)
        assert function is not None
        return _macros(session, function)
    database = quote(session.database.name)
    if statement.kind is ObjectKind.COLUMN:
        relation = require_any(session, statement.name)
        known = session.engine.describe(f"FROM {relation.name.sql}")
        if statement.column.lower() not in {column.name.lower() for column in known}:
            raise BindError(
                f"{relation.name} has no column {statement.column}",
                hint=f"columns are {', '.join(column.name for column in known)}",
            )
        return [f"COLUMN {database}.{relation.name.sql}.{quote(statement.column)}"]
    found = require_relation(session, "COMMENT ON", statement.kind, statement.name, if_exists=False)
    assert found is not None
    is_table = found.kind in (RelationKind.TABLE, RelationKind.TEMPORARY, RelationKind.FOREIGN)
    if found.kind in (RelationKind.TEMPORARY, RelationKind.FOREIGN):
        is_temporary = found.kind is RelationKind.TEMPORARY
        return [f"{statement.kind} {f'temp.{quote(found.name.name)}' if is_temporary else found.storage}"]
    return [f"{'TABLE' if is_table else 'VIEW'} {database}.{found.name.sql}"]


def _macros(session: Session, function: Function) -> list[str]:
    rows = session.engine.query(
        "SELECT DISTINCT function_type FROM duckdb_functions() "
        "WHERE NOT internal AND lower(schema_name) = $1 AND lower(function_name) = $2",
        list(function.name.key),
    )
    return [f"MACRO{' TABLE' if kind == 'table_macro' else ''} {function.name.sql}" for (kind,) in rows]
