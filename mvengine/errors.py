"""The errors of mvengine: one tree under PEP 249's names.

Every error carries a SQLSTATE ``code``, a message that says what is wrong and where, a ``hint`` that says what to do,
the ``position`` in the statement where there is one, and whether trying again can help (``retryable``).

    Error
    ├── InterfaceError              08003  the library is used in a way it cannot be (closed connection)
    └── DatabaseError               XX000
        ├── DataError               22000  a value is wrong
        │   └── LoadError           22P04  a file of a source cannot be loaded; names file and line
        ├── OperationalError        58000  the world is wrong: disk, files, locks
        │   ├── SourceError         58030  a source cannot be listed or read; names the file; its code says what kind:
        │   │                              58P01 missing, 42501 forbidden, 08006 object store, HYT00 time-out
        │   ├── DatabaseLocked      55006  another process holds the database file
        │   ├── LockTimeout         55P03  another writer holds the lock; names it (retryable)
        │   ├── SerializationFailure 40001 a snapshot is too old to write (retryable)
        │   └── TransactionAborted  25P02  the transaction failed earlier; ROLLBACK
        ├── IntegrityError          23000
        │   └── KeyViolation        23505  two rows with one key, or a NULL in a key
        ├── InternalError           XX000  a bug of mvengine
        │   ├── PlanVerificationError      a rule changed what it must keep
    │   └── VerificationFailed  XX001  a view differs from its query
        ├── ProgrammingError        42000
        │   ├── ParseError          42601  the text is not a statement; carries position and what was expected
        │   ├── TooComplex          54001  a statement is nested too deeply, or too long
        │   ├── BindError           42703  the query names something that is not there, or ambiguously
        │   ├── UnknownOption       42704  no such option; names the nearest known one
        │   ├── UnknownRelation     42P01  no such table or view
        │   ├── DuplicateRelation   42P07  the name is taken
        │   ├── DependentObjects    2BP01  others need it; use CASCADE
        │   ├── TransactionOpen     25001  BEGIN inside a transaction, which goes on
        │   ├── WrongObject         42809  the statement does not apply to this kind of object
        │   └── StateError          55000  the object's state does not allow this
        │       └── ConflictError   40001  somebody else changed the state first (retryable)
        └── NotSupportedError       0A000  mvengine does not do this; says what does
            └── FormatError         0A000  the database was written by a newer mvengine, or is not readable

Codes are PostgreSQL's (appendix A of its manual), and HYT00, ODBC's for a time-out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where in a statement's text: line and column count from 1."""

    line: int
    column: int

    def after(self, text: str) -> Position:
        """The same place in a longer text, which begins with ``text``."""
        column = self.column + (len(text) - text.rfind("\n") - 1 if self.line == 1 else 0)
        return Position(line=self.line + text.count("\n"), column=column)


RETRYABLE_CODES = frozenset({"53100", "53200", "58030"})
"""Codes that are retryable whatever the class: no room on the disk, no memory (PostgreSQL's class 53, insufficient
resources), and I/O errors. Disk and memory are shared with others, and come back when these have finished or somebody
has made room; a task goes on after its last durable stage, and tries a bounded number of times."""


class Warning(Exception):  # noqa: A001, N818 - PEP 249 fixes the name
    """PEP 249: an important warning."""


class ForeignChangeWarning(Warning, UserWarning):
    """Another program has changed what mvengine keeps in the file; ``mv_catalog.foreign_changes`` has the details."""


class Error(Exception):
    """Root of all errors of mvengine (PEP 249)."""

    default_code = "XX000"
    default_retryable = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        position: Position | None = None,
        code: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.position = position
        self.code = code or self.default_code
        is_retryable = self.default_retryable or self.code in RETRYABLE_CODES
        self.retryable = is_retryable if retryable is None else retryable

    def __str__(self) -> str:
        where = f" (line {self.position.line}, column {self.position.column})" if self.position else ""
        hint = f"\nHINT: {self.hint}" if self.hint else ""
        return f"{self.message}{where}{hint}"


class InterfaceError(Error):
    default_code = "08003"


class DatabaseError(Error):
    pass


class DataError(DatabaseError):
    default_code = "22000"


class LoadError(DataError):
    """A file of a source cannot be loaded.

    ``path`` is the file, ``line`` its line from 1 where there is one.
    """

    default_code = "22P04"

    def __init__(self, message: str, *, path: str, line: int | None = None, hint: str | None = None) -> None:
        where = f"{path}:{line}" if line is not None else path
        super().__init__(f"{where}: {message}", hint=hint)
        self.path = path
        self.line = line


class OperationalError(DatabaseError):
    default_code = "58000"


class SourceError(OperationalError):
    """A source cannot be listed, or a file of it cannot be opened or read to its end.

    ``path`` is the file, folder or URL. Trying again can help, but where the reason stays: no permission, a folder in
    the place of a file, a wrong option.
    """

    default_code = "58030"
    default_retryable = True

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code, retryable=retryable)
        self.path = path


class DatabaseLocked(OperationalError):  # noqa: N818
    default_code = "55006"


class LockTimeout(OperationalError):  # noqa: N818
    default_code = "55P03"
    default_retryable = True


class SerializationFailure(OperationalError):  # noqa: N818
    default_code = "40001"
    default_retryable = True


class TransactionAborted(OperationalError):  # noqa: N818
    default_code = "25P02"


class IntegrityError(DatabaseError):
    default_code = "23000"


class KeyViolation(IntegrityError):  # noqa: N818
    default_code = "23505"


class InternalError(DatabaseError):
    default_code = "XX000"


class PlanVerificationError(InternalError):
    """A rewrite changed a fact of the plan that it must keep; names the rule and the fact."""


class VerificationFailed(InternalError):  # noqa: N818
    """A materialized view, or the state of one of its stages, is not what its query says; names the view."""

    default_code = "XX001"


class ProgrammingError(DatabaseError):
    default_code = "42000"


class ParseError(ProgrammingError):
    default_code = "42601"


class TooComplex(ProgrammingError):  # noqa: N818
    default_code = "54001"


class BindError(ProgrammingError):
    default_code = "42703"


class UnknownOption(ProgrammingError):  # noqa: N818
    default_code = "42704"


class UnknownRelation(ProgrammingError):  # noqa: N818
    default_code = "42P01"


class DuplicateRelation(ProgrammingError):  # noqa: N818
    default_code = "42P07"


class DependentObjects(ProgrammingError):  # noqa: N818
    default_code = "2BP01"


class TransactionOpen(ProgrammingError):  # noqa: N818
    default_code = "25001"


class WrongObject(ProgrammingError):  # noqa: N818
    default_code = "42809"


class StateError(ProgrammingError):
    default_code = "55000"


class ConflictError(StateError):
    default_code = "40001"
    default_retryable = True


class NotSupportedError(DatabaseError):
    default_code = "0A000"


class FormatError(NotSupportedError):
    pass
