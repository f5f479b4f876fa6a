"""Plain CREATE TABLE with a foreign key to a refreshable table: that is a view to DuckDB, so the engine checks the key.

DuckDB makes the table without those keys; every other constraint is its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.meta.records import RelationKind as StoredKind
from mvengine.planner.logical import ConstrainedTable
from mvengine.planner.reader import RelationKind
from mvengine.refresh.transaction import Transaction
from mvengine.schema import quote
from mvengine.session import answer
from mvengine.session.create import create, new_name, record_of
from mvengine.session.create_table import foreign_key
from mvengine.sql.grammar import parse_own
from mvengine.sql.split import split
from mvengine.sql.statements import CreateRefreshableTable, DdlAction, ForeignKey, NativeDdl, RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session


def is_constrained(session: Session, ddl: NativeDdl) -> bool:
    """Whether the statement makes a table with a foreign key to a refreshable one. Judged by names, then by parsing."""
    names = set(ddl.names)
    if (ddl.action, ddl.object_kind, ddl.is_temporary) != (DdlAction.CREATE, "TABLE", False):
        return False
    if "references" not in names or not names & {name.name.lower() for name in session.reader.graph.tables}:
        return False
    statement = _parsed(ddl)
    return any(_is_refreshable(session, foreign.references) for foreign in statement.foreign_keys)


def run(session: Session, ddl: NativeDdl) -> None:
    """Makes the table and keeps its foreign keys to refreshable tables with the engine."""
    statement = _parsed(ddl)
    name = new_name(session, statement.table, statement.if_not_exists)
    if name is None:
        answer.done(session)
        return
    checked = tuple(f for f in statement.foreign_keys if _is_refreshable(session, f.references))
    declared = tuple(f for f in statement.foreign_keys if f not in checked)
    plan = ConstrainedTable(
        relation=name,
        storage=name.sql,
        foreign_keys=tuple(foreign_key(session, foreign) for foreign in checked),
        definition=ddl.text,
    )
    record = record_of(name, StoredKind.TABLE, plan, is_refreshable=False, source=None)

    def build(_: Transaction) -> None:
        session.engine.query(f"CREATE TABLE {name.sql} ({', '.join(_elements(statement, declared))})")

    create(session, record, plan, build)
    answer.done(session)


def _parsed(ddl: NativeDdl) -> CreateRefreshableTable:
    """The table's columns and constraints: the grammar of refreshable tables reads those of plain ones too."""
    statement = parse_own(split(ddl.text)[0])
    assert isinstance(statement, CreateRefreshableTable)
    return statement


def _is_refreshable(session: Session, ref: RelationRef) -> bool:
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    return relation is not None and relation.kind is RelationKind.REFRESHABLE


def _elements(statement: CreateRefreshableTable, declared: tuple[ForeignKey, ...]) -> list[str]:
    """What stands between the brackets of the DDL that DuckDB gets."""
    found = [" ".join(p for p in (quote(c.name), c.type, c.constraints) if p) for c in statement.columns]
    if statement.primary_key:
        found.append(f"PRIMARY KEY ({_listed(statement.primary_key)})")
    found += [f"UNIQUE ({_listed(key)})" for key in statement.unique_keys]
    found += [f"CHECK ({check})" for check in statement.checks]
    for foreign in declared:
        ref = ".".join(quote(part) for part in (foreign.references.schema, foreign.references.name) if part)
        columns = f" ({_listed(foreign.referenced_columns)})" if foreign.referenced_columns else ""
        found.append(f"FOREIGN KEY ({_listed(foreign.columns)}) REFERENCES {ref}{columns}")
    return found


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(quote(column) for column in columns)
