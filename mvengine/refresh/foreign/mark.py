"""What was found is recorded, and views that it concerns are suspended: they follow nothing from wrong rows."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.meta.store import Store
from mvengine.refresh.foreign.detect import ForeignChange
from mvengine.refresh.graph import Graph
from mvengine.refresh.suspension import SUSPENDED


def mark(store: Store, graph: Graph, changes: Iterable[ForeignChange]) -> None:
    """In the caller's transaction. A refreshable table reads all files at its next refresh. Concerned are a view itself
    and everything downstream: what a view would hand on is a difference to rows that the others do not know."""
    for change in changes:
        owner = change.object.owner
        views = [*([graph.views[owner]] if owner in graph.views else []), *graph.downstream([owner])]
        table = graph.tables.get(owner)
        if table is not None:
            store.set_dirty([table.relation_id], True)
        store.add_foreign_change(
            change.object,
            change.what,
            is_damage=change.is_damage,
            table_id=table.relation_id if table is not None else None,
            view_ids=[view.relation_id for view in views],
        )
        for view in views:
            store.set_view_state(view.relation_id, SUSPENDED, f"another program changed the file: {change}")
