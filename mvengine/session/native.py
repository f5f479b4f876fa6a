"""Statements that are DuckDB's: passed on as they are, unless they would alter a maintained relation by another way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mvengine.engines.base import Parameters
from mvengine.errors import DependentObjects, DuplicateRelation, NotSupportedError, WrongObject
from mvengine.planner.reader import RelationKind
from mvengine.refresh.graph import ConstrainedDefinition, Definition, TableDefinition, ViewDefinition
from mvengine.refresh.parameters import named, used_by
from mvengine.refresh.reader import reference, require_foreign
from mvengine.refresh.settings import KEPT
from mvengine.schema import Name
from mvengine.session import answer, create_constrained, replace_definition
from mvengine.session.objects import is_source
from mvengine.sql.statements import DdlAction, Native, NativeDdl, Refused, RelationRef
from mvengine.sql.tokens import names_in, tokenize

if TYPE_CHECKING:
    from mvengine.session import Session

_KINDS: dict[type[Definition] | type[None], str] = {
    TableDefinition: "refreshable table",
    ViewDefinition: "materialized view",
    ConstrainedDefinition: "table with a foreign key to a refreshable one",
}
_MEANINGFUL = frozenset({name.lower() for name in KEPT} | {"use", "schema", "null_order", "time"})
_DONE = {
    DdlAction.CREATE: "created",
    DdlAction.REPLACE: "replaced",
    DdlAction.ALTER: "altered",
    DdlAction.DROP: "dropped",
}
_PATHS = frozenset({"use", "schema", "search_path"})
_SETTINGS = frozenset({"SET", "VARIABLE_SET", "PRAGMA", "CALL"})


def run(session: Session, statement: Native, parameters: Parameters, scope: Mapping[str, Any]) -> None:
    """Passes a statement on. In a transaction, views first follow what is pending: the statement may read them."""
    if isinstance(statement, NativeDdl) or statement.kind in _SETTINGS:
        session.database.shapes += 1
    if isinstance(statement, NativeDdl):
        _check_ddl(session, statement)
        if statement.action is DdlAction.REPLACE and replace_definition.is_needed(session, statement):
            replace_definition.run(session, statement)
            return
        if create_constrained.is_constrained(session, statement):
            create_constrained.run(session, statement)
            return
        if not statement.is_temporary:
            _run_as_writer(session, statement, [target.name for target in statement.targets], parameters, scope)
            return
        session.has_temporaries = True
    _pass_on(session, statement, parameters, scope)


def _run_as_writer(
    session: Session, statement: Native, names: Sequence[str], parameters: Parameters, scope: Mapping[str, Any]
) -> None:
    """Passes on a statement that changes tables nothing depends on, under the writer lock: a view that is being built
    over one of them sees all of the change or nothing."""
    explicit = session.transaction
    if explicit is not None:
        explicit.lock(statement.kind)
        _pass_on(session, statement, parameters, scope)
        for name in names:
            explicit.note_plain_write(name)
        return
    transaction = session.own_transaction()
    transaction.lock(statement.kind)
    try:
        _pass_on(session, statement, parameters, scope)
        session.database.note_plain_writes(names)
    finally:
        session.database.lock.release(transaction)


def _pass_on(session: Session, statement: Native, parameters: Parameters, scope: Mapping[str, Any]) -> None:
    if statement.kind in _SETTINGS:
        _check_settings(session, statement)
    if statement.kind != "SELECT" and statement.text.upper().split(maxsplit=2)[:2] == ["ALTER", "DATABASE"]:
        raise NotSupportedError("ALTER DATABASE", hint="close the database and rename its file")
    if session.transaction is not None and session.transaction.has_pending:
        session.transaction.flush()
    session.frames.bind(statement.text, scope)
    values = parameters
    if parameters and "?" not in statement.text:
        values = used_by(statement.text, named(parameters)) if isinstance(parameters, Mapping) else parameters
    session.open_result(statement.text, values)
    if statement.kind in _SETTINGS:
        session.settings.note_native(statement.text)
    if statement.kind in _SETTINGS and _PATHS & {word.lower() for word in re.findall(r"\w+", statement.text)}:
        _require_foreign_path(session)
        answer.done(session)


def _check_ddl(session: Session, ddl: NativeDdl) -> None:
    """Refuses what would change the shape of a maintained relation, or the engine's own schemas."""
    graph = session.reader.graph
    _check_definitions(session, ddl)
    for target in ddl.targets:
        require_foreign(target.name if ddl.object_kind == "SCHEMA" else target.schema)
        if ddl.action is DdlAction.CREATE and ddl.object_kind in ("TABLE", "VIEW") and not ddl.is_temporary:
            _check_free(session, target)
        elif ddl.action is not DdlAction.CREATE or ddl.object_kind == "TRIGGER":
            _check_relation(session, ddl, target)
    if ddl.object_kind == "TRIGGER" and (graph.tables or graph.views):
        raise NotSupportedError(
            "a trigger would write to tables unseen by the views over them", hint="write what it does as statements"
        )


def _check_free(session: Session, target: RelationRef) -> None:
    """What is being built has its name already, although DuckDB knows nothing of it."""
    graph = session.reader.graph
    if not graph.building:
        return
    name = Name(schema=target.schema or session.reader.place().schema, name=target.name)
    if (building := graph.building.get(name)) is not None and target.catalog in (None, session.database.name):
        raise DuplicateRelation(
            f"{name} exists already: job {building.job_id} is building it",
            hint=f"CANCEL JOB {building.job_id} first, or choose another name",
        )


def _check_definitions(session: Session, ddl: NativeDdl) -> None:
    """Refuses to change a type that the query of a materialized view names."""
    if ddl.action is DdlAction.CREATE or ddl.object_kind != "TYPE":
        return
    graph = session.reader.graph
    changed = {target.name.lower() for target in ddl.targets} - {name.name.lower() for name in graph.watched}
    for view in graph.readers:
        if changed & set(names_in(tokenize(view.plan.definition))):
            raise DependentObjects(
                f"the materialized view {view.name} may need {', '.join(sorted(changed))}",
                hint=f"DROP MATERIALIZED VIEW {view.name} first, and create it again afterwards",
            )


def _check_relation(session: Session, ddl: NativeDdl, target: RelationRef) -> None:
    relation = session.reader.resolve(target.catalog, target.schema, target.name)
    if relation is None or relation.kind in (RelationKind.TEMPORARY, RelationKind.FOREIGN):
        return
    graph = session.reader.graph
    done = _DONE[ddl.action]
    if relation.name in graph:
        kind = _KINDS[type(graph.get(relation.name))]
        dropper = "DROP MATERIALIZED VIEW" if relation.name in graph.views else "DROP TABLE"
        raise WrongObject(
            f"{reference(target)} is a {kind} and cannot be {done} by {ddl.action} {ddl.object_kind}",
            hint=f"use {dropper}, then create it anew",
        )
    if relation.kind is RelationKind.VIEW and is_source(session, relation.name):
        raise WrongObject(
            f"{reference(target)} is a source and cannot be {done} by {ddl.action} {ddl.object_kind}",
            hint="use CREATE OR REPLACE SOURCE, or DROP SOURCE",
        )
    readers = graph.consumers.get(relation.name, ())
    if readers:
        raise DependentObjects(
            f"{reference(target)} cannot be {done}: {', '.join(str(view.name) for view in readers)} needs it",
            hint="drop the materialized views first, and create them again afterwards",
        )


def _require_foreign_path(session: Session) -> None:
    """A search path into the engine's own schemas is taken back, however it was written."""
    rows = session.engine.query("SELECT current_schemas(false)")
    try:
        for schema in rows[0][0]:
            require_foreign(schema)
    except WrongObject:
        session.engine.query("RESET search_path")
        raise


def _check_settings(session: Session, statement: Native) -> None:
    """A session that changes settings runs views under those of their CREATE. USE of another database is refused."""
    words = statement.text.split()
    named = {word.lower() for word in re.findall(r"\w+", statement.text)}
    if named & _MEANINGFUL:
        session.engine.has_custom_settings = True
        if "global" in named:
            session.engine.common.is_changed = True
    if words and words[0].upper() in ("USE", "SET"):
        for name in re.findall(r"\w+", statement.text):
            require_foreign(name)
    if words and words[0].upper() == "USE":
        name = words[1].strip(";").strip('"').partition(".")[0] if len(words) > 1 else ""
        others = session.engine.query(
            "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND lower(database_name) = $1",
            [name.lower()],
        )
        if others and others[0][0] != session.database.name:
            raise NotSupportedError(
                f"USE {name}: mvengine keeps its tables in {session.database.name}",
                hint=f"name tables of the other database as {name}.table",
            )


def refuse(session: Session, statement: Refused) -> None:
    """Refuses a hidden write where it touches anything maintained; passes it on elsewhere."""
    graph = session.reader.graph
    maintained = {name.name.lower() for name in graph.watched}
    names = set(statement.names) or set(names_in(tokenize(statement.text)))
    if (statement.is_opaque and maintained) or names & maintained:
        raise NotSupportedError(statement.reason, hint=statement.hint)
    _run_as_writer(session, Native(kind=statement.kind, text=statement.text), sorted(names), None, {})
