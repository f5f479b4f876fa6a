"""PREPARE, EXECUTE, DEALLOCATE. Writes are kept here, to be captured; DuckDB keeps everything, and checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvengine.errors import ProgrammingError
from mvengine.refresh.parameters import names_in
from mvengine.schema import quote
from mvengine.session import answer, native, write
from mvengine.sql.statements import Deallocate, Execute, Native, Prepare, WriteKind

if TYPE_CHECKING:
    from mvengine.session import Session


def prepare(session: Session, statement: Prepare) -> None:
    """Keeps the statement under its name, in the place of one that has it. Errors: those of DuckDB, which prepares all
    but MERGE."""
    if statement.write is None or statement.write.kind is not WriteKind.MERGE:
        session.engine.query(statement.text)
    session.prepared[statement.name.lower()] = statement
    answer.done(session)


def execute(session: Session, statement: Execute, scope: Mapping[str, Any]) -> None:
    """Runs a prepared statement with these values. Errors: ProgrammingError (26000) for an unknown name, (42601) where
    the values are not those that it has parameters for."""
    prepared = _found(session, statement.name)
    values = _cast(prepared, statement)
    if prepared.write is None:
        listed = ", ".join(f"{name} := {value}" if name else value for name, value in values)
        text = f"EXECUTE {quote(prepared.name)}" + (f"({listed})" if listed else "")
        native.run(session, Native(kind="EXECUTE", text=text), None, scope)
        return
    given = [name or str(place) for place, (name, _) in enumerate(values, 1)]
    wanted = names_in(prepared.write.text)
    if set(given) != wanted or len(given) != len(wanted):
        raise ProgrammingError(
            f"{prepared.name} has {_counted(len(wanted))}, {len(given)} given: {', '.join(given) or 'none'}",
            hint=f"it wants {', '.join(sorted(wanted)) or 'none'}",
            code="42601",
        )
    row = session.engine.query(f"SELECT {', '.join(value for _, value in values)}")[0] if values else ()
    write.run(session, prepared.write, dict(zip(given, row, strict=True)))


def deallocate(session: Session, statement: Deallocate) -> None:
    """Forgets one prepared statement, or all. Errors: ProgrammingError (26000)."""
    names = list(session.prepared) if not statement.name else [_found(session, statement.name).name]
    for name in names:
        session.engine.query(f"DEALLOCATE {quote(name)}")
        session.prepared.pop(name.lower())
    answer.done(session)


def _found(session: Session, name: str) -> Prepare:
    found = session.prepared.get(name.lower())
    if found is None:
        raise ProgrammingError(
            f"there is no prepared statement {name}", hint=f"PREPARE {name} AS … first", code="26000"
        )
    return found


def _cast(prepared: Prepare, statement: Execute) -> list[tuple[str, str]]:
    """Names (empty: by place) and expressions of the values, of the types that PREPARE has given."""
    found = []
    for place, argument in enumerate(statement.arguments):
        has_type = not argument.name and place < len(prepared.types)
        value = f"CAST({argument.value} AS {prepared.types[place]})" if has_type else argument.value
        found.append((argument.name, value))
    return found


def _counted(count: int) -> str:
    return f"{count} parameter{'' if count == 1 else 's'}"
