# ruff: noqa: E501 - a query stays on one line, to be read
"""Random views: every construct that is maintained incrementally, and some that are not, over tables and other views.

The types of a view's columns are DuckDB's: each candidate is described by the plain connection that is given, and one
that DuckDB refuses is not taken.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import duckdb
from scenario import ViewStep
from scenario_tables import LITERALS, Relation, quoted

NUMBERS = ("INTEGER", "BIGINT", "HUGEINT", "TINYINT", "DECIMAL", "DOUBLE")
_NAMES = ("n", "total", "key", "Group", "x y", "order", "weight", "v", "groups", "s", "d")
Maker = Callable[[Random, list[Relation]], str]


def random_view(
    random: Random, number: int, relations: list[Relation], plain: duckdb.DuckDBPyConnection
) -> tuple[ViewStep, Relation]:
    """A view that DuckDB accepts over some of the relations, made in ``plain`` as well."""
    while True:
        maker = random.choice(_INCREMENTAL if random.random() < 0.85 else _FULL)
        query = maker(random, relations)
        is_plain = random.random() < 0.05
        policy = random.choice(("auto", "auto", "incremental", "full")) if maker in _FULL else "auto"
        policy = "full" if random.random() < 0.04 else policy
        reads = frozenset(relation.name for relation in relations if f"{relation.name} " in query + " ")
        view = ViewStep(name=f"w{number}", query=query, reads=reads, policy=policy, is_plain=is_plain)
        try:
            plain.execute(view.plain_sql)
        except duckdb.Error:
            continue
        described = plain.execute(f"DESCRIBE {view.name}").fetchall()
        return view, Relation(name=view.name, columns=tuple((row[0], row[1]) for row in described))


# -- parts -------------------------------------------------------------------------------------------------------------


def _pick(random: Random, relations: list[Relation]) -> Relation:
    """Later relations, which are views, a little more often."""
    return random.choice(relations if random.random() < 0.6 else relations[len(relations) // 2 :])


def _column(random: Random, relation: Relation, alias: str, *types: str) -> str:
    names = relation.typed(*types) if types else [name for name, _ in relation.columns]
    return f"{alias}.{quoted(random.choice(names))}" if names else "1"


def _number(random: Random, relation: Relation, alias: str) -> str:
    column = _column(random, relation, alias, *NUMBERS)
    return random.choice((column, column, f"{column} * 2", f"coalesce({column}, 1)", f"-{column}"))


def _predicate(random: Random, relation: Relation, alias: str) -> str:
    name, type_ = random.choice(relation.columns)
    column = f"{alias}.{quoted(name)}"
    literals = LITERALS.get(type_, ("0", "1", "2", "NULL"))
    forms = (
        f"{column} IS NOT NULL",
        f"{column} IS NULL",
        f"{column} = {random.choice(literals)}",
        f"{column} <> {random.choice(literals)}",
        f"NOT ({column} = {random.choice(literals)})",
        f"{column} IN ({random.choice(literals)}, {random.choice(literals)})",
        f"({column} IS NULL OR {column} <= {random.choice(literals)})",
        f"{column} BETWEEN {random.choice(literals)} AND {random.choice(literals)}",
    )
    return random.choice(forms)


def _where(random: Random, relation: Relation, alias: str, chance: float = 0.5) -> str:
    if random.random() > chance:
        return ""
    parts = [_predicate(random, relation, alias) for _ in range(random.randint(1, 2))]
    return " WHERE " + random.choice((" AND ", " OR ")).join(parts)


def _aggregate(random: Random, relation: Relation, alias: str) -> str:
    function = random.choice(("sum", "sum", "count", "avg", "min", "max", "count(*)"))
    if function == "count(*)":
        text = "count(*)"
    elif function in ("sum", "avg"):
        text = f"{function}({_number(random, relation, alias)})"
    else:
        text = f"{function}({_column(random, relation, alias)})"
    condition = f" FILTER (WHERE {_predicate(random, relation, alias)})" if random.random() < 0.2 else ""
    return text + condition


def _aggregates(random: Random, relation: Relation, alias: str) -> list[str]:
    found = [_aggregate(random, relation, alias) for _ in range(random.randint(1, 3))]
    if random.random() < 0.2:
        found.append(f"CASE WHEN {found[0]} > 1 THEN {_aggregate(random, relation, alias)} END")
    return [f"{text} AS {quoted(random.choice(_NAMES))}" if random.random() < 0.5 else text for text in found]


def _having(random: Random, relation: Relation, alias: str) -> str:
    number = _number(random, relation, alias)
    return random.choice((" HAVING count(*) > 1", f" HAVING sum({number}) > 1", f" HAVING max({number}) IS NOT NULL"))


# -- incremental constructs --------------------------------------------------------------------------------------------


def _project(random: Random, relations: list[Relation]) -> str:
    r = _pick(random, relations)
    if random.random() < 0.3:
        return f"SELECT * FROM {r.name} AS r{_where(random, r, 'r')}"
    outputs = [_column(random, r, "r") for _ in range(random.randint(1, 3))]
    outputs += [f"{_number(random, r, 'r')} AS {quoted(random.choice(_NAMES))}"] * (random.random() < 0.5)
    outputs += [f"CASE WHEN {_predicate(random, r, 'r')} THEN 'yes' ELSE NULL END"] * (random.random() < 0.3)
    order = " ORDER BY 1" if random.random() < 0.1 else ""
    return f"SELECT {', '.join(outputs)} FROM {r.name} AS r{_where(random, r, 'r')}{order}"


def _on(random: Random, left: tuple[str, Relation], right: tuple[str, Relation]) -> str:
    a = _column(random, left[1], left[0], "INTEGER", "BIGINT", "HUGEINT")
    b = _column(random, right[1], right[0], "INTEGER", "BIGINT", "HUGEINT")
    forms = (
        f"{a} = {b}",
        f"{a} = {b}",
        f"{a} = {b}",
        f"{a} IS NOT DISTINCT FROM {b}",
        f"{a} + 1 = {b}",
        f"CAST({a} AS VARCHAR) = CAST({b} AS VARCHAR)",
        f"coalesce({a}, 0) = {b}",
        f"{a} BETWEEN {b} AND {b} + 1",
        f"{a} < {b}",
        f"{a} = {b} AND ({_predicate(random, *reversed(left))} OR {_predicate(random, *reversed(right))})",
    )
    return random.choice(forms)


def _joined(random: Random, relations: list[Relation], inputs_max: int = 5) -> tuple[str, list[tuple[str, Relation]]]:
    """FROM … and the inputs under their aliases."""
    count = min(random.choice((2, 2, 2, 3, 3, 4, 5)), inputs_max)
    inputs = [(f"r{i}", _pick(random, relations)) for i in range(count)]
    text = f"{inputs[0][1].name} AS r0"
    for i, (alias, relation) in enumerate(inputs[1:], 1):
        if random.random() < 0.08:
            text += f" CROSS JOIN {relation.name} AS {alias}"
        elif random.random() < 0.15 and i == 1 and "k" in dict(relation.columns) and "k" in dict(inputs[0][1].columns):
            text += f" JOIN {relation.name} AS {alias} USING (k)"
        else:
            text += f" JOIN {relation.name} AS {alias} ON {_on(random, random.choice(inputs[:i]), inputs[i])}"
    return text, inputs


def _join(random: Random, relations: list[Relation]) -> str:
    source, inputs = _joined(random, relations)
    if random.random() < 0.15:
        return f"SELECT * FROM {source}"
    outputs = [_column(random, r, alias) for alias, r in random.sample(inputs, random.randint(1, len(inputs)))]
    alias, filtered = random.choice(inputs)
    return f"SELECT {', '.join(outputs)} FROM {source}{_where(random, filtered, alias)}"


def _comma_join(random: Random, relations: list[Relation]) -> str:
    a, b = _pick(random, relations), _pick(random, relations)
    condition = _on(random, ("a", a), ("b", b))
    return f"SELECT {_column(random, a, 'a')}, {_column(random, b, 'b')} FROM {a.name} AS a, {b.name} AS b WHERE {condition}"


def _group(random: Random, relations: list[Relation]) -> str:
    r = _pick(random, relations)
    keys = [_column(random, r, "r") for _ in range(random.randint(1, 2))]
    if random.random() < 0.25:
        keys[0] = random.choice((f"coalesce({_column(random, r, 'r', 'INTEGER')}, 0)", f"{keys[0]} IS NULL"))
    outputs = [*keys, *_aggregates(random, r, "r")]
    grouping = random.choice((", ".join(keys), ", ".join(str(i + 1) for i in range(len(keys))), "ALL"))
    having = _having(random, r, "r") if random.random() < 0.3 else ""
    if grouping != "ALL" and random.random() < 0.15:
        outputs = outputs[len(keys) :]  # groups whose keys nobody sees
        grouping = ", ".join(keys)
    return f"SELECT {', '.join(outputs)} FROM {r.name} AS r{_where(random, r, 'r', 0.3)} GROUP BY {grouping}{having}"


def _group_join(random: Random, relations: list[Relation]) -> str:
    source, inputs = _joined(random, relations, 4)
    alias, r = random.choice(inputs)
    key_alias, key_relation = random.choice(inputs)
    key = _column(random, key_relation, key_alias)
    having = _having(random, r, alias) if random.random() < 0.2 else ""
    return f"SELECT {key}, {', '.join(_aggregates(random, r, alias))} FROM {source} GROUP BY {key}{having}"


def _global(random: Random, relations: list[Relation]) -> str:
    r = _pick(random, relations)
    having = random.choice(("", "", _having(random, r, "r"), " HAVING false"))
    aggregates = ", ".join(_aggregates(random, r, "r"))
    return f"SELECT {aggregates} FROM {r.name} AS r{_where(random, r, 'r', 0.3)}{having}"


def _distinct(random: Random, relations: list[Relation]) -> str:
    if random.random() < 0.4:
        source, inputs = _joined(random, relations, 3)
        outputs = [_column(random, r, alias) for alias, r in inputs[:2]]
        return f"SELECT DISTINCT {', '.join(outputs)} FROM {source}"
    r = _pick(random, relations)
    outputs = [_column(random, r, "r") for _ in range(random.randint(1, 2))]
    return f"SELECT DISTINCT {', '.join(outputs)} FROM {r.name} AS r{_where(random, r, 'r')}"


def _union(random: Random, relations: list[Relation]) -> str:
    legs = []
    for _ in range(random.choice((2, 2, 3))):
        r = _pick(random, relations)
        legs.append(
            f"SELECT {_number(random, r, 'r')}, {_column(random, r, 'r', 'VARCHAR')} FROM {r.name} AS r{_where(random, r, 'r')}"
        )
    return random.choice((" UNION ALL ", " UNION ALL ", " UNION ")).join(legs)


def _over_subquery(random: Random, relations: list[Relation]) -> str:
    """An aggregate of an aggregate, of a union, of a join …"""
    inner = random.choice((_project, _join, _group, _distinct, _union, _global))(random, relations)
    output = random.choice(("count(*)", "count(*), count(c1), min(c1), max(c1)", "c1, count(*)", "DISTINCT c1", "c1"))
    grouping = " GROUP BY c1" if output == "c1, count(*)" else ""
    return f"WITH inner_rows AS (SELECT * FROM ({inner}) AS i), named AS (SELECT #1 AS c1 FROM inner_rows) SELECT {output} FROM named{grouping}"


def _join_of_aggregates(random: Random, relations: list[Relation]) -> str:
    a, b = _pick(random, relations), _pick(random, relations)
    x, y = _column(random, a, "a", *NUMBERS), _column(random, b, "b", *NUMBERS)
    left = f"SELECT {x} AS j, {_aggregate(random, a, 'a')} AS m FROM {a.name} AS a GROUP BY {x}"
    right = f"SELECT {y} AS j, {_aggregate(random, b, 'b')} AS m FROM {b.name} AS b GROUP BY {y}"
    operator = random.choice(("=", "IS NOT DISTINCT FROM"))
    return f"SELECT l.j, l.m, r.m AS other FROM ({left}) AS l JOIN ({right}) AS r ON l.j {operator} r.j"


def _cte_twice(random: Random, relations: list[Relation]) -> str:
    r = _pick(random, relations)
    key = _column(random, r, "r", *NUMBERS)
    body = f"SELECT {key} AS j, {_aggregate(random, r, 'r')} AS m FROM {r.name} AS r GROUP BY {key}"
    body = body if random.random() < 0.5 else f"SELECT {key} AS j, {_number(random, r, 'r')} AS m FROM {r.name} AS r"
    if random.random() < 0.5:
        return f"WITH c AS ({body}) SELECT x.j, y.m FROM c AS x JOIN c AS y ON x.j = y.j"
    return f"WITH c AS ({body}) SELECT j FROM c UNION ALL SELECT CAST(count(*) AS INTEGER) FROM c"


# -- constructs that are computed again --------------------------------------------------------------------------------


def _outer_join(random: Random, relations: list[Relation]) -> str:
    a, b = _pick(random, relations), _pick(random, relations)
    side = random.choice(("LEFT", "RIGHT", "FULL"))
    x, y = _column(random, a, "a", *NUMBERS), _column(random, b, "b", *NUMBERS)
    return f"SELECT {x}, {_column(random, b, 'b')} FROM {a.name} AS a {side} JOIN {b.name} AS b ON {x} = {y}"


def _window(random: Random, relations: list[Relation]) -> str:
    r = _pick(random, relations)
    x = _column(random, r, "r", "INTEGER", "BIGINT")
    return f"SELECT {x}, rank() OVER (ORDER BY {x}), count(*) OVER (PARTITION BY {x}) AS n FROM {r.name} AS r"


def _exists(random: Random, relations: list[Relation]) -> str:
    a, b = _pick(random, relations), _pick(random, relations)
    x, y = _column(random, a, "a", *NUMBERS), _column(random, b, "b", *NUMBERS)
    test = random.choice(
        (f"EXISTS (SELECT 1 FROM {b.name} AS b WHERE {x} = {y})", f"{x} NOT IN (SELECT {y} FROM {b.name} AS b)")
    )
    return f"SELECT {x}, {_column(random, a, 'a')} FROM {a.name} AS a WHERE {test}"


def _set_operation(random: Random, relations: list[Relation]) -> str:
    a, b = _pick(random, relations), _pick(random, relations)
    operator = random.choice(("EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL"))
    left, right = _number(random, a, "a"), _number(random, b, "b")
    return f"SELECT {left} FROM {a.name} AS a {operator} SELECT {right} FROM {b.name} AS b"


def _other_aggregates(random: Random, relations: list[Relation]) -> str:
    r = _pick(random, relations)
    key = _column(random, r, "r")
    return f"SELECT {key}, count(DISTINCT {_column(random, r, 'r')}), bool_or({_predicate(random, r, 'r')}) FROM {r.name} AS r GROUP BY ROLLUP ({key})"


_INCREMENTAL: tuple[Maker, ...] = (
    _project, _join, _join, _comma_join, _group, _group, _group_join, _global, _distinct, _union,
    _over_subquery, _join_of_aggregates, _cte_twice,
)  # fmt: skip
_FULL: tuple[Maker, ...] = (_outer_join, _window, _exists, _set_operation, _other_aggregates)
