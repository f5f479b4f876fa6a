"""CREATE FUNCTION in LANGUAGE SQL: a macro to DuckDB. Materialized views that call one which is replaced follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import Error
from mvengine.session import answer, native
from mvengine.sql.statements import CreateFunction

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: CreateFunction) -> None:
    """Errors: those of DuckDB, without their position: it is one in the macro that was made."""
    try:
        native.run(session, statement.native, None, {})
    except Error as error:
        error.position = None
        raise
    answer.done(session)
