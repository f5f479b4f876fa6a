"""The format of a database file: numbered SQL files, applied in order, each recorded in ``mv_meta.migrations``.

A migration is never edited once a release has written it. There is no way back: a file of a newer format is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from mvengine.errors import FormatError
from mvengine.meta.store.base import Cursor, utc

_SCHEMAS = """
SELECT schema_name FROM duckdb_schemas()
WHERE database_name = current_database() AND schema_name IN ('mv_meta', 'mv_catalog')
"""
# Not duckdb_columns(), which binds every view of the database.
_OURS = r"""
SELECT count(*) FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = 'mv_meta' AND table_name = 'migrations'
  AND regexp_matches(sql, '\bversion\b.*\bapplied_at\b.*\bapplied_by\b')
"""
_CREATE = """
CREATE SCHEMA mv_meta;
CREATE TABLE mv_meta.migrations (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL, applied_by VARCHAR NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step of the format: what takes a file from ``version - 1`` to ``version``."""

    version: int
    sql: str


@cache
def migrations() -> tuple[Migration, ...]:
    """All steps that this version of mvengine knows, in order; their versions count from 1 without gaps."""
    folder = files("mvengine.meta").joinpath("migrations")
    texts = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(Migration(version=int(name[:4]), sql=entry.read_text("utf-8")) for name, entry in texts)


def open_format(
    cursor: Cursor,
    applied_by: str,
    clock: Callable[[], datetime],
    known: tuple[Migration, ...] | None = None,
) -> int:
    """Bring the file to the newest format, in the caller's transaction; the version that it had before (0: none).

    ``applied_by`` is the version of mvengine, recorded with each step; ``known`` stands in for ``migrations()``.
    Raises ``FormatError`` for a file that a newer version has written, and for one whose schema ``mv_meta`` or
    ``mv_catalog`` is somebody else's.
    """
    steps = migrations() if known is None else known
    found = _found_version(cursor, applied_by, newest=steps[-1].version)
    if found == 0:
        cursor.execute(_CREATE)
    for step in steps[found:]:
        cursor.execute(step.sql)
        cursor.execute("INSERT INTO mv_meta.migrations VALUES (?, ?, ?)", [step.version, utc(clock()), applied_by])
    return found


def _found_version(cursor: Cursor, applied_by: str, *, newest: int) -> int:
    """The format of the file, 0 for one without; ``FormatError`` as ``open_format`` says."""
    schemas = {name for (name,) in cursor.execute(_SCHEMAS).fetchall()}
    if not schemas:
        return 0
    if not cursor.execute(_OURS).fetchall()[0][0]:
        raise FormatError(
            f"the database has a schema {' and a schema '.join(sorted(schemas))} that mvengine did not make",
            hint="mvengine keeps its own tables there; rename the schema, or open another database",
        )
    latest = cursor.execute(
        "SELECT version, applied_by FROM mv_meta.migrations ORDER BY version DESC LIMIT 1"
    ).fetchall()
    if not latest:
        raise FormatError(
            "the schema mv_meta of the database has no recorded format",
            hint="the file was damaged or edited; restore it from a copy",
        )
    version, written_by = latest[0]
    if version > newest:
        raise FormatError(
            f"the database has format {version}, written by mvengine {written_by};"
            f" this is mvengine {applied_by}, which reads formats up to {newest}",
            hint=f"install mvengine {written_by} or newer",
        )
    return int(version)
