"""Chooses how a table is merged."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.logical import MaterializeTable
from mvengine.refresh.changes import CapturedTable
from mvengine.refresh.merge.adopt import adopt
from mvengine.refresh.merge.bag import merge_bag
from mvengine.refresh.merge.contested import merge_contested
from mvengine.refresh.merge.exclusive import merge_exclusive
from mvengine.refresh.merge.staged import staged_keys
from mvengine.refresh.merge.table import has_rows
from mvengine.refresh.merge.values import FileOrder, Merged
from mvengine.testing.faults import fault_point


def merge(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder) -> Merged:
    """Brings the table to what its files hold. Errors: KeyViolation, IntegrityError."""
    merged = _merge(engine, plan, captured, order)
    fault_point("refresh.after_merge")
    return merged


def _merge(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder) -> Merged:
    is_first = order.is_first_load and not has_rows(engine, plan.storage)
    if not plan.primary_key:
        return adopt(engine, plan, captured) if is_first else merge_bag(engine, plan, captured, order)
    keys = staged_keys(engine, plan, is_whole=order.is_first_load or order.reads_all)
    if is_first and not keys.has_twice:
        return adopt(engine, plan, captured)
    if keys.are_exclusive and not plan.ignore_conflicts:
        merged = merge_exclusive(engine, plan, captured, order)
        if merged is not None:
            return merged
    return merge_contested(engine, plan, keys, captured, order)
