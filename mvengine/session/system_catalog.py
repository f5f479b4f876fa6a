"""The database ``mv_system``: mvengine's views of the catalogs, made in memory when a statement first names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.schema import literal, quote
from mvengine.sql.catalogs import SYSTEM, definitions, needed_schemas

if TYPE_CHECKING:
    from mvengine.session import Session


def provide(session: Session, text: str) -> None:
    """Makes what a statement reads of ``mv_system``, on a connection of its own: an open transaction of the session
    sees it, since DuckDB takes a database's snapshot when the transaction first reads it."""
    if SYSTEM not in text:
        return
    database = session.database
    with database.system_guard:
        missing = [schema for schema in needed_schemas(text) if schema not in database.system_schemas]
        if not missing:
            return
        engine = database.engine.fork()
        try:
            engine.query(f"ATTACH IF NOT EXISTS ':memory:' AS {SYSTEM}")
            for schema in missing:
                script = definitions(schema).replace("$main", quote(database.name))
                engine.begin()
                engine.execute(script.replace("$name", literal(database.name)))
                engine.commit()
                database.system_schemas.add(schema)
        finally:
            engine.close()
