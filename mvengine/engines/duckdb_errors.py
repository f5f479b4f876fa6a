"""DuckDB's exceptions → the error tree, with SQLSTATE codes and positions."""

from __future__ import annotations

import re

import duckdb

from mvengine.errors import (
    BindError,
    DatabaseError,
    DatabaseLocked,
    DataError,
    DependentObjects,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    KeyViolation,
    NotSupportedError,
    OperationalError,
    ParseError,
    Position,
    ProgrammingError,
    SerializationFailure,
    TransactionAborted,
    UnknownRelation,
    WrongObject,
)

_LINE = re.compile(r"\n\nLINE (\d+): (.*)\n(\s*)\^", re.S)
_ADVICE = re.compile(r"\s*\n\s*((?:Candidate |Did you mean[ :]|Either add |Possible solution).*)", re.S)
_OWN_SWITCH = re.compile(
    r'\s*\n\s*Use "SET scalar_subquery_error_on_multiple_rows.*', re.S
)  # a random row is no answer
_HOLDER = re.compile(r"(?:in|by) (.+?) \(PID (\d+)\)")

_WRITING = r"(Could not write|Failed to write|Could not create|Cannot open)[^\n]*: "  # also where COMMIT hands it on

# The first that matches decides: (exception class, pattern in its text or None, our class, SQLSTATE or None).
_RULES: tuple[tuple[type[Exception], str | None, type[Error], str | None], ...] = (
    (duckdb.Error, rf"{_WRITING}(No space left|Disk quota exceeded|File too large)", OperationalError, "53100"),
    (duckdb.OutOfMemoryException, r"max_temp_directory_size", OperationalError, "53100"),
    (duckdb.IOException, r"Could not set lock on file|Conflicting lock", DatabaseLocked, None),
    (duckdb.TransactionException, r"is aborted", TransactionAborted, None),
    (duckdb.TransactionException, r"[Cc]onflict|another transaction has", SerializationFailure, None),
    (duckdb.TransactionException, r"Failed to commit: Could not (write|sync)|fsync", OperationalError, "58030"),
    (duckdb.TransactionException, None, OperationalError, "25000"),
    (duckdb.ParserException, None, ParseError, None),
    (duckdb.SyntaxException, None, ParseError, None),
    (duckdb.CatalogException, r"already exists", ProgrammingError, "42P07"),
    (duckdb.CatalogException, r"Function .* does not exist|Could not find|Scalar Function", BindError, "42883"),
    (duckdb.CatalogException, r"(Table|View|Schema|Catalog).* does not exist", UnknownRelation, None),
    (duckdb.CatalogException, r"is not an? table", WrongObject, None),
    (duckdb.CatalogException, r"unrecognized configuration parameter", ProgrammingError, "42704"),
    (duckdb.CatalogException, r"[Dd]epend|is main key table", DependentObjects, None),
    (duckdb.CatalogException, None, ProgrammingError, None),
    (duckdb.BinderException, r"Can only (update|delete from) base table", WrongObject, None),
    (duckdb.DependencyException, None, DependentObjects, None),
    (duckdb.BinderException, r"[Aa]mbiguous", BindError, "42702"),
    (duckdb.BinderException, None, BindError, None),
    (duckdb.ConstraintException, r"[Dd]uplicate key|PRIMARY KEY or UNIQUE", KeyViolation, None),
    (duckdb.ConstraintException, r"NOT NULL", IntegrityError, "23502"),
    (duckdb.ConstraintException, r"CHECK", IntegrityError, "23514"),
    (duckdb.ConstraintException, r"[Ff]oreign key", IntegrityError, "23503"),
    (duckdb.ConstraintException, None, IntegrityError, None),
    (duckdb.ConversionException, None, DataError, "22P02"),
    (duckdb.OutOfRangeException, r"[Dd]ivision by zero", DataError, "22012"),
    (duckdb.OutOfRangeException, None, DataError, "22003"),
    (duckdb.TypeMismatchException, None, DataError, "42804"),
    (duckdb.NotImplementedException, None, NotSupportedError, None),
    (duckdb.PermissionException, None, OperationalError, "42501"),
    (duckdb.InterruptException, None, OperationalError, "57014"),
    (duckdb.OutOfMemoryException, None, OperationalError, "53200"),
    (duckdb.IOException, None, OperationalError, "58030"),
    (duckdb.HTTPException, None, OperationalError, "58030"),
    (duckdb.ConnectionException, None, InterfaceError, None),
    (duckdb.InvalidInputException, None, DataError, "22023"),
    (duckdb.InternalException, None, InternalError, None),
    (duckdb.FatalException, None, InternalError, None),
    (duckdb.ProgrammingError, None, ProgrammingError, None),
    (duckdb.DataError, None, DataError, None),
    (duckdb.OperationalError, None, OperationalError, None),
    (RuntimeError, r"[Ii]nterrupt", OperationalError, "57014"),
)


def translate(error: Exception, sql: str) -> Error:
    """The error of this library that says the same. The position is that in ``sql``."""
    text = str(error)
    matching = (
        (ours, code)
        for kind, pattern, ours, code in _RULES
        if isinstance(error, kind) and (pattern is None or re.search(pattern, text))
    )
    ours, code = next(matching, (DatabaseError, None))
    position = _position(text, sql)
    shown_line = _LINE.search(text)
    message = _OWN_SWITCH.sub("", text[: shown_line.start()] if shown_line else text)
    advice = _ADVICE.search(message)
    message = message[: advice.start()] if advice else message
    if ours is DatabaseLocked:
        holder = _HOLDER.search(text)
        who = f"process {holder.group(2)} ({holder.group(1)})" if holder else "another process"
        path = re.search(r'file "([^"]+)"', text)
        return DatabaseLocked(
            f"the database {path.group(1) if path else 'file'} is in use by {who}",
            hint="one process at a time can hold a database; close it there first",
        )
    return ours(message, hint=advice[1].strip().replace(": : ", ": ") if advice else None, code=code, position=position)


def _position(text: str, sql: str) -> Position | None:
    """Where the caret stands. Of a long line DuckDB shows a part, between dots: that is looked for in the statement."""
    found = _LINE.search(text)
    if found is None:
        return None
    line, shown, spaces = found.groups()
    column = len(spaces.rsplit("\n", 1)[-1]) - len(f"LINE {line}: ") + 1
    lines = sql.split("\n")
    part = shown.removeprefix("...").removesuffix("...")
    if shown.startswith("..."):
        whole = lines[int(line) - 1] if int(line) <= len(lines) else ""
        if whole.count(part) != 1:
            return None
        column += whole.index(part) - len("...")
    return Position(line=int(line), column=max(column, 1))
