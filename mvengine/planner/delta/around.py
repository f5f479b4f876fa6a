"""The change of a plan from the rows around the changed keys, as they are and as they were, by one evaluation.

    Q|K = Q over R1 ⋉ K, …, Rn ⋉ K      K = π_k(ΔR1) ∪ … ∪ π_k(ΔRn)
    ΔQ  = Q|K(now)  ⊎  −Q|K(before)     where Q matches the rows of its changed inputs by equal k, and by nothing else

A table of both holds the rows of a relation whose k is in K, once as they are (weight 1) and once as they were (−1).
Q over these tables, its inputs matched by equal weight too, gives both evaluations: each row has the weight of what it
is made from, and what has not changed cancels. So there is one term however many inputs have changed, outer joins,
EXISTS and comparisons with groups are evaluated with the joins below them, and the tables serve every view that matches
the same relations by the same key. K may hold more than is needed: what lies around an unchanged key cancels too.

A row whose k is NULL matches nothing here: what it becomes follows from the row alone, so of these the changed ones are
enough. Keys that are compared null-safely enclose nothing.
Source: the affected keys of Quass, "Maintenance Expressions for Views with Aggregation" (1996), for a whole plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product

from mvengine.planner.delta import Leaf, inputs_of, leaf_delta
from mvengine.planner.delta.equality import equal_columns, plain_column
from mvengine.planner.delta.lineage import Lineage
from mvengine.planner.delta.near import Source
from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import (
    BagRead,
    Filter,
    GroupRead,
    Join,
    Match,
    MatchKind,
    Project,
    Scan,
    StageRead,
    UnionAll,
    Version,
)
from mvengine.planner.node import Node, rewrite
from mvengine.schema import quote

Ref = tuple[str, str]
"""A column: its alias and its name, in lower case."""

Path = tuple[int, ...]
"""A place in a plan: which child of the root, which child of that, …"""

CANDIDATES_MAX = 16
"""So many ways to enclose a plan are looked at."""


@dataclass(frozen=True, kw_only=True)
class Both:
    """The rows of a leaf whose ``column`` is among the keys, now and before."""

    leaf: Leaf
    column: str

    @property
    def name(self) -> str:
        """The name of the temporary table that holds them."""
        of = self.leaf.relation if isinstance(self.leaf, Scan) else self.leaf.stage
        return f"mv_both_{of}.{self.column}"


@dataclass(frozen=True, kw_only=True)
class Around:
    """One way to enclose the plan ``of``: ``plan`` is the same one over tables of both."""

    of: Node
    plan: Node
    reads: tuple[Both, ...]
    keys: frozenset[Source]  # whose values are K
    changes: frozenset[str]  # the names of all changes that reach it


@dataclass(frozen=True)
class _Enclosed:
    """A part of a plan: the columns that have the value of the key in it, and which column of each leaf is the key."""

    refs: frozenset[Ref]
    picks: Mapping[Path, str]


def expanded(node: Node) -> Node:
    """The plan with the matches of which nothing is stored in the place of their reads."""

    def match_itself(read: Node) -> Node | None:
        if isinstance(read, StageRead) and isinstance(read.rows, Match):
            return replace(read.rows, alias=read.alias)  # whose own inputs have been expanded before
        return None

    return rewrite(node, match_itself)


def around(node: Node, lineage: Lineage) -> tuple[Around, ...]:
    """The ways to enclose a plan of which the inputs named by ``lineage`` may change. None where one term of its change
    says the same: a single changed input with nothing but linear operators above it."""
    plan, changed = expanded(node), lineage.changed
    leaves = dict(_changed_leaves(plan, (), changed))
    if len(leaves) < 2 and not _is_matched(plan, changed):
        return ()
    names = frozenset(leaf_delta(leaf) for leaf in leaves.values())
    found = islice(_enclosed(plan, (), changed) or (), CANDIDATES_MAX)
    unique = {tuple(sorted(way.picks.items())): way.picks for way in found}
    ways = []
    for picks in unique.values():
        keys = [lineage.of(leaf, leaf.alias, picks[path]) for path, leaf in leaves.items()]
        known = [sources for sources in keys if sources is not None]
        if len(known) == len(keys):
            over, reads = _over_both(plan, picks)
            ways.append(Around(of=node, plan=over, reads=reads, keys=frozenset[Source]().union(*known), changes=names))
    return tuple(ways)


def _changed_leaves(node: Node, path: Path, changed: frozenset[str]) -> Iterator[tuple[Path, Leaf]]:
    if isinstance(node, Leaf):
        if leaf_delta(node) in changed:
            yield path, node
        return
    for place, child in enumerate(node.children):
        yield from _changed_leaves(child, (*path, place), changed)


def _is_matched(node: Node, changed: frozenset[str]) -> bool:
    """Whether a change passes a match."""
    has_own = isinstance(node, Match) and bool(inputs_of(node) & changed)
    return has_own or any(_is_matched(child, changed) for child in node.children)


def _over_both(plan: Node, picks: Mapping[Path, str]) -> tuple[Node, tuple[Both, ...]]:
    reads: list[Both] = []

    def replaced(node: Node, path: Path) -> Node:
        if path in picks:
            assert isinstance(node, Leaf)
            both = Both(leaf=node, column=picks[path])
            reads.append(both)
            return _read(both)
        children = tuple(replaced(child, (*path, place)) for place, child in enumerate(node.children))
        return node.with_children(children) if children and not isinstance(node, Leaf) else node

    return replaced(plan, ()), tuple(reads)


def _read(both: Both) -> Node:
    leaf, storage = both.leaf, quote(both.name)
    if isinstance(leaf, StageRead):
        assert isinstance(leaf.rows, BagRead)
        return replace(leaf, rows=replace(leaf.rows, storage=storage), version=Version.BOTH)
    return replace(leaf, storage=storage, version=Version.BOTH)


def _enclosed(node: Node, path: Path, changed: frozenset[str]) -> Iterator[_Enclosed] | None:
    """The ways to enclose a part of a plan; None where it does not change."""
    if not any(_changed_leaves(node, path, changed)):
        return None
    match node:
        case Scan() | GroupRead() | StageRead():
            refs = [(node.alias.lower(), name) for name in _key_columns(node)]
            return (_Enclosed(frozenset({(alias, name.lower())}), {path: name}) for alias, name in refs)
        case Filter():
            return _enclosed(node.input, (*path, 0), changed)
        case Project():
            outputs = {plain_column(output.expr): (node.alias.lower(), output.name.lower()) for output in node.outputs}
            return (_renamed(way, outputs) for way in _enclosed(node.input, (*path, 0), changed) or ())
        case Join():
            return _joined(node, path, changed)
        case Match():
            return _matched(node, path, changed)
        case UnionAll():
            return _united(node, path, changed)
        case _:
            return iter(())


def _renamed(way: _Enclosed, names: Mapping[Ref | None, Ref]) -> _Enclosed:
    return _Enclosed(frozenset(names[ref] for ref in way.refs if ref in names), way.picks)


def _key_columns(leaf: Leaf) -> tuple[str, ...]:
    """The columns by which a leaf's rows can be found: of groups, their keys."""
    match leaf:
        case GroupRead():
            return leaf.keys
        case StageRead() if not isinstance(leaf.rows, BagRead):
            return ()
        case _:
            return columns_of(leaf)


def _joined(node: Join, path: Path, changed: frozenset[str]) -> Iterator[_Enclosed]:
    """Changed inputs must have equal keys; others may be anything."""
    ways = [_enclosed(child, (*path, place), changed) for place, child in enumerate(node.inputs)]
    first, *others = [list(way) for way in ways if way is not None]
    found = [_Enclosed(_with_equals(node, way.refs), way.picks) for way in first]
    for more in others:
        found = [
            _Enclosed(one.refs | _with_equals(node, other.refs), {**one.picks, **other.picks})
            for one, other in product(found, more)
            if one.refs & other.refs
        ]
    return iter(found)


def _with_equals(node: Join, refs: Iterable[Ref]) -> frozenset[Ref]:
    return frozenset[Ref]().union(*(equal_columns(node.predicates, ref) for ref in refs))


def _matched(node: Match, path: Path, changed: frozenset[str]) -> Iterator[_Enclosed]:
    """A changed right side must be matched by the key; then the left one has it, and both have their rows of it."""
    left = _enclosed(node.left, (*path, 0), changed)
    right = _enclosed(node.right, (*path, 1), changed)
    names: dict[Ref | None, Ref] = {
        plain_column(output.expr): (node.alias.lower(), output.name.lower()) for output in node.outputs
    }
    if node.kind is MatchKind.FULL:
        names = {}  # a key may be NULL where its side has no match
    if right is None and node.kind is not MatchKind.FULL:
        yield from (_renamed(way, names) for way in left or ())
        return
    keys = [(plain_column(key.left), plain_column(key.right)) for key in node.keys if not key.is_null_safe]
    lefts = list(left) if left is not None else None
    rights = list(right) if right is not None else None
    for one, other in keys:
        if one is not None and other is not None:
            on_left = _covered(node.left, (*path, 0), one) if lefts is None else _with(lefts, one)
            on_right = _covered(node.right, (*path, 1), other) if rights is None else _with(rights, other)
            for way, partner in product(on_left, on_right):
                yield _renamed(_Enclosed(way.refs | {one}, {**way.picks, **partner.picks}), names)


def _with(ways: Iterable[_Enclosed], ref: Ref) -> list[_Enclosed]:
    return [way for way in ways if ref in way.refs]


def _united(node: UnionAll, path: Path, changed: frozenset[str]) -> Iterator[_Enclosed]:
    """All legs must have the key in the same place."""
    ways = [_enclosed(leg, (*path, place), changed) for place, leg in enumerate(node.inputs)]
    known = [None if way is None else list(way) for way in ways]
    for column, name in enumerate(node.columns):
        legs = []
        for place, (leg, way) in enumerate(zip(node.inputs, known, strict=True)):
            ref = scope_of(leg).lower(), columns_of(leg)[column].lower()
            legs.append(_covered(leg, (*path, place), ref) if way is None else _with(way, ref))
        for chosen in product(*legs):
            picks = {place: key for way in chosen for place, key in way.picks.items()}
            yield _Enclosed(frozenset({(node.alias.lower(), name.lower())}), picks)


def _covered(node: Node, path: Path, ref: Ref) -> list[_Enclosed]:
    """The rows of an unchanged part that have a key, found by the leaf that the key is a column of; at most one way."""
    match node:
        case Scan() | GroupRead() | StageRead():
            found = [name for name in _key_columns(node) if (node.alias.lower(), name.lower()) == ref]
            return [_Enclosed(frozenset({ref}), {path: name}) for name in found]
        case Filter():
            return _covered(node.input, (*path, 0), ref)
        case Project() | Match():
            if node.alias.lower() != ref[0] or (isinstance(node, Match) and node.kind is MatchKind.FULL):
                return []
            below = next((plain_column(o.expr) for o in node.outputs if o.name.lower() == ref[1]), None)
            return _covered(node.children[0], (*path, 0), below) if below else []
        case Join():
            ways = (_covered(child, (*path, place), ref) for place, child in enumerate(node.inputs))
            return next((way for way in ways if way), [])
        case UnionAll() if node.alias.lower() == ref[0]:
            place = [name.lower() for name in node.columns].index(ref[1])
            legs = [
                _covered(leg, (*path, i), (scope_of(leg).lower(), columns_of(leg)[place].lower()))
                for i, leg in enumerate(node.inputs)
            ]
            picks = {at: column for leg in legs for way in leg for at, column in way.picks.items()}
            return [_Enclosed(frozenset({ref}), picks)] if all(legs) else []
        case _:
            return []
