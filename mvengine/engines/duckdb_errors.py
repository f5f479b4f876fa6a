"""DuckDB's exceptions → the error tree, with SQLSTATE codes and positions."""

from __future__ import annotations

import re

import duckdb

from mvengine.errors import (
    BindError,
    DatabaseError,
    DatabaseLocked,
    DataError,
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
)

_LINE = re.compile(r"\n\nLINE (\d+): (.*)\n(\s*)\^", re.S)
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
    (duckdb.CatalogException, r"(Table|View|Schema|Catalog).* does not exist|not an table", UnknownRelation, None),
    (duckdb.CatalogException, r"Function .* does not exist|Could not find|Scalar Function", BindError, "42883"),
    (duckdb.CatalogException, r"unrecognized configuration parameter", ProgrammingError, "42704"),
    (duckdb.CatalogException, r"[Dd]epend", ProgrammingError, "2BP01"),
    (duckdb.CatalogException, None, ProgrammingError, None),
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
    position = _position(text)
    message = text[: text.index("\n\nLINE ")] if position else text
    if ours is DatabaseLocked:
        holder = _HOLDER.search(text)
        who = f"process {holder.group(2)} ({holder.group(1)})" if holder else "another process"
        path = re.search(r'file "([^"]+)"', text)
        return DatabaseLocked(
            f"the database {path.group(1) if path else 'file'} is in use by {who}",
            hint="one process at a time can hold a database; close it there first",
        )
    return ours(message, code=code, position=position)


def _position(text: str) -> Position | None:
    """Where the caret stands. DuckDB cuts long lines; then only the line is exact."""
    found = _LINE.search(text)
    if found is None:
        return None
    line, shown, spaces = found.groups()
    shift = len(f"LINE {line}: ")
    column = len(spaces.rsplit("\n", 1)[-1]) - shift + 1
    return Position(line=int(line), column=max(column, 1)) if not shown.startswith("...") else None
