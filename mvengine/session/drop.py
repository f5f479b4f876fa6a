"""DROP of tables, views, sources, functions and schemas: what others need is not dropped without CASCADE.

Needed by a materialized view, through plain views and functions too: refused. Plain views and functions over what is
dropped stay without CASCADE, as DuckDB leaves them, and fail when they are used (in other dialects plain views refuse
it, as materialized ones do); CASCADE drops them with all the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, UnknownRelation
from mvengine.planner import fragment as fragments
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.definitions import drop_storage
from mvengine.refresh.dependents import Function, Object
from mvengine.refresh.graph import Building, Definition, ViewDefinition
from mvengine.refresh.jobs import remove_build, stopped
from mvengine.refresh.jobs.trimming import drop_unread_logs, trim_read
from mvengine.refresh.reader import reference, require_foreign
from mvengine.refresh.run import operations
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote
from mvengine.session import answer, drop_index
from mvengine.session.drop_builds import affected_builds, is_named
from mvengine.session.objects import dependents_of, listed, require_function, require_relation
from mvengine.sql.dialects.settings import DUCKDB
from mvengine.sql.statements import Drop, ObjectKind, RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: Drop) -> None:
    """Drops all that is named in one transaction, or nothing."""
    explicit = session.transaction
    if explicit is not None:
        explicit.flush()
    transaction = explicit or session.own_transaction()
    transaction.lock(statement.text[:80])
    try:
        builds = affected_builds(session, transaction, statement)
        if explicit is None:
            with stopped(session.database, builds, statement.text[:80]):
                transaction.begin()
                _drop_all(session, transaction, statement, builds)
                transaction.commit()
        else:
            _drop_all(session, transaction, statement, ())
    except BaseException:
        if explicit is None:
            transaction.rollback()
        raise
    if explicit is None:
        operations.cancel_dropped(session.database)
    answer.done(session)


def _drop_all(session: Session, transaction: Transaction, statement: Drop, builds: tuple[Building, ...]) -> None:
    store = session.database.store(session.engine)
    for building in builds:
        remove_build(session.engine, store, building, "CANCEL", statement.text[:80])
    for ref in statement.names:
        if not any(is_named(session, statement.kind, ref, building.name) for building in builds):
            _drop_one(session, transaction, statement, ref)
        transaction.ddl()  # the next one may be needed by this one


def _drop_one(session: Session, transaction: Transaction, statement: Drop, ref: RelationRef) -> None:
    match statement.kind:
        case ObjectKind.INDEX:
            drop_index.drop(session, ref, if_exists=statement.if_exists)
        case ObjectKind.SCHEMA:
            _drop_schema(session, transaction, statement, ref)
        case ObjectKind.FUNCTION:
            function = require_function(session, "DROP", ref, if_exists=statement.if_exists)
            if function is not None:
                _drop_objects(session, transaction, statement, ref, [function])
        case _:
            require_foreign(ref.schema)
            relation = require_relation(session, "DROP", statement.kind, ref, if_exists=statement.if_exists)
            if relation is None:
                return
            if relation.kind in (RelationKind.TEMPORARY, RelationKind.FOREIGN):  # may have the name of one of ours
                _drop_elsewhere(session, statement, relation)
            else:
                _drop_objects(session, transaction, statement, ref, [relation.name])


def _drop_elsewhere(session: Session, statement: Drop, relation: Relation) -> None:
    is_temporary = relation.kind is RelationKind.TEMPORARY
    name = f"temp.{quote(relation.name.name)}" if is_temporary else relation.storage
    session.engine.query(f"DROP {statement.kind} {name}{' CASCADE' if statement.cascade else ''}")


def _drop_objects(
    session: Session, transaction: Transaction, statement: Drop, ref: RelationRef, roots: Sequence[Object]
) -> None:
    """Drops these, and what needs them. ``ref``: how they are called."""
    graph, dependents = transaction.graph, dependents_of(session, transaction)
    dependents.require_unbuilt(roots, f"DROP {reference(ref)}")
    names = [root for root in roots if isinstance(root, Name)]
    above = [one for one in dependents.above(roots) if one not in roots]
    reached = [*names, *(one for one in above if isinstance(one, Name))]
    views = [view for view in graph.downstream(reached) if view.name not in roots]
    views += [view for name, view in graph.views.items() if name in above and view not in views]
    foreign = [owner.name for owner, key in graph.foreign_keys if key.references in names and owner.name not in names]
    plain = [one for one in above if one not in graph.views]
    holding = [] if session.dialect == DUCKDB else [one for one in plain if isinstance(one, Name)]
    if (views or foreign or holding) and not statement.cascade:
        needed_by = listed([*(view.name for view in views), *holding, *foreign])
        raise DependentObjects(
            f"{reference(ref)} is needed by {needed_by}", hint="use CASCADE to drop what depends on it too"
        )
    if foreign:
        raise DependentObjects(
            f"a foreign key of {foreign[0]} refers to {reference(ref)}",
            hint=f"CASCADE drops no tables: drop {foreign[0]} first, or in the same statement before it",
        )
    for view in reversed([view for view in graph.views.values() if view in views]):
        forget(session, view)
    for one in (*(reversed(plain) if statement.cascade else ()), *_children_first(transaction, roots)):
        _drop_object(session, transaction, one, cascade=statement.cascade)


def _children_first(transaction: Transaction, roots: Sequence[Object]) -> list[Object]:
    """Those with foreign keys before what they refer to, views before what they read."""
    graph = transaction.graph
    order: list[Object] = [*(owner.name for owner, _ in graph.foreign_keys), *reversed(list(graph.views))]
    return sorted(roots, key=lambda root: order.index(root) if root in order else len(order))


def _drop_object(session: Session, transaction: Transaction, one: Object, *, cascade: bool) -> None:
    engine, database = session.engine, quote(session.database.name)
    if isinstance(one, Function):
        kinds = engine.query(
            "SELECT DISTINCT function_type FROM duckdb_functions() WHERE NOT internal AND database_name = $1 "
            "AND lower(schema_name) = $2 AND lower(function_name) = $3",
            [session.database.name, *one.name.key],
        )
        for (kind,) in kinds:
            engine.query(f"DROP MACRO{' TABLE' if kind == 'table_macro' else ''} {database}.{one.name.sql}")
        return
    definition = transaction.graph.get(one)
    if definition is not None:
        forget(session, definition)
        return
    is_view = bool(engine.query(_IS_VIEW, [session.database.name, *one.key]))
    engine.query(f"DROP {'VIEW' if is_view else 'TABLE'} {database}.{one.sql}{' CASCADE' if cascade else ''}")
    if is_view:
        session.database.store(engine).forget_source(one)


_IS_VIEW = (
    "SELECT 1 FROM duckdb_views() WHERE database_name = $1 AND lower(schema_name) = $2 AND lower(view_name) = $3 "
    "AND NOT temporary"
)


def _drop_schema(session: Session, transaction: Transaction, statement: Drop, ref: RelationRef) -> None:
    """A schema that is not empty goes by CASCADE, with all that needs what is in it."""
    require_foreign(ref.name)
    engine, suffix = session.engine, " CASCADE" if statement.cascade else ""
    if ref.schema not in (None, session.database.name):
        engine.query(f"DROP SCHEMA {quote(ref.schema or '')}.{quote(ref.name)}{suffix}")
        return
    found = engine.query(
        "SELECT 1 FROM duckdb_schemas() WHERE lower(schema_name) = $1 AND database_name = $2",
        [ref.name.lower(), session.database.name],
    )
    if not found:
        if statement.if_exists:
            return
        raise UnknownRelation(f"there is no schema {ref.name}", hint="DROP SCHEMA IF EXISTS accepts that", code="3F000")
    dependents = dependents_of(session, transaction)
    held: list[Object] = [name for name in dependents.relations if name.schema.lower() == ref.name.lower()]
    held += [Function(name=name) for name in dependents.functions if name.schema.lower() == ref.name.lower()]
    if held and not statement.cascade:
        raise DependentObjects(f"schema {ref.name} holds {listed(held)}", hint="use CASCADE to drop them too")
    if ref.name.lower() == "main":
        raise DependentObjects("the schema main cannot be dropped", hint="drop what is in it")
    _drop_objects(session, transaction, statement, ref, held)
    engine.query(f"DROP SCHEMA {quote(session.database.name)}.{quote(ref.name)}{suffix}")


def forget(session: Session, definition: Definition) -> None:
    """Removes a relation's tables, view, fragment and rows of meta; a running refresh of it will find it gone."""
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=definition.plan))
    drop_storage(session.engine, text, session.database.name)
    kind = "DROP MATERIALIZED VIEW" if isinstance(definition, ViewDefinition) else "DROP TABLE"
    store = session.database.store(session.engine)
    store.drop_relation(definition.relation_id, kind)
    store.forget_indexes_on(definition.name)
    if isinstance(definition, ViewDefinition) and definition.is_deferred:
        drop_unread_logs(session.engine, store, definition.inputs)
        trim_read(session.engine, store, definition.inputs)
