"""Writes down what is to be built: the relation, its fragment and its job, which is CREATING from then on."""

from __future__ import annotations

from dataclasses import replace

from mvengine.meta.records import Job, Relation, StoredFragment
from mvengine.meta.states import JobEvent
from mvengine.meta.store import Store
from mvengine.planner import fragment as fragments
from mvengine.planner.logical import Materialize, MaterializeTable, Root
from mvengine.refresh.graph import inputs_of_view


def announce(store: Store, record: Relation, plan: Root, *, epoch: int, is_background: bool) -> Job:
    """In the transaction of ``store``. ``record``: its id is given here; ``epoch``: the database's."""
    relation_id = store.next_relation_id()
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=plan))
    stored = StoredFragment(format=fragments.FORMAT, digest=fragments.digest(text), text=text)
    inputs = tuple(inputs_of_view(plan)) if isinstance(plan, Materialize) else ()
    store.add_relation(replace(record, relation_id=relation_id), fragment=stored, dependencies=inputs, epoch=epoch)
    if isinstance(plan, MaterializeTable):
        store.add_refresh(relation_id, record.name, plan.interval_seconds)
    job = store.create_job(relation_id, record.name, record.kind, is_background=is_background)
    return store.move_job(job.job_id, JobEvent.START, "CREATE", held=job)
