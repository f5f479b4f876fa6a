"""ALTER MATERIALIZED VIEW … SET (…) | RESET (…): how a view is maintained, without making it anew.

ALTER MATERIALIZED VIEW v SET (maintain = 'deferred', on_error = 'suspend')
ALTER MATERIALIZED VIEW v RESET (target_lag)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mvengine.errors import NotSupportedError
from mvengine.meta.records import StoredFragment
from mvengine.planner import fragment as fragments
from mvengine.planner.logical import Strategy
from mvengine.planner.view_options import bind_view_setting, is_deferred
from mvengine.refresh.deferral import defer, undefer
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.transaction import Transaction
from mvengine.sql.statements import Policy


def change_view(transaction: Transaction, view: ViewDefinition, options: Sequence[tuple[str, str | None]]) -> None:
    """Sets options, or resets those whose value is None. Checks all before it writes one. A view that is to follow at
    commit from now on is brought up to date first; one that is deferred from now on becomes a consumer.

    Errors: UnknownOption; ProgrammingError 22023 for values, 25001 as of ``defer``; NotSupportedError for a policy that
    needs another plan; DataError, ViewSuspended where bringing it up to date fails.
    """
    store = transaction.database.store(transaction.engine)
    checked = {name: bind_view_setting(name, value) for name, value in options}
    policy = Policy(checked.pop("policy") or Policy.AUTO) if "policy" in checked else Policy(view.plan.policy)
    _require_same_plan(view, policy)
    held = store.settings([view.relation_id])[view.relation_id]
    wanted = {name: value for name, value in {**held, **checked}.items() if value is not None}
    becomes_deferred = is_deferred(wanted)
    for name, value in checked.items():
        if value is None:
            store.reset_setting(view.relation_id, name)
        else:
            store.set_setting(view.relation_id, name, value)
    if policy != view.plan.policy:
        _set_policy(transaction, view, policy)
    if becomes_deferred and not view.is_deferred:
        defer(transaction, view)
    elif view.is_deferred and not becomes_deferred:
        undefer(transaction, view)
    else:
        transaction.ddl()


def _require_same_plan(view: ViewDefinition, policy: Policy) -> None:
    """Among auto, incremental and strict the plan is the same; a full one has no state to follow from."""
    held = Policy(view.plan.policy)
    if policy is held:
        return
    if Policy.FULL in (policy, held):
        raise NotSupportedError(
            f"materialized view {view.name} has policy '{held}' and would need another plan for '{policy}'",
            hint=f"CREATE OR REPLACE MATERIALIZED VIEW {view.name} WITH (policy = '{policy}') AS …",
        )
    if policy is Policy.STRICT and view.plan.strategy is Strategy.FULL:
        raise NotSupportedError(
            f"materialized view {view.name} cannot be maintained incrementally under policy 'strict': "
            f"{view.plan.reason}",
            hint="use policy 'auto', or change the query",
        )


def _set_policy(transaction: Transaction, view: ViewDefinition, policy: Policy) -> None:
    root = replace(view.plan, policy=policy)
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=root))
    stored = StoredFragment(format=fragments.FORMAT, digest=fragments.digest(text), text=text)
    transaction.database.store(transaction.engine).replace_fragment(view.relation_id, stored, policy)
