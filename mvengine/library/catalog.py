"""Tables, views and verdicts as values, read from ``mv_catalog``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mvengine.engines.base import Rows
from mvengine.engines.duckdb import DuckDbEngine
from mvengine.library.listing import Listing
from mvengine.schema import Name


@dataclass(frozen=True, kw_only=True)
class TableInfo:
    """A table. ``name`` is that under which SQL finds it; ``schema`` and ``table`` are its parts.

    ``rows`` is DuckDB's estimate, which deletions may leave too high until a checkpoint. The other fields are those of
    a refreshable table, None for plain ones: where its rows come from, the state of its refresh (``idle``,
    ``refreshing``, ``finishing``), when the last refresh succeeded, and what the last one failed by.
    """

    name: str
    schema: str
    table: str
    is_refreshable: bool
    rows: int
    source: str | None
    state: str | None
    refreshed_at: datetime | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class ViewInfo:
    """A view. The fields from ``strategy`` on are those of a materialized one, None for plain ones.

    ``state`` is ``fresh``, ``stale`` (a deferred view with changes that wait), ``suspended`` or ``wrong``, and then
    ``failure`` says why; ``building`` while a job makes it. ``epoch`` is the last one that changed it.
    """

    name: str
    schema: str
    view: str
    is_materialized: bool
    definition: str
    strategy: str | None
    reason: str | None
    state: str | None
    failure: str | None
    epoch: int | None
    created_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What came of comparing a view with its query. ``verdict`` is ``equal``, ``wrong``, ``undetermined`` (it
    differs, but the query does not say which rows are right) or ``not compared``, and then ``reason`` says why.

    ``missing`` and ``unexpected`` count rows that the query has and the view has not, and the other way round.
    """

    view: str
    rows: int | None
    missing: int | None
    unexpected: int | None
    milliseconds: float
    verdict: str
    reason: str | None


_TABLES = r"""
SELECT t.schema_name, t.name, t.refreshable, coalesce(d.estimated_size, 0)::BIGINT, t.source, lower(r.state),
       r.last_success_time, r.last_error
FROM mv_catalog.tables AS t
LEFT JOIN mv_catalog.refresh_jobs AS r ON r.schema_name = t.schema_name AND r.table_name = t.name
LEFT JOIN duckdb_tables() AS d
  ON d.database_name = $1
 AND lower(d.schema_name) = lower(if(t.refreshable, 'mv_state', t.schema_name))
 AND lower(d.table_name) = lower(coalesce(
         replace(regexp_replace(t.storage_table, '^mv_state\."?(.*?)"?$', '\1'), '""', '"'), t.name))
WHERE t.kind = 'table'
ORDER BY t.schema_name, t.name
"""
_VIEWS = """
SELECT m.schema_name, m.name, true, m.definition, m.strategy, m.reason,
       if(j.job_id IS NULL, m.state, 'building'), m.failure, m.epoch, m.created_at
FROM mv_catalog.materialized_views AS m
LEFT JOIN mv_catalog.jobs AS j ON j.schema_name = m.schema_name AND j.name = m.name AND j.status <> 'CREATED'
UNION ALL
SELECT p.schema_name, p.view_name, false, p.sql, NULL, NULL, NULL, NULL, NULL, NULL
FROM duckdb_views() AS p
WHERE p.database_name = $1 AND NOT p.internal AND NOT p.temporary AND NOT starts_with(p.schema_name, 'mv_')
  AND NOT EXISTS (FROM mv_meta.relations AS r
                  WHERE lower(r.schema_name) = lower(p.schema_name) AND lower(r.name) = lower(p.view_name))
ORDER BY ALL
"""


def tables(engine: DuckDbEngine, database_name: str) -> Listing[TableInfo]:
    """All tables of the database, in order of their names; not temporary ones."""
    return Listing(
        TableInfo(
            name=str(Name(schema=schema, name=name)),
            schema=schema,
            table=name,
            is_refreshable=is_refreshable,
            rows=rows,
            source=source,
            state=state,
            refreshed_at=_utc(refreshed_at),
            error=error,
        )
        for schema, name, is_refreshable, rows, source, state, refreshed_at, error in engine.query(
            _TABLES, [database_name]
        )
    )


def views(engine: DuckDbEngine, database_name: str) -> Listing[ViewInfo]:
    """All views of the database, in order of their names; not temporary ones."""
    return Listing(
        ViewInfo(
            name=str(Name(schema=schema, name=name)),
            schema=schema,
            view=name,
            is_materialized=is_materialized,
            definition=definition,
            strategy=strategy,
            reason=reason,
            state=state,
            failure=failure,
            epoch=epoch,
            created_at=_utc(created_at),
        )
        for schema, name, is_materialized, definition, strategy, reason, state, failure, epoch, created_at in (
            engine.query(_VIEWS, [database_name])
        )
    )


def verifications(rows: Rows) -> Listing[Verification]:
    """The answer of VERIFY."""
    names = ("view", "rows", "missing", "unexpected", "milliseconds", "verdict", "reason")
    return Listing(Verification(**dict(zip(names, row, strict=True))) for row in rows)


def _utc(time: Any) -> datetime | None:
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None
