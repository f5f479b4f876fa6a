"""Views over a relation that gets other columns: which of them can go on, and under which text.

A view that uses a column which goes cannot go on. The others go on with the columns, names and rows that they had:
where their text could mean something else now (``SELECT *``, NATURAL JOIN, a name that is new there), it is put over
the columns that it knew, under the names by which it knew them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mvengine.errors import DependentObjects, InternalError, StateError
from mvengine.planner.logical import FullStage
from mvengine.refresh.dependents import Dependents
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.redefine.replan import ColumnNames, columns_of_query, frozen_query, replan
from mvengine.refresh.redefine.swap import Later, restate
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name


def readers_of(transaction: Transaction, relation: Name, what: str) -> tuple[ViewDefinition, ...]:
    """The views that read a relation directly, in the order of the graph. Errors: StateError where one is being built:
    it reads the relation as it was when it began."""
    builds = transaction.graph.builds_over({relation})
    if builds:
        job = builds[0].job_id
        raise StateError(
            f"{what}: job {job} is building {builds[0].name} over it", hint=f"WAIT JOB {job}, or CANCEL JOB {job}"
        )
    return tuple(view for view in transaction.graph.views.values() if relation in view.inputs)


def users_of(transaction: Transaction, relation: Name, columns: Iterable[str], what: str) -> tuple[ViewDefinition, ...]:
    """Those of the readers whose queries use one of these columns, or may do so."""
    wanted = {column.lower() for column in columns}
    found = []
    for view in readers_of(transaction, relation, what):
        used = columns_of_query(transaction, view, relation)
        if used is None or used & wanted:
            found.append(view)
    return tuple(found)


def adapted_queries(
    transaction: Transaction,
    views: Sequence[ViewDefinition],
    relation: Name,
    columns: ColumnNames,
    names: Iterable[str],
) -> Mapping[Name, str]:
    """New texts for the views that need one, to be asked before the relation changes. ``columns``: what the relation
    has afterwards of what they knew; ``names``: those that come, go or mean something else. A view that reads the
    relation through plain views keeps its text, and is planned anew over theirs (see ``frozen_views``).

    Errors: DependentObjects for a view whose references to the relation cannot be told.
    """
    from mvengine.planner.reading import depends_on_columns

    changed, found = tuple(names), {}
    direct = Dependents(transaction.engine, transaction.graph, transaction.database.name).readers(relation)
    for view in views:
        if view.name not in direct:
            found[view.name] = view.plan.definition
            continue
        is_opaque = any(isinstance(stage, FullStage) for stage in view.maintenance.stages)
        if not is_opaque and not depends_on_columns(view.plan.definition, changed):
            continue
        used = columns_of_query(transaction, view, relation)
        kept = tuple(pair for pair in columns if used is None or pair[1].lower() in used) or columns[:1]
        query = frozen_query(transaction, view, relation, kept)
        if query is None or query == view.plan.definition:
            raise DependentObjects(
                f"the materialized view {view.name} reads {relation} in a way that cannot be followed",
                hint=f"DROP MATERIALIZED VIEW {view.name} first, and create it again afterwards",
            )
        found[view.name] = query
    return found


def adapt(transaction: Transaction, queries: Mapping[Name, str], event: str, cause: str) -> Later:
    """Gives views their new texts, once what they read has changed; their columns stay. Returns those whose state
    cannot stay: they are for ``replace_later``."""
    later = {}
    for name, query in queries.items():
        view = transaction.graph.views[name]
        plan = replan(transaction, view, query)
        if plan.columns != view.plan.columns:
            raise InternalError(
                f"{name} would have the columns {plan.columns} instead of {view.plan.columns}",
                hint=f"DROP MATERIALIZED VIEW {name} first, create it again afterwards, and report this",
            )
        if not restate(transaction, view, plan, event, cause):
            later[name] = plan
    return later
