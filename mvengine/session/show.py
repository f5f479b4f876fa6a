"""SHOW JOBS, REFRESHES, TASKS, SCHEDULES: queries over mv_catalog, with the columns that a person reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.session.numbers import require_refresh
from mvengine.sql.statements import Show, ShowKind

if TYPE_CHECKING:
    from mvengine.session import Session

_QUERIES = {
    ShowKind.JOBS: """
        SELECT j.job_id, if(j.schema_name = 'main', j.name, j.schema_name || '.' || j.name) AS name, j.kind, j.status,
               p.phase, round(p.percentage, 1) AS percentage, j.is_background, j.created_at, j.updated_at
        FROM mv_catalog.jobs AS j LEFT JOIN mv_catalog.progress AS p ON p.kind = 'job' AND p.id = j.job_id
        ORDER BY j.job_id""",
    ShowKind.REFRESHES: """
        SELECT r.plan_id AS refresh_id, array_to_string(r.tables, ', ') AS tables, r.status, r.trigger,
               round(p.percentage, 1) AS percentage, r.started_at, r.finished_at, r.error
        FROM mv_catalog.plans AS r LEFT JOIN mv_catalog.progress AS p ON p.kind = 'refresh' AND p.id = r.plan_id
        ORDER BY r.plan_id""",
    ShowKind.TASKS: """
        SELECT t.plan_id AS refresh_id, t.name AS task, t.kind, t.status, t.attempts,
               t.stages_done || '/' || t.stages_total AS stages, t.rows,
               CASE WHEN t.status <> 'COMPLETED' THEN f.message END AS error
        FROM mv_catalog.tasks AS t
        LEFT JOIN (
            SELECT plan_id, task_id, arg_max(message, occurred_at) AS message FROM mv_catalog.failures GROUP BY ALL
        ) AS f USING (plan_id, task_id)
        WHERE t.plan_id IN (
            SELECT plan_id FROM mv_catalog.plans
            QUALIFY CASE WHEN $1 IS NOT NULL THEN plan_id = $1
                         WHEN count(*) FILTER (finished_at IS NULL) OVER () > 0 THEN finished_at IS NULL
                         ELSE plan_id = max(plan_id) OVER () END
        )
        ORDER BY t.plan_id, t.task_id""",
    ShowKind.SCHEDULES: """
        SELECT if(schema_name = 'main', table_name, schema_name || '.' || table_name) AS table_name, interval_sec,
               next_run, last_run, last_status, failures, is_running, reason
        FROM mv_catalog.schedules
        ORDER BY next_run, table_name""",
}


def run(session: Session, statement: Show) -> None:
    """Leaves the rows open. Without a number, SHOW TASKS is of the refreshes that are not over, or of the latest one.
    Errors: UnknownRelation, where there is no refresh of the number."""
    if statement.refresh_id is not None:
        require_refresh(session, statement.refresh_id)
    values = [statement.refresh_id] if statement.kind is ShowKind.TASKS else None
    session.engine.execute(_QUERIES[statement.kind], values)
