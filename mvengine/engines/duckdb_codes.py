"""Which of DuckDB's errors is which of ours: the table, by exception class and what its message says.

Codes are PostgreSQL's for the same mistake.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import duckdb

from mvengine.errors import (
    BindError,
    DatabaseError,
    DatabaseLocked,
    DataError,
    DependentObjects,
    DuplicateRelation,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    KeyViolation,
    NotSupportedError,
    OperationalError,
    ParseError,
    ProgrammingError,
    SerializationFailure,
    TooComplex,
    TransactionAborted,
    UnknownRelation,
    WrongObject,
)


class Rule(NamedTuple):
    """An exception of a kind whose message has the pattern (None: any) is an error of this class and code."""

    kind: type[Exception]
    pattern: str | None
    error: type[Error]
    code: str | None = None  # None: the class's own
    hint: str | None = None  # where DuckDB gives none


_WRITING = r"(Could not write|Failed to write|Could not create|Cannot open)[^\n]*: "  # also where COMMIT hands it on

_CASCADE = "drop what depends on it first, or use CASCADE"
_TABLES = "name a table; SHOW TABLES lists them"
_SCHEMAS = "SHOW SCHEMAS lists what there is"
_CATALOG, _BINDER = duckdb.CatalogException, duckdb.BinderException
_CONSTRAINT = duckdb.ConstraintException
_CONVERSION, _INPUT = duckdb.ConversionException, duckdb.InvalidInputException
_AGGREGATES = r"GROUP BY clause|aggregates?!|aggregate function calls|[Aa]ggregates? [^\n]*(allow|contain)"
_COUNTS = r"Set operations can only|More VIEW aliases|values were supplied|value mismatch|Subquery returns"
_TYPES = r"UNNEST\(\) can only|Cannot (mix|compare|cast|combine)|explicit cast|[Tt]ype mismatch"
_REGEX = r"missing [)\]]|no argument for repetition|bad repetition|invalid (perl|character|escape)"
_NO_COLUMN = (
    r"[Cc]olumn [^\n]*(not found|not exist|not have|can't find)"
    r"|not (have a|contain) column|Could not find key|Cannot extract field"
)

RULES: tuple[Rule, ...] = (  # the first that matches decides
    Rule(duckdb.Error, rf"{_WRITING}(No space left|Disk quota exceeded|File too large)", OperationalError, "53100"),
    Rule(duckdb.OutOfMemoryException, r"max_temp_directory_size", OperationalError, "53100"),
    Rule(duckdb.Error, r"Max expression depth|Maximum recursion depth", TooComplex, hint="divide it, as by views"),
    Rule(duckdb.IOException, r"Could not set lock on file|Conflicting lock", DatabaseLocked),
    Rule(duckdb.IOException, r"No files found|No such file", OperationalError, "58P01", "check the path"),
    Rule(duckdb.IOException, r"Permission denied", OperationalError, "42501"),
    Rule(duckdb.IOException, None, OperationalError, "58030"),
    Rule(duckdb.HTTPException, None, OperationalError, "58030"),
    Rule(duckdb.TransactionException, r"is aborted", TransactionAborted),
    Rule(duckdb.TransactionException, r"[Cc]onflict|another transaction has", SerializationFailure),
    Rule(duckdb.TransactionException, r"Failed to commit: Could not (write|sync)|fsync", OperationalError, "58030"),
    Rule(duckdb.TransactionException, None, OperationalError, "25000"),
    Rule(duckdb.ParserException, r"Duplicate CTE name", ParseError, "42712", "give each its own name"),
    Rule(duckdb.ParserException, None, ParseError),
    Rule(duckdb.SyntaxException, None, ParseError),
    # names that are taken
    Rule(_CATALOG, r"Schema [^\n]*already exists", ProgrammingError, "42P06", "use IF NOT EXISTS, or another name"),
    Rule(_CATALOG, r"Function [^\n]*already exists", ProgrammingError, "42723", "use CREATE OR REPLACE"),
    Rule(_CATALOG, r"Type [^\n]*already exists", ProgrammingError, "42710", "DROP TYPE it first, or use another name"),
    Rule(_CATALOG, r"Column [^\n]*already exists", ProgrammingError, "42701", "give each column its own name"),
    Rule(_CATALOG, r"already exists", DuplicateRelation, None, "use IF NOT EXISTS, OR REPLACE or another name"),
    # names that mean nothing
    Rule(_CATALOG, r"[Ff]unction [^\n]*not exist|Could not find|Scalar Function", BindError, "42883"),
    Rule(_CATALOG, r"Error: Schema [^\n]*not exist", UnknownRelation, "3F000", _SCHEMAS),
    Rule(_CATALOG, r"Error: (Catalog|Database) [^\n]*not exist", UnknownRelation, "3D000", "SHOW DATABASES lists them"),
    Rule(_CATALOG, r"(Type|Collation|Index|Setting|Trigger) [^\n]*not exist", ProgrammingError, "42704"),
    Rule(_CATALOG, r"unrecognized configuration parameter", ProgrammingError, "42704"),
    Rule(_CATALOG, r"not exist", UnknownRelation),
    Rule(_CATALOG, r"is not an? table", WrongObject, None, _TABLES),
    Rule(
        _CATALOG,
        r"[Dd]epend|is main key table",
        DependentObjects,
        None,
        _CASCADE,
    ),
    Rule(_CATALOG, None, ProgrammingError),
    Rule(_BINDER, r"(Can|can) only [^\n]*base table", WrongObject, None, _TABLES),
    Rule(duckdb.DependencyException, None, DependentObjects, None, _CASCADE),
    Rule(_BINDER, r"as conflict target", BindError, "42P10", "name the columns of its PRIMARY KEY or of a UNIQUE"),
    Rule(_BINDER, r"generated column", ProgrammingError, "428C9", "leave the column out: it is computed"),
    Rule(
        _BINDER, r"Failed to create foreign key", ProgrammingError, "42830", "refer to a PRIMARY KEY or UNIQUE column"
    ),
    Rule(_BINDER, r"DEFAULT value cannot contain", NotSupportedError, None, "write a constant, or nextval()"),
    Rule(_BINDER, r"Unknown index type", ProgrammingError, "42704", "leave USING out"),
    Rule(_BINDER, r"duplicate alias", BindError, "42712", "give one of them another alias"),
    Rule(_BINDER, r"[Aa]mbiguous", BindError, "42702", "write the table's name before the column"),
    Rule(_BINDER, r"No function matches|does not support the supplied arguments", BindError, "42883"),
    Rule(_BINDER, r"Referenced table [^\n]*not found", UnknownRelation),
    Rule(_BINDER, r"schema [^\n]*not exist", UnknownRelation, "3F000", _SCHEMAS),
    # what may not stand where it stands
    Rule(
        _BINDER,
        r"GROUP BY clause|aggregates?!|aggregate function calls|[Aa]ggregates? [^\n]*(allow|contain)",
        BindError,
        "42803",
    ),
    Rule(_BINDER, r"[Ww]indow functions?", BindError, "42P20", "write it with OVER, in SELECT, ORDER BY or QUALIFY"),
    Rule(_BINDER, r"term out of range", BindError, "42P10", "name the column, or count those of SELECT from 1"),
    Rule(_BINDER, r"cannot be negative", DataError, "2201W", "write a number from 0 on"),
    Rule(
        _BINDER,
        r"Set operations can only|More VIEW aliases|values were supplied|value mismatch|Subquery returns",
        ProgrammingError,
        "42601",
        "give both sides as many columns",
    ),
    Rule(_BINDER, r"Duplicate column", ProgrammingError, "42701", "name each column once"),
    Rule(
        _BINDER,
        r"UNNEST\(\) can only|Cannot (mix|compare|cast|combine)|explicit cast|[Tt]ype mismatch",
        ProgrammingError,
        "42804",
        "cast one of them",
    ),
    Rule(_BINDER, r"Missing ASOF JOIN", NotSupportedError, None, "add an inequality, such as a.time >= b.time"),
    Rule(_BINDER, r"[Nn]ot (yet )?(supported|implemented)", NotSupportedError),
    Rule(_BINDER, _NO_COLUMN, BindError),
    Rule(_BINDER, None, BindError, "42000"),
    # rows that may not be
    Rule(
        duckdb.ConstraintException,
        r"[Dd]uplicate key|PRIMARY KEY or UNIQUE",
        KeyViolation,
        None,
        "use ON CONFLICT to say what is to become of it",
    ),
    Rule(_CONSTRAINT, r"NOT NULL", IntegrityError, "23502", "give the column a value or a DEFAULT"),
    Rule(_CONSTRAINT, r"CHECK", IntegrityError, "23514", "correct the value"),
    Rule(_CONSTRAINT, r"still referenced", IntegrityError, "23503", "delete what refers to it first"),
    Rule(
        duckdb.ConstraintException, r"[Ff]oreign key", IntegrityError, "23503", "insert the row that it refers to first"
    ),
    Rule(_CONSTRAINT, None, IntegrityError),
    # values that cannot be
    Rule(_CONVERSION, r"(date|time|timestamp) field value out of range", DataError, "22008"),
    Rule(_CONVERSION, r"invalid (date|time|timestamp)[^\n]* format|to INTERVAL", DataError, "22007"),
    Rule(_CONVERSION, r"out of range|[Oo]verflow", DataError, "22003", "use a wider type"),
    Rule(_CONVERSION, r"Unimplemented type for cast", DataError, "42846"),
    Rule(_CONVERSION, None, DataError, "22P02", "correct the value, or use TRY_CAST, which gives NULL for it"),
    Rule(duckdb.Error, r"[Dd]ivision by zero", DataError, "22012", "use NULLIF(divisor, 0)"),
    Rule(duckdb.OutOfRangeException, None, DataError, "22003", "use a wider type"),
    Rule(duckdb.TypeMismatchException, None, DataError, "42804", "cast one of them"),
    Rule(_INPUT, r"More than one row returned by a subquery", DataError, "21000", "use LIMIT 1, max() or the like"),
    Rule(_INPUT, r"Malformed JSON", DataError, "22032"),
    Rule(_INPUT, r"Could not parse string", DataError, "22007", "correct the value, or use try_strptime"),
    Rule(
        _INPUT,
        r"missing \)|missing \]|no argument for repetition|bad repetition|invalid (perl|character|escape)",
        DataError,
        "2201B",
        "correct the regular expression",
    ),
    Rule(_INPUT, r"Values were not provided", ProgrammingError, "42P02", "give a value for each parameter"),
    Rule(_INPUT, None, DataError, "22023"),
    Rule(duckdb.NotImplementedException, None, NotSupportedError),
    Rule(duckdb.PermissionException, None, OperationalError, "42501"),
    Rule(duckdb.InterruptException, None, OperationalError, "57014"),
    Rule(duckdb.OutOfMemoryException, None, OperationalError, "53200"),
    Rule(duckdb.ConnectionException, None, InterfaceError),
    Rule(duckdb.InternalException, None, InternalError),
    Rule(duckdb.FatalException, None, InternalError),
    Rule(duckdb.ProgrammingError, None, ProgrammingError),
    Rule(duckdb.DataError, None, DataError),
    Rule(duckdb.OperationalError, None, OperationalError),
    Rule(RuntimeError, r"[Ii]nterrupt", OperationalError, "57014"),
)
_ANY = Rule(Exception, None, DatabaseError)


def rule_for(error: Exception, text: str) -> Rule:
    """The rule of an exception with this message."""
    matching = (rule for rule in RULES if isinstance(error, rule.kind))
    return next((rule for rule in matching if rule.pattern is None or re.search(rule.pattern, text)), _ANY)
