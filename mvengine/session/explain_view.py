"""EXPLAIN MATERIALIZED VIEW v, and EXPLAIN CREATE MATERIALIZED VIEW …: how a view is maintained, as a tree.

(EXPLAIN (DELTA | FRAGMENT | …) CREATE … gives the exact plans.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mvengine.planner.explain_tree import explain_tree
from mvengine.planner.logical import Materialize
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.stages import StoredStage
from mvengine.schema import literal
from mvengine.session import answer

if TYPE_CHECKING:
    from mvengine.session import Session

REFRESHES_SHOWN = 5
BLOCK_BYTES = 262_144  # of DuckDB's files: what a table takes is counted in these

_CATALOG = """
SELECT maintain, target_lag, on_error, state, followed_epoch, failure
FROM mv_catalog.materialized_views WHERE schema_name = $1 AND name = $2
"""
_LAST = f"""
SELECT epoch, mode, delta_rows, output_rows, ms, predicted_ms, reason
FROM mv_catalog.maintenance_history WHERE schema_name = $1 AND name = $2 ORDER BY epoch DESC LIMIT {REFRESHES_SHOWN}
"""


def view(session: Session, definition: ViewDefinition) -> None:
    """Of a view that is there: also its state, its sizes and its last refreshes."""
    plan = definition.plan
    maintain, lag, on_error, state, epoch, failure = session.engine.query(
        _CATALOG, [plan.relation.schema, plan.relation.name]
    )[0]
    head = [
        *_head(plan),
        f"maintained: {maintain}" + (f", target lag {lag}" if lag else "") + f", on error {on_error}",
        f"state: {state}, has followed up to epoch {epoch}" + (f" ({failure})" if failure else ""),
    ]
    notes = {
        stage.name: _size(session, stage) for stage in definition.maintenance.stages if isinstance(stage, StoredStage)
    }
    answer.text(session, "explain", [*head, "", *explain_tree(plan, notes), *_last(session, plan)])


def planned(session: Session, plan: Materialize) -> None:
    """Of one that is not: nothing is created."""
    nothing: Mapping[str, str] = {}
    answer.text(session, "explain", [*_head(plan), "", *explain_tree(plan, nothing)])


def _head(plan: Materialize) -> list[str]:
    columns = ", ".join(f"{column.name} {column.type}" for column in plan.columns)
    return [
        f"materialized view {plan.relation} ({columns})",
        f"strategy: {plan.strategy}, {plan.reason}",
        f"policy: {plan.policy}",
    ]


def _size(session: Session, stage: StoredStage) -> str:
    """Rows, and the blocks of the file that they take as of the last checkpoint."""
    rows = int(session.engine.query(f"SELECT count(*) FROM {stage.storage}")[0][0])
    blocks = session.engine.query(
        f"SELECT count(DISTINCT block_id) FROM pragma_storage_info({literal(stage.storage)}) WHERE block_id >= 0"
    )
    size = int(blocks[0][0]) * BLOCK_BYTES
    return f"{rows:,} row{'' if rows == 1 else 's'}" + (f", {size / 1_048_576:.1f} MB in the file" if size else "")


def _last(session: Session, plan: Materialize) -> Iterator[str]:
    rows = session.engine.query(_LAST, [plan.relation.schema, plan.relation.name])
    if rows:
        yield ""
        yield "last changes:"
    for epoch, mode, delta_rows, output_rows, ms, predicted, reason in rows:
        expected = f" of {predicted:.1f} predicted" if predicted is not None else ""
        changed = f"{delta_rows:,} rows read, {output_rows:,} changed"
        yield f"  epoch {epoch}: {mode}, {changed}, {ms:.1f} ms{expected}; {reason}"
