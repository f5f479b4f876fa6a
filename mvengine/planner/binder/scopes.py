"""Name scopes: which alias a column is named by, while a SELECT is bound from the inside out.

A SELECT's tree is consumed: a clause that is bound is taken out, and where a plan gets a scope of its own (an outer
join, a window), what is left of the tree is rewritten to name the columns by it. So what stands in the tree can always
be read over the plan made so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import Filter, Join, Project
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output, column

Ctes = Mapping[str, exp.Query | Node]
"""What names in FROM mean beside tables: queries of WITH, and plans that are bound already."""


class Names:
    """Hands out aliases that no other has in the whole query."""

    def __init__(self, tree: exp.Expr) -> None:
        self._taken = {node.name.lower() for node in tree.find_all(exp.Identifier)}

    def fresh(self, stem: str) -> str:
        """``stem``, ``stem_2``, ``stem_3``, …"""
        name = next(name for n in count(1) if (name := f"{stem}_{n}" if n > 1 else stem).lower() not in self._taken)
        self._taken.add(name.lower())
        return name


def make_aliases_unique(tree: exp.Query, names: Names) -> None:
    """Renames inner aliases that an outer or a neighbouring SELECT uses too: a name then means one thing everywhere."""
    used: set[str] = set()
    for scope in traverse_scope(tree):
        for name, node in scope.references:
            if not name:
                continue
            if name.lower() not in used:
                used.add(name.lower())
                continue
            fresh = names.fresh(name)
            used.add(fresh.lower())
            holder: exp.Expr = node
            while isinstance(holder, exp.Query) and holder.alias != name and holder.parent is not None:
                holder = holder.parent  # the query itself is what is told of (query) AS name
            alias = holder.args.get("alias")
            columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
            holder.set("alias", exp.TableAlias(this=_identifier(fresh), columns=columns))
            for found in scope.columns:
                if found.table == name:
                    found.set("table", _identifier(fresh))


def scopes(plan: Node) -> Iterator[Node]:
    """The nodes whose aliases name the columns of a plan."""
    if isinstance(plan, Filter | Join):
        for child in plan.children:
            yield from scopes(child)
    else:
        yield plan


def seal(tree: exp.Expr, plan: Node, alias: str, extra: Iterable[Output] = ()) -> Node:
    """The plan under one alias: its columns that the tree still names, and ``extra``. The tree follows.

    A plan that has one alias is left as it is, if nothing is added.
    """
    extra = tuple(extra)
    if not isinstance(plan, Filter | Join) and not extra:
        return plan
    taken = {output.name.lower() for output in extra}
    return Project(input=plan, outputs=(*carried(tree, scopes(plan), alias, taken), *extra), alias=alias)


def carried(tree: exp.Expr, nodes: Iterable[Node], alias: str, taken: set[str]) -> tuple[Output, ...]:
    """What the tree still names of several nodes, told apart from each other and from the names that are ``taken`` (in
    lower case). The tree names it by the new alias from now on."""
    outputs: list[Output] = []
    moved: dict[tuple[str, str], str] = {}
    used = used_columns(tree)
    for node in nodes:
        own = scope_of(node)
        for name in columns_of(node):
            if (own.lower(), name.lower()) in used:
                outputs.append(Output(name=unique_name(name, own, taken), expr=column(own, name)))
                moved[own.lower(), name.lower()] = outputs[-1].name
    move(tree, moved, alias)
    return tuple(outputs)


def used_columns(tree: exp.Expr) -> set[tuple[str, str]]:
    """Alias and name, in lower case, of every column that a tree names."""
    return {(node.table.lower(), node.name.lower()) for node in tree.find_all(exp.Column)}


def unique_name(name: str, alias: str, taken: set[str]) -> str:
    """The name, told apart by its alias where it is taken, and by a number where that is."""
    candidates = (name, f"{alias}_{name}", *(f"{alias}_{name}_{n}" for n in range(2, 10_000)))
    found = next(candidate for candidate in candidates if candidate.lower() not in taken)
    taken.add(found.lower())
    return found


def move(tree: exp.Expr, moved: dict[tuple[str, str], str], alias: str) -> None:
    """Lets the tree name columns by a new alias: (old alias, old name) → new name."""
    for node in list(tree.find_all(exp.Column)):
        name = moved.get((node.table.lower(), node.name.lower()))
        if name is not None:
            node.set("this", _identifier(name))
            node.set("table", _identifier(alias))


def column_node(alias: str, name: str) -> exp.Column:
    """A column as a part of a tree."""
    return exp.Column(this=_identifier(name), table=_identifier(alias))


def reads_only(expr: Expr, alias: str) -> bool:
    """Whether an expression names columns, and those of one alias only."""
    return bool(expr.columns) and all(ref.relation.lower() == alias.lower() for ref in expr.columns)


def _identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
