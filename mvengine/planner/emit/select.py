"""Linear plans as SELECT statements.

Project, Filter and Join above a set of leaves become one block (SELECT … FROM … WHERE). A row's weight is the product
of the weights of the leaves that have one; a leaf that is read in its current version has none, it counts once. Inputs
that are read both as they are and as they were are matched by their weight, which so is the row's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from mvengine.planner.delta import Leaf, leaf_delta, leaves
from mvengine.planner.delta.state import call_sql, finalize
from mvengine.planner.emit.switch import before, both_rows, switching
from mvengine.planner.logical import (
    TOP_COUNT,
    WEIGHT,
    Aggregate,
    BagRead,
    Constant,
    Distinct,
    Filter,
    GroupRead,
    Join,
    Limit,
    Match,
    MatchKey,
    MatchKind,
    Project,
    Recursion,
    RecursionRead,
    Scan,
    StageRead,
    TopRead,
    UnionAll,
    Version,
    Window,
)
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr
from mvengine.schema import quote

_IDENTIFIER = re.compile(r'[A-Za-z_]\w*|"[^".]*"')


def is_weighted(node: Node) -> bool:
    """Whether rows of this plan carry a weight column."""
    return any(leaf.version is not Version.CURRENT for leaf in leaves(node))


def is_both(node: Node) -> bool:
    """Whether a plan's rows are those now and those before, told apart by their weight."""
    return any(leaf.version is Version.BOTH for leaf in leaves(node))


def columns_of(node: Node) -> tuple[str, ...]:
    """The names of a plan's columns, its weight left out."""
    match node:
        case Project():
            return tuple(output.name for output in node.outputs)
        case UnionAll() | BagRead() | TopRead() | Distinct() | Constant() | StageRead() | Recursion() | RecursionRead():
            return node.columns
        case Match():
            added = (node.value.name,) if node.value else ()
            return (*(output.name for output in node.outputs), *added)
        case Window():
            return (*columns_of(node.input), *(call.name for call in node.calls))
        case Aggregate():
            return (*(key.name for key in node.keys), *(call.name for call in node.aggregates))
        case Scan():
            return tuple(column.name for column in node.columns)
        case GroupRead():
            return (*node.keys, *(call.name for call in node.aggregates))
        case Filter() | Limit():
            return columns_of(node.input)
        case _:
            raise AssertionError(f"{type(node).__name__} has no column names of its own")


def select(node: Node, *, weighted: bool) -> str:
    """A SELECT of the plan's columns, with ``_mv_weight`` last if asked for (1 where rows carry none)."""
    if isinstance(node, Distinct):
        return f"SELECT * FROM {from_item(node)}"
    if isinstance(node, Match):
        return matched(node, from_item(node.left), from_item(node.right))
    if isinstance(node, Window):
        return _windows(node)
    if isinstance(node, UnionAll):
        return "\nUNION ALL\n".join(select(leg, weighted=weighted) for leg in node.inputs)
    if weighted and (switch := switching(node)) is not None:
        return _switch(node, *switch)
    outputs, predicates, inputs = _block(node)
    weights = [f"{quote(scope_of(leaf))}.{WEIGHT}" for leaf in inputs if is_weighted(leaf)]
    if is_both(node):
        predicates = [*predicates, *(f"{weight} = {weights[0]}" for weight in weights[1:])]
        weights = weights[:1]
    if outputs is None:
        outputs = [f"{quote(scope_of(inputs[0]))}.{quote(name)}" for name in columns_of(inputs[0])]
    if weighted:
        outputs = [*outputs, f"{' * '.join(weights) or 'CAST(1 AS BIGINT)'} AS {WEIGHT}"]
    where = f"\nWHERE {conjunction(predicates)}" if predicates else ""
    froms = "\n  CROSS JOIN ".join(from_item(leaf) for leaf in inputs)
    if len(inputs) > 1 and predicates:
        froms = ",\n  ".join(from_item(leaf) for leaf in inputs)
    return f"SELECT {', '.join(outputs) or '1'}\nFROM {froms}{where}"


def _switch(node: Node, leaf: Scan | GroupRead, inputs: list[Node], own: list[Expr], others: list[Expr]) -> str:
    """The rows for which a predicate of a changed single row switches (see emit/switch.py)."""
    assert isinstance(node, Project)
    after = f"(({conjunction([predicate.sql for predicate in own])}) IS TRUE)"
    earlier = f"(({conjunction([before(predicate, leaf.alias) for predicate in own])}) IS TRUE)"
    weights = [f"{quote(scope_of(other))}.{WEIGHT}" for other in inputs if is_weighted(other)]
    weight = " * ".join([f"CASE WHEN {after} THEN CAST(1 AS BIGINT) ELSE -1 END", *weights])
    outputs = [_named(output.expr.sql, output.name) for output in node.outputs]
    froms = ",\n  ".join([*(from_item(other) for other in inputs), both_rows(leaf, own)])
    where = conjunction([f"{after} <> {earlier}", *(predicate.sql for predicate in others)])
    return f"SELECT {', '.join([*outputs, f'{weight} AS {WEIGHT}'])}\nFROM {froms}\nWHERE {where}"


def union(terms: Sequence[Node], *, weighted: bool) -> str:
    """The terms of a change, one below the other."""
    return "\nUNION ALL\n".join(select(term, weighted=weighted) for term in terms)


def _block(node: Node) -> tuple[list[str] | None, list[str], tuple[Node, ...]]:
    """Outputs (None: the columns of the only input), predicates and inputs of the block that ``node`` is."""
    outputs: list[str] | None = None
    predicates: list[str] = []
    if isinstance(node, Project):
        outputs = [_named(output.expr.sql, output.name) for output in node.outputs]
        node = node.input
    while isinstance(node, Filter | Join):
        predicates.extend(predicate.sql for predicate in node.predicates)
        if isinstance(node, Join):
            nested = [
                _block(child) if isinstance(child, Filter | Join) else (None, [], (child,)) for child in node.inputs
            ]
            inner = [predicate for _, found, _ in nested for predicate in found]
            return outputs, predicates + inner, tuple(leaf for _, _, found in nested for leaf in found)
        node = node.input
    return outputs, predicates, (node,)


def _named(sql: str, name: str) -> str:
    qualifier, _, column = sql.partition(".")
    is_bare = column == quote(name) and _IDENTIFIER.fullmatch(qualifier)  # r.x, but not -r.x
    return sql if is_bare else f"{sql} AS {quote(name)}"


def conjunction(predicates: Sequence[str]) -> str:
    """All of them, in parentheses where one could bind differently."""
    return "\n  AND ".join(f"({p})" if len(predicates) > 1 else p for p in predicates)


def scope_of(node: Node) -> str:
    """The name scope that a node gives."""
    match node:
        case Filter() | Join():
            raise AssertionError(f"{type(node).__name__} has no alias")
        case _:
            alias = getattr(node, "alias", None)
            assert isinstance(alias, str), type(node).__name__
            return alias


def free_alias(stem: str, *taken: str) -> str:
    """``stem``, or with a number where one of the aliases beside it is called so."""
    lowered = {alias.lower() for alias in taken}
    return next(name for n in count(1) if (name := f"{stem}_{n}" if n > 1 else stem) not in lowered)


def from_item(node: Node) -> str:
    """A leaf of a block: a table under its alias, or a subquery."""
    alias = quote(scope_of(node))
    match node:
        case Scan(version=Version.CURRENT):
            return f"{node.storage} AS {alias}"
        case BagRead():
            return f"{node.storage} AS {alias}"
        case TopRead():
            rows = f"(SELECT *, unnest(range({TOP_COUNT})) FROM {node.storage})"
            return f"(SELECT {_column_list(node)} FROM {rows}{_limit(node)}) AS {alias}"
        case RecursionRead():
            return f"{quote(node.name)} AS {alias}"
        case Recursion():
            return f"({recursion_query(node)}) AS {alias}"
        case Limit():
            return f"(SELECT {_column_list(node)} FROM ({select(node.input, weighted=False)}){_limit(node)}) AS {alias}"
        case Scan() | GroupRead() | StageRead() if node.version is Version.DELTA:
            return f"{quote(leaf_delta(node))} AS {alias}"
        case Scan(version=Version.BOTH) | GroupRead(version=Version.BOTH):
            return f"{node.storage} AS {alias}"
        case StageRead(version=Version.BOTH, rows=BagRead() as rows):
            return f"{rows.storage} AS {alias}"
        case Scan(version=Version.PREVIOUS):
            return f"({_previous(node, f'FROM {node.storage}')}) AS {alias}"
        case GroupRead(version=Version.CURRENT):
            return f"({group_rows(node)}) AS {alias}"
        case GroupRead(version=Version.PREVIOUS):
            return f"({_previous(node, f'FROM ({group_rows(node)})')}) AS {alias}"
        case StageRead(version=Version.CURRENT, rows=BagRead() as rows):
            return f"{rows.storage} AS {alias}"
        case StageRead(version=Version.CURRENT):
            return f"({select(node.rows, weighted=False)}) AS {alias}"
        case StageRead(version=Version.PREVIOUS):
            return f"({_previous(node, f'FROM {from_item(replace(node, version=Version.CURRENT))}')}) AS {alias}"
        case Constant():
            return f"({node.query}) AS {alias}({', '.join(quote(name) for name in node.columns)})"
        case Aggregate():
            return f"({_aggregate(node)}) AS {alias}"
        case Distinct():
            return f"(SELECT DISTINCT * FROM {from_item(node.input)}) AS {alias}"
        case _:
            return f"({select(node, weighted=is_weighted(node))}) AS {alias}"


def _column_list(node: Node) -> str:
    return ", ".join(quote(name) for name in columns_of(node))


def recursion_query(node: Recursion) -> str:
    """WITH RECURSIVE, as the engine computes it."""
    name, columns = quote(node.name), _column_list(node)
    base, step = (f"SELECT {columns} FROM (\n{select(part, weighted=False)}\n)" for part in (node.base, node.step))
    operator = "UNION" if node.is_distinct else "UNION ALL"
    return f"WITH RECURSIVE {name}({columns}) AS (\n{base}\n{operator}\n{step}\n)\nSELECT * FROM {name}"


def _limit(node: Limit | TopRead) -> str:
    offset = f" OFFSET {node.offset}" if node.offset else ""
    return f" ORDER BY {', '.join(node.order_by)} LIMIT {node.limit}{offset}"


def _aggregate(node: Aggregate) -> str:
    """A logical Aggregate as the engine computes it: for descriptions and comparison, never for maintenance."""
    _, predicates, inputs = (None, [], (node.input,)) if isinstance(node.input, Project) else _block(node.input)
    outputs = [f"{key.expr.sql} AS {quote(key.name)}" for key in node.keys]
    outputs += [f"{call_sql(call)} AS {quote(call.name)}" for call in node.aggregates]
    where = f" WHERE {conjunction(predicates)}" if predicates else ""
    # A number in GROUP BY would be that of an output.
    keys = ", ".join(key.expr.sql if key.expr.columns else f"coalesce({key.expr.sql})" for key in node.keys)
    grouping = f" GROUP BY {keys}" if keys else ""
    return f"SELECT {', '.join(outputs) or '1'} FROM {', '.join(from_item(leaf) for leaf in inputs)}{where}{grouping}"


def matched(node: Match, left: str, right: str, *, condition: str | None = None, weight: str = "") -> str:
    """A Match over two items of FROM, which have the aliases of its inputs. ``condition`` in place of its own;
    ``weight``: one more output."""
    outputs = [_named(output.expr.sql, output.name) for output in node.outputs]
    own = [*(key_sql(key) for key in node.keys), *(p.sql for p in node.predicates), *_same_weight(node)]
    on = condition or conjunction(own) or "true"
    weight = weight or _weight(node)
    added = [f"{weight} AS {WEIGHT}"] if weight else []
    value = node.value
    if node.kind in (MatchKind.MARK, MatchKind.SINGLE):
        assert value is not None
        is_mark = node.kind is MatchKind.MARK
        inner = f"SELECT {'1' if is_mark else value.expr.sql} FROM {right} WHERE {on}"
        outputs.append(f"{'EXISTS ' if is_mark else ''}({inner}) AS {quote(value.name)}")
        return f"SELECT {', '.join([*outputs, *added])}\nFROM {left}"
    is_padding = node.kind is MatchKind.ASOF_LEFT and condition is not None  # an ASOF join needs an inequality
    kind = "LEFT" if is_padding else node.kind.upper()
    return f"SELECT {', '.join([*outputs, *added])}\nFROM {left}\n{kind} JOIN {right} ON {on}"


def _same_weight(node: Match) -> list[str]:
    """That rows of now match rows of now only, where both sides have both."""
    if not is_both(node.right):
        return []
    return [f"{quote(scope_of(node.left))}.{WEIGHT} = {quote(scope_of(node.right))}.{WEIGHT}"]


def _weight(node: Match) -> str:
    """The weight of the rows of now and before."""
    if not is_both(node.left):
        return ""
    sides = [f"{quote(scope_of(side))}.{WEIGHT}" for side in node.children]
    return f"coalesce({', '.join(sides)})" if node.kind is MatchKind.FULL else sides[0]


def key_sql(key: MatchKey) -> str:
    """The key as a condition."""
    return f"{key.left.sql} {'IS NOT DISTINCT FROM' if key.is_null_safe else '='} {key.right.sql}"


def _windows(node: Window) -> str:
    names = [f"{quote(scope_of(node.input))}.{quote(name)}" for name in columns_of(node.input)]
    calls = [f"{call.expr.sql} AS {quote(call.name)}" for call in node.calls]
    return f"SELECT {', '.join([*names, *calls])}\nFROM {from_item(node.input)}"


def _previous(leaf: Leaf, current: str) -> str:
    columns = "".join(f"{quote(name)}, " for name in columns_of(leaf))
    return (
        f"SELECT {columns}CAST(1 AS BIGINT) AS {WEIGHT} {current} "
        f"UNION ALL SELECT {columns}-{WEIGHT} FROM {quote(leaf_delta(leaf))}"
    )


def group_rows(read: GroupRead) -> str:
    """The visible rows of a group stage, from its state table ``s``."""
    outputs = [f"s.{quote(key)}" for key in read.keys]
    outputs += [f"{finalize(call, 's', read.aggregates)} AS {quote(call.name)}" for call in read.aggregates]
    return f"SELECT {', '.join(outputs) or '1'} FROM {read.storage} AS s"
