"""The optimizer: one rule a file, in the order of ``PIPELINE``.

Filters are merged first, so that those above a join are one; joins are flattened before the filters above the outermost
of them go in. Equal operators are found before filters go down to them and tell them apart, and filters go down before
outer joins are simplified by them. What a later rule opens up for an earlier one is seen in the next turn.
"""

from __future__ import annotations

from collections.abc import Callable

from mvengine.errors import InternalError
from mvengine.planner.node import Node, rewrite
from mvengine.planner.rules.distinct_argument_to_finer_group import distinct_argument_to_finer_group
from mvengine.planner.rules.distinct_to_aggregate import distinct_to_aggregate
from mvengine.planner.rules.drop_identity_projection import drop_identity_projection
from mvengine.planner.rules.filter_into_join import filter_into_join
from mvengine.planner.rules.flatten_joins import flatten_joins
from mvengine.planner.rules.merge_filters import merge_filters
from mvengine.planner.rules.merge_projections import merge_projections
from mvengine.planner.rules.prune_columns import prune_columns
from mvengine.planner.rules.push_filter_down import push_filter_down
from mvengine.planner.rules.share_equal import share_equal
from mvengine.planner.rules.simplify_outer_match import simplify_outer_match
from mvengine.planner.verify import verify

Rule = Callable[[Node], Node | None]
"""One rewrite of a node over its inputs; None where it does not apply."""

OnStep = Callable[[str, Node, Node], None]
"""Is told the rule, the plan before it and the plan after it, whenever a rule has changed something."""

PIPELINE: tuple[Rule, ...] = (
    merge_filters,
    flatten_joins,
    filter_into_join,
    distinct_argument_to_finer_group,
    distinct_to_aggregate,
    share_equal,
    push_filter_down,
    simplify_outer_match,
    merge_projections,
    prune_columns,
    drop_identity_projection,
)

PASSES_MAX = 100


def optimize(root: Node, on_step: OnStep | None = None, pipeline: tuple[Rule, ...] = PIPELINE) -> Node:
    """The plan after every rule has come to rest, each in its turn, and all of them together.

    Errors: ``PlanVerificationError`` where a rule changed what it must keep, ``InternalError`` where one does not come
    to rest within ``PASSES_MAX`` passes over the plan, or all of them do not; both are bugs and name the rule.
    """
    for _ in range(PASSES_MAX):
        before, last = root, ""
        for rule in pipeline:
            after = _fixpoint(rule, root)
            if after is not root:
                last = rule.__name__
                if on_step is not None:
                    on_step(last, root, after)
            root = after
        if root is before:
            return root
    raise InternalError(f"the rules have not come to rest after {PASSES_MAX} turns; the last to change was {last}")


def _fixpoint(rule: Rule, root: Node) -> Node:
    for _ in range(PASSES_MAX):
        after = rewrite(root, rule)
        if after is root:
            return root
        verify(rule.__name__, root, after)
        root = after
    raise InternalError(f"rule {rule.__name__} has not come to rest after {PASSES_MAX} passes over the plan")
