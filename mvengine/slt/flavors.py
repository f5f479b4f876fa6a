"""The dialects of sqllogictest: where the files of one project mean something else than those of another.

All directives are read in every file; a flavor decides what is ambiguous. It is found by a look at the file:
``sqllogictest-rs`` unless the file has the marks of another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mvengine.errors import UnknownOption


@dataclass(frozen=True, kw_only=True, slots=True)
class Flavor:
    """How the files of a project are read, run and compared.

    ``styles`` are the ways to print values (``mvengine.slt.styles``): an answer is right if one of them gives what is
    expected. ``tolerance`` is the relative difference that DOUBLE and FLOAT values may have.
    """

    name: str
    error_ends_at_empty_line: bool  # a text under ``----``; else at two of them
    is_error_text_part: bool  # of the message; else it is the whole
    has_comments_in_sql: bool  # a line with ``#`` ends the SQL
    has_connection_word: bool  # ``query I con1``; else that is a label
    counts_columns: bool  # a wrong number of type letters is a failure
    replaces_always: bool  # ``${i}``, ``__TEST_DIR__`` and ``{TEST_DIR}``, without ``control substitution``
    styles: tuple[str, ...]
    tolerance: float
    labels: tuple[str, ...]  # besides the engine's
    setup: tuple[str, ...]  # statements before the first record, for an engine that is DuckDB
    ignored_errors: tuple[str, ...]  # parts of messages with which the rest of a file is skipped


RS = Flavor(
    name="rs",
    error_ends_at_empty_line=False,
    is_error_text_part=False,
    has_comments_in_sql=False,
    has_connection_word=False,
    counts_columns=False,
    replaces_always=False,
    styles=("duckdb", "postgres"),
    tolerance=1e-9,
    labels=(),
    setup=(),
    ignored_errors=(),
)
# SQLite's ``/`` divides integers, and its NULLs come first. What its files leave out for PostgreSQL is left out for
# DuckDB, too, as DuckDB's own runner does.
SQLITE = Flavor(
    name="sqlite",
    error_ends_at_empty_line=True,
    is_error_text_part=True,
    has_comments_in_sql=False,
    has_connection_word=False,
    counts_columns=True,
    replaces_always=False,
    styles=("sqlite", "sqlite_integers", "duckdb"),
    tolerance=1e-9,
    labels=("postgresql",),
    setup=("SET integer_division = true", "SET default_null_order = 'nulls_first_on_asc_last_on_desc'"),
    ignored_errors=(),
)
DUCKDB = Flavor(
    name="duckdb",
    error_ends_at_empty_line=True,
    is_error_text_part=True,
    has_comments_in_sql=True,
    has_connection_word=True,
    counts_columns=True,
    replaces_always=True,
    styles=("duckdb_suite",),
    tolerance=0.01,  # DuckDB's own, in Value::ValuesAreEqual
    labels=(),
    setup=(),
    ignored_errors=("HTTP", "Unable to connect"),
)
COCKROACH = Flavor(
    name="cockroach",
    error_ends_at_empty_line=True,
    is_error_text_part=False,
    has_comments_in_sql=False,
    has_connection_word=False,
    counts_columns=False,
    replaces_always=False,
    styles=("duckdb", "postgres", "cockroach"),
    tolerance=1e-9,
    labels=("postgresql",),
    setup=(),
    ignored_errors=(),
)
FLAVORS = {flavor.name: flavor for flavor in (RS, SQLITE, DUCKDB, COCKROACH)}

_SQLITE_FOLDERS = ("test/sqlite/select", "third_party/sqllogictest")
_DUCKDB_MARK = re.compile(
    r"^(?:# (?:name|group): |require(?:-env)? \w|test-env \w|(?:concurrent)?(?:loop|foreach) \w|endloop$"
    r"|mode (?:un)?skip$|load \S+$|restart$|reconnect$|statement maybe|unzip \S+ \S+$|tags \w|<!?REGEX>:"
    r"|set (?:seed|ignore_error_messages|always_fail_error_messages)\b)",
    re.M,
)
_COCKROACH_MARK = re.compile(
    r"^(?:# LogicTest:|mode (?:cockroach|standard)$|reset-server$|simple(?: conn=\S*)?$|user \w+$|let \$\w"
    r"|(?:statement|query) error pgcode |query \w+ (?:\S+,)?colnames|repeat \d+$|kv-batch-size )",
    re.M,
)
_SQLITE_MARK = re.compile(r"^(?:onlyif|skipif) (?:mysql|mssql|oracle|sqlite)\b", re.M)
_HASH_MARK = re.compile(r"^\d+ values hashing to [0-9a-f]{32}$", re.M)
_FOREIGN_TO_SQLITE = re.compile(r"^(?:query (?![ITR]+ (?:nosort|rowsort|valuesort)\b)|statement count |control )", re.M)


def flavor_of(text: str, file: str) -> Flavor:
    """The flavor of a script, by marks in its text and by its name."""
    path = Path(file).absolute().as_posix()
    if any(folder in path for folder in _SQLITE_FOLDERS):
        return SQLITE
    if _DUCKDB_MARK.search(text):
        return DUCKDB
    if _COCKROACH_MARK.search(text):
        return COCKROACH
    if path.endswith(".test") or _SQLITE_MARK.search(text):
        return SQLITE
    if _HASH_MARK.search(text) and not _FOREIGN_TO_SQLITE.search(text):
        return SQLITE
    return RS


def flavor_named(name: str) -> Flavor:
    """A flavor by its name. Errors: ``UnknownOption``."""
    if name not in FLAVORS:
        raise UnknownOption(f"there is no flavor {name!r}", hint=f"flavors are {', '.join(FLAVORS)}")
    return FLAVORS[name]
