"""CREATE TABLE … REFRESHABLE as it would be written today: what ALTER has changed since is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvengine.planner.options import TABLE_SETTINGS
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.options import INTERVAL
from mvengine.schema import Name, literal, quote
from mvengine.sql.grammar import parse_own
from mvengine.sql.split import split
from mvengine.sql.statements import CreateRefreshableTable, Options

if TYPE_CHECKING:
    from mvengine.session import Session


def create_statement(session: Session, table: TableDefinition) -> str:
    """Columns and constraints are those of the table now; where its rows come from stands in the statement that made
    it, without secrets."""
    made_by = parse_own(split(table.plan.definition)[0])
    assert isinstance(made_by, CreateRefreshableTable)
    elements = ", ".join(_elements(table))
    return f"CREATE TABLE {_name(table.name)} ({elements}) {' '.join(_clauses(session, table, made_by))}"


def _elements(table: TableDefinition) -> Iterator[str]:
    plan = table.plan
    yield from plan.column_definitions
    for key in plan.keys:
        yield f"{'PRIMARY KEY' if key.is_primary else 'UNIQUE'} {_listed(key.columns)}"
    for check in plan.checks:
        yield f"CHECK ({check})"
    for foreign in plan.foreign_keys:
        referenced = _listed(foreign.referenced_columns)
        yield f"FOREIGN KEY {_listed(foreign.columns)} REFERENCES {_name(foreign.references)} {referenced}"


def _clauses(session: Session, table: TableDefinition, made_by: CreateRefreshableTable) -> Iterator[str]:
    yield "REFRESHABLE"
    if made_by.source is not None:
        yield f"FROM {literal(made_by.source)}"
    if made_by.ignore_conflicts:
        yield "ON CONFLICT DO NOTHING"
    options = tuple((name, value) for name, value in made_by.options if name not in TABLE_SETTINGS) + _settings(
        session, table
    )
    if options:
        yield f"WITH {_written(options)}"
    if made_by.encoding is not None:
        encoding = _written(made_by.encoding_options) if made_by.encoding_options else ""
        yield f"FORMAT PLAIN ENCODE {made_by.encoding} {encoding}".rstrip()


def _settings(session: Session, table: TableDefinition) -> Options:
    """What is set now: the interval stands with the refreshes, all else with the settings."""
    settings = session.database.store(session.engine).settings([table.relation_id])[table.relation_id]
    sql = "SELECT interval_sec FROM mv_meta.refresh_jobs WHERE relation_id = $1 AND interval_sec IS NOT NULL"
    interval = [(INTERVAL, str(seconds)) for (seconds,) in session.engine.query(sql, [table.relation_id])]
    return tuple(sorted([*settings.items(), *interval]))


def _written(options: Options) -> str:
    return f"({', '.join(f'{name} = {literal(value)}' for name, value in options)})"


def _listed(columns: tuple[str, ...]) -> str:
    return f"({', '.join(map(quote, columns))})"


def _name(name: Name) -> str:
    return quote(name.name) if name.schema == "main" else name.sql
