"""Plan nodes: frozen dataclasses with one generic copy.

Guards 1 and 2 against losing a field: no field has a default, and nothing here or elsewhere names a node's fields again
to copy it. A field's place in the tree follows from its type: ``Node`` and ``tuple[Node, ...]`` are children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import islice
from typing import Any, Self, TypeVar, cast, get_args, get_type_hints

REGISTRY: dict[str, type[Node]] = {}

_F = TypeVar("_F", bound=Callable[..., Any])


def _cached(function: _F) -> _F:
    """``functools.cache`` with the function's own type: mypy mistakes the hash of a dataclass for that of its class."""
    return cast(_F, cache(function))


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a plan. Every subclass registers itself under its name, for the codec and for the laws in the tests."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REGISTRY[cls.__name__] = cls

    @property
    def children(self) -> tuple[Node, ...]:
        """The inputs, in the order of the fields."""
        found: list[Node] = []
        for name in child_fields(type(self)):
            value = getattr(self, name)
            found.extend(value if isinstance(value, tuple) else (value,))
        return tuple(found)

    def with_children(self, children: tuple[Node, ...]) -> Self:
        """The same node over other inputs: the only way to copy one. The number of inputs may change only where the
        node holds a tuple of them (at most one)."""
        names = child_fields(type(self))
        tuples = [name for name in names if isinstance(getattr(self, name), tuple)]
        spare = len(children) - (len(names) - len(tuples))  # what is left for the tuple
        if spare < 0 or (spare > 0 and not tuples):
            raise ValueError(f"{type(self).__name__} does not take {len(children)} inputs")
        rest = iter(children)
        changes: dict[str, Any] = {n: tuple(islice(rest, spare)) if n in tuples else next(rest) for n in names}
        return replace(self, **changes)


@_cached
def hints(cls: type) -> dict[str, Any]:
    """The resolved types of a dataclass's fields, in order."""
    resolved = get_type_hints(cls)
    return {field.name: resolved[field.name] for field in fields(cls)}


def _is_node(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Node)


@_cached
def child_fields(cls: type[Node]) -> tuple[str, ...]:
    """The names of the fields that hold inputs."""
    return tuple(
        name
        for name, hint in hints(cls).items()
        if _is_node(hint) or any(_is_node(argument) for argument in get_args(hint))
    )


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for child in node.children:
        yield from walk(child)


def rewrite(node: Node, rule: Callable[[Node], Node | None]) -> Node:
    """Applies a rule to every node, inputs first. A rule returns None where it does not apply."""
    children = tuple(rewrite(child, rule) for child in node.children)
    if any(new is not old for new, old in zip(children, node.children, strict=True)):
        node = node.with_children(children)
    return rule(node) or node
