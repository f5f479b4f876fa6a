"""SHOW CREATE TABLE | VIEW | MATERIALIZED VIEW | SOURCE | FUNCTION: the statement that makes what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import BindError, WrongObject
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.reader import reference
from mvengine.schema import Column, Name, literal, quote
from mvengine.session import answer, system_catalog
from mvengine.session.lookup import Found, find
from mvengine.session.table_statement import create_statement
from mvengine.sql.showing import CreatedKind, ShowCreate
from mvengine.sql.statements import RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session

_COLUMNS = (Column(name="name", type="VARCHAR"), Column(name="create_statement", type="VARCHAR"))
_FUNCTIONS = """
SELECT schema_name, name, returns_table, parameters, definition FROM mv_system.mv_objects.functions
WHERE lower(name) = lower($name) AND schema_name = coalesce($schema, current_schema())
  AND database_name = coalesce($database, current_database())"""
_FOREIGN_KEYS = """
SELECT constraint_text FROM mv_system.mv_objects.constraints
WHERE table_oid = $1 AND constraint_type = 'FOREIGN KEY' ORDER BY constraint_name"""


def run(session: Session, statement: ShowCreate) -> None:
    """Answers with name and statement. Errors: UnknownRelation; WrongObject, which says what the name is instead."""
    if statement.kind in (CreatedKind.FUNCTION, CreatedKind.MACRO):
        answer.answer(session, _COLUMNS, _functions(session, statement.name))
        return
    found = find(session, statement.name)
    if found.kind != statement.kind.lower():
        raise WrongObject(
            f"{reference(statement.name)} is a {found.kind}", hint=f"use SHOW CREATE {found.kind.upper()}"
        )
    answer.answer(session, _COLUMNS, [(found.name, _statement(session, found))])


def _statement(session: Session, found: Found) -> str:
    name = Name(schema=found.schema, name=found.name)
    graph = session.reader.graph
    text = found.sql.rstrip("; \n")
    if found.database != session.database.name:
        return f"{text};"
    if (view := graph.views.get(name)) is not None:
        return _view(session, view)
    if (table := graph.tables.get(name)) is not None:
        return f"{create_statement(session, table)};"
    if name in graph.constrained:
        keys = [key for (key,) in session.engine.query(_FOREIGN_KEYS, [found.oid])]
        text = f"{text.removesuffix(')')}, {', '.join(keys)})"
    return f"{text};"


def _view(session: Session, view: ViewDefinition) -> str:
    """CREATE MATERIALIZED VIEW with the names of its columns, which the query alone need not give."""
    plan = view.plan
    options = session.database.store(session.engine).settings([view.relation_id])[view.relation_id]
    if plan.policy != "auto":
        options["policy"] = str(plan.policy)
    if plan.exact_floats:
        options["exact_floats"] = "true"
    with_clause = ", ".join(f"{name} = {literal(value)}" for name, value in sorted(options.items()))
    columns = ", ".join(quote(column.name) for column in plan.columns)
    place = f"{quote(view.name.schema)}." if view.name.schema != "main" else ""
    head = f"CREATE MATERIALIZED VIEW {place}{quote(view.name.name)} ({columns})"
    return f"{head}{f' WITH ({with_clause})' if with_clause else ''} AS {plan.definition.rstrip('; ')};"


def _functions(session: Session, ref: RelationRef) -> list[tuple[str, str]]:
    system_catalog.provide(session, _FUNCTIONS)
    values = {"database": ref.catalog, "schema": ref.schema, "name": ref.name}
    rows = session.engine.query(_FUNCTIONS, values)
    if not rows:
        raise BindError(f"there is no function {reference(ref)}", hint="SHOW FUNCTIONS lists yours", code="42883")
    schema, name, _, _, _ = rows[0]
    place = f"{quote(schema)}." if schema != "main" else ""
    forms = [
        f"({', '.join(parameters)}) AS {'TABLE ' if returns_table else ''}{definition}"
        for _, _, returns_table, parameters, definition in rows
    ]
    return [(name, f"CREATE MACRO {place}{quote(name)}{', '.join(forms)};")]
