"""ALTER INDEX … RENAME TO: of one that is only declared; DuckDB's is made anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mvengine.errors import DuplicateRelation, NotSupportedError, UnknownRelation
from mvengine.refresh.reader import reference
from mvengine.refresh.redefine.move_table import with_name
from mvengine.schema import Name
from mvengine.session.writing import writing
from mvengine.sql.statements import Move, MoveKind

if TYPE_CHECKING:
    from mvengine.session import Session

_FIND = "SELECT sql FROM duckdb_indexes() WHERE lower(schema_name) = $1 AND lower(index_name) = $2"


def run(session: Session, statement: Move) -> None:
    """Errors: UnknownRelation (42704), DuplicateRelation; NotSupportedError for SET SCHEMA and SWAP."""
    if statement.move is not MoveKind.RENAME:
        raise NotSupportedError(
            f"ALTER INDEX … {statement.move}", hint="an index stands in the schema of its table, and goes with it"
        )
    schema = statement.name.schema or session.reader.place().schema
    old, new = (Name(schema=schema, name=name) for name in (statement.name.name, statement.to.name))
    with writing(session, f"ALTER INDEX {old} RENAME", ()):
        store, engine = session.database.store(session.engine), session.engine
        declared = {index.name: index for index in store.declared_indexes()}
        rows = engine.query(_FIND, list(old.key))
        if old not in declared and not rows:
            if statement.if_exists:
                return
            raise UnknownRelation(
                f"there is no index {reference(statement.name)}", hint="IF EXISTS accepts that", code="42704"
            )
        if new in declared or engine.query(_FIND, list(new.key)):
            raise DuplicateRelation(f"there is an index {new} already", hint="choose another name")
        if old in declared:
            store.forget_index(old)
            store.add_index(replace(declared[old], name=new))
            return
        engine.query(f"DROP INDEX {old.sql}")
        always = '"' + new.name.replace('"', '""') + '"'  # here DuckDB takes more words for keywords than elsewhere
        engine.query(with_name(rows[0][0], "INDEX", always))
