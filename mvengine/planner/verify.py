"""What no rule may change, checked after every rule: guard 6 against losing a field."""

from __future__ import annotations

from mvengine.errors import PlanVerificationError
from mvengine.planner.emit.select import columns_of
from mvengine.planner.logical import (
    Aggregate,
    BagRead,
    Constant,
    Distinct,
    Filter,
    GroupRead,
    Join,
    Limit,
    Match,
    Materialize,
    MaterializeTable,
    Opaque,
    Project,
    Recursion,
    RecursionRead,
    Scan,
    StageRead,
    UnionAll,
    Window,
)
from mvengine.planner.node import Node, child_fields, hints, walk
from mvengine.schema import Name


def verify(rule: str, before: Node, after: Node) -> None:
    """Raises ``PlanVerificationError``, naming rule and fact, unless ``after`` keeps what ``before`` says.

    Kept are the class of the root; on a Materialize or MaterializeTable every field but its input; the names and order
    of the columns that reach it; the set of relations that are read.
    """
    _same(rule, "the class of the root", type(before).__name__, type(after).__name__)
    if isinstance(before, Materialize | MaterializeTable):
        cls = type(before)
        for name in hints(cls):
            if name not in child_fields(cls):
                _same(rule, f"{name} of {cls.__name__}", getattr(before, name), getattr(after, name))
    _same(rule, "the output columns", output_names(before), output_names(after))
    _same(rule, "the set of scanned relations", _relations(before), _relations(after))


def _same(rule: str, fact: str, before: object, after: object) -> None:
    if before != after:
        shown = [sorted(map(str, fact)) if isinstance(fact, frozenset) else fact for fact in (before, after)]
        raise PlanVerificationError(f"rule {rule} changed {fact}: {shown[0]} became {shown[1]}")


def _relations(plan: Node) -> frozenset[Name]:
    found: set[Name] = set()
    for node in walk(plan):
        match node:
            case Scan():
                found.add(node.relation)
            case Opaque():
                found.update(node.relations)
    return frozenset(found)


def output_names(node: Node) -> tuple[str, ...] | None:
    """The names of a logical plan's columns; None where only the engine knows them (Opaque, Load)."""
    match node:
        case Window():
            return (*(output_names(node.input) or ()), *(call.name for call in node.calls))
        case Aggregate():
            return (*(key.name for key in node.keys), *(call.name for call in node.aggregates))
        case Distinct():
            return node.columns
        case Join():
            return tuple(name for child in node.inputs for name in output_names(child) or ())
        case Filter() | Limit() | Materialize() | MaterializeTable():
            return output_names(node.input)
        case (
            Scan()
            | Project()
            | UnionAll()
            | GroupRead()
            | BagRead()
            | Match()
            | Constant()
            | StageRead()
            | Recursion()
            | RecursionRead()
        ):
            return columns_of(node)
        case _:
            return None
