"""Random queries, composed of all constructs to a depth: FROM items and joins, groups, windows, set operations, CTEs.

``LIMIT`` stands behind a total order; what is still not determined (ties between doubles, say) is found by the runner,
which asks DuckDB again with its rows in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from random import Random

from compose_expression import Expressions
from compose_tables import COMPARABLE, Column, Kind, Relation

JOINS = ("JOIN", "JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")
OPERATIONS = ("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL")


class Composer(Expressions):
    def __init__(self, random: Random, relations: Sequence[Relation]) -> None:
        self.random = random
        self.relations = list(relations)  # those of the database, and the CTEs in scope behind them
        self.numbers = 0

    def view(self, depth: int) -> tuple[str, tuple[Column, ...]]:
        """A query with its columns, ``c0``, ``c1`` and so on."""
        kinds = [self.random.choice((*COMPARABLE, Kind.APPROXIMATE)) for _ in range(self.random.randint(1, 4))]
        query = self.query(depth, (), kinds)
        return query, _named("", kinds)

    def query(self, depth: int, outer: Sequence[Column], kinds: Sequence[Kind]) -> str:
        if depth > 0 and self.chance(0.2):
            return self._with(depth - 1, outer, kinds)
        if depth > 0 and self.chance(0.15):
            operation = self.random.choice(OPERATIONS)
            left, right = (self.query(depth - 1, outer, kinds) for _ in range(2))
            return f"SELECT * FROM ({left}) {operation} SELECT * FROM ({right})"
        return self._select(depth, outer, kinds)

    def subquery(self, depth: int, outer: Sequence[Column], kinds: Sequence[Kind]) -> str:
        return self.query(min(depth, 1), outer if self.chance(0.7) else (), kinds)

    # -- WITH ------------------------------------------------------------------------------------------------------

    def _with(self, depth: int, outer: Sequence[Column], kinds: Sequence[Kind]) -> str:
        """A CTE, often read more than once; or a recursive one."""
        if self.chance(0.2) and kinds:
            return self._recursive(depth, kinds)
        inner = [self.random.choice(COMPARABLE) for _ in range(self.random.randint(1, 3))]
        body = self.query(depth, (), inner)
        name = self._name("w")
        with self._known(Relation(name=name, columns=_named("", inner)), times=4):
            rest = self.query(depth, outer, kinds)
        return f"WITH {name} AS ({body}) {rest}"

    def _recursive(self, depth: int, kinds: Sequence[Kind]) -> str:
        """What can be reached over pairs of numbers, in a bounded number of steps."""
        name = self._name("r")
        edges = self.query(min(depth, 1), (), [Kind.NUMBER, Kind.NUMBER])
        union = self.random.choice(("UNION", "UNION", "UNION ALL"))
        with self._known(Relation(name=name, columns=_named("", [Kind.NUMBER, Kind.NUMBER])), times=3):
            rest = self.query(depth, (), kinds)
        return (
            f"WITH RECURSIVE {name}_edges(a, b) AS ({edges}), {name}(c0, c1) AS (SELECT a, 1 FROM {name}_edges {union} "
            f"SELECT e.b, {name}.c1 + 1 FROM {name} JOIN {name}_edges AS e ON e.a = {name}.c0 "
            f"WHERE {name}.c1 < 3) {rest}"
        )

    @contextmanager
    def _known(self, relation: Relation, *, times: int):  # type: ignore[no-untyped-def]
        before = self.relations
        self.relations = [*before, *[relation] * times]
        yield
        self.relations = before

    # -- SELECT ----------------------------------------------------------------------------------------------------

    def _select(self, depth: int, outer: Sequence[Column], kinds: Sequence[Kind]) -> str:
        source, scope = self._from(depth, outer)
        where = f" WHERE {self.predicate(scope, depth, outer)}" if self.chance(0.6 if outer else 0.3) else ""
        shape = self.random.choice(("plain", "plain", "plain", "group", "group", "group", "window", "distinct", "on"))
        if shape == "group":
            return self._grouped(f" FROM {source}{where}", scope, depth, kinds)
        qualify = ""
        if shape == "window":
            outputs = [self.window(scope, kind) if self.chance(0.6) else self.value(scope, kind) for kind in kinds]
            if self.chance(0.3):
                qualify = f" QUALIFY {self.window(scope, Kind.NUMBER)} <= {self.random.randint(1, 3)}"
        else:
            outputs = [self.value(scope, kind, depth) for kind in kinds]
        distinct = "DISTINCT " if shape == "distinct" else ""
        order = ""
        if shape == "on":
            key = self.value(scope, self.random.choice(COMPARABLE))
            distinct, order = f"DISTINCT ON ({key}) ", f" ORDER BY {key}, {self.total_order(scope)}"
        return f"SELECT {distinct}{_aliased(outputs)} FROM {source}{where}{qualify}{order}" + (
            self._limit(kinds) if not order else ""
        )

    def _grouped(self, source: str, scope: Sequence[Column], depth: int, kinds: Sequence[Kind]) -> str:
        """Some outputs are keys, the others aggregates or computed from them."""
        outputs, keys = [], []
        for kind in kinds:
            if kind not in (Kind.LIST, Kind.APPROXIMATE) and self.chance(0.45):
                key = self.value(scope, kind)
                if not key.startswith(("'", "NULL")) and not key.isdigit():  # GROUP BY 1 means the first output
                    keys.append(key)
                    outputs.append(key)
                    continue
            call = self.aggregate(scope, kind)
            outputs.append(self._over_groups(call, scope, kind))
        group = f" GROUP BY {self._grouping(keys)}" if keys else ""
        having = f" HAVING {self._having(scope)}" if self.chance(0.25) else ""
        return f"SELECT {_aliased(outputs)}{source}{group}{having}" + self._limit(kinds)

    def _grouping(self, keys: Sequence[str]) -> str:
        listed = ", ".join(keys)
        form = self.random.choice(
            ("{0}", "{0}", "{0}", "{0}", "ROLLUP ({0})", "CUBE ({0})", "GROUPING SETS (({0}), ({1}), ())")
        )
        return form.format(listed, keys[0])

    def _over_groups(self, call: str, scope: Sequence[Column], kind: Kind) -> str:
        chance = self.random.random()
        if kind is Kind.NUMBER and chance < 0.1:
            return f"sum({call}) OVER ()"
        if kind is Kind.NUMBER and chance < 0.25:
            return f"coalesce({call}, 0) + {self.aggregate(scope, kind)}"
        return call

    def _having(self, scope: Sequence[Column]) -> str:
        operator = self.random.choice(("=", "<>", "<", ">", "IS DISTINCT FROM"))
        return f"{self.aggregate(scope, Kind.NUMBER)} {operator} {self.random.choice(('0', '1', '2', 'NULL'))}"

    def _limit(self, kinds: Sequence[Kind]) -> str:
        if not self.chance(0.15):
            return ""
        columns = [Column(sql=f"c{i}", kind=kind) for i, kind in enumerate(kinds)]
        offset = f" OFFSET {self.random.randint(1, 2)}" if self.chance(0.3) else ""
        return f" ORDER BY {self.total_order(columns)} LIMIT {self.random.randint(0, 4)}{offset}"

    # -- FROM ------------------------------------------------------------------------------------------------------

    def _from(self, depth: int, outer: Sequence[Column]) -> tuple[str, list[Column]]:
        """One to four items, joined in every way."""
        sql, columns = self._item(depth, outer)
        scope = list(columns)
        for position in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            if self.chance(0.12):
                more, columns = self._dependent(depth, scope)
                sql, scope = sql + more, [*scope, *columns]
                continue
            right, columns = self._item(depth, outer)
            join = self.random.choice(JOINS)
            if self.chance(0.1):
                sql += f" CROSS JOIN {right}"
            elif position == 0 and " JOIN " not in sql and self.chance(0.12) and (name := _shared(scope, columns)):
                sql += f" {join} {right} USING ({name})"
            elif self.chance(0.04) and (pair := self._pair(scope, columns, Kind.NUMBER)):
                sql += f" ASOF JOIN {right} ON {pair[0]} >= {pair[1]}"
            else:
                sql += f" {join} {right} ON {self._on(scope, columns)}"
            if join not in ("SEMI JOIN", "ANTI JOIN") or not sql.partition(f" {join} {right}")[1]:
                scope += columns
        return sql, scope

    def _item(self, depth: int, outer: Sequence[Column]) -> tuple[str, tuple[Column, ...]]:
        alias = self._name("x")
        if depth > 0 and self.chance(0.35):
            kinds = [self.random.choice(COMPARABLE) for _ in range(self.random.randint(1, 3))]
            return f"({self.query(depth - 1, (), kinds)}) AS {alias}", _named(alias, kinds)
        if self.chance(0.04):
            return f"(VALUES (0, 'a'), (1, NULL), (2, 'b')) AS {alias}(c0, c1)", _named(alias, [Kind.NUMBER, Kind.TEXT])
        relation = self.random.choice(self.relations)
        columns = tuple(Column(sql=f"{alias}.{column.sql}", kind=column.kind) for column in relation.columns)
        return f"{relation.name} AS {alias}", columns

    def _dependent(self, depth: int, scope: Sequence[Column]) -> tuple[str, tuple[Column, ...]]:
        """UNNEST or LATERAL over what stands before it."""
        alias = self._name("u")
        lists = [column.sql for column in scope if column.kind is Kind.LIST]
        if lists or self.chance(0.5):
            values = self.random.choice(lists) if lists else f"[{self.value(scope, Kind.NUMBER)}, 1]"
            return f" CROSS JOIN UNNEST({values}) AS {alias}(c0)", _named(alias, [Kind.NUMBER])
        kinds = [self.random.choice(COMPARABLE)]
        inner = self.query(min(depth, 1), scope, kinds)
        form = self.random.choice((" CROSS JOIN LATERAL ({0}) AS {1}", " LEFT JOIN LATERAL ({0}) AS {1} ON true"))
        return form.format(inner, alias), _named(alias, kinds)

    def _on(self, left: Sequence[Column], right: Sequence[Column]) -> str:
        """Equalities most often; with residuals, without any equality, of one side only."""
        parts = []
        for _ in range(self.random.choice((1, 1, 1, 2))):
            kind = self.random.choice((Kind.NUMBER, Kind.NUMBER, *COMPARABLE))
            pair = self._pair(left, right, kind) or self._pair(left, right, Kind.NUMBER)
            if pair is not None:
                operator = self.random.choice(("=", "=", "=", "=", "IS NOT DISTINCT FROM", "<", "<>"))
                parts.append(f"{pair[0]} {operator} {pair[1]}")
        if not parts or self.chance(0.3):
            parts.append(self.predicate([*left, *right], 0))
        return " AND ".join(parts)

    def _pair(self, left: Sequence[Column], right: Sequence[Column], kind: Kind) -> tuple[str, str] | None:
        sides = [[column.sql for column in side if column.kind is kind] for side in (left, right)]
        return (self.random.choice(sides[0]), self.random.choice(sides[1])) if all(sides) else None

    def _name(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}{self.numbers}"


def _named(alias: str, kinds: Sequence[Kind]) -> tuple[Column, ...]:
    prefix = f"{alias}." if alias else ""
    return tuple(Column(sql=f"{prefix}c{i}", kind=kind) for i, kind in enumerate(kinds))


def _aliased(outputs: Sequence[str]) -> str:
    return ", ".join(f"{output} AS c{i}" for i, output in enumerate(outputs))


def _shared(left: Sequence[Column], right: Sequence[Column]) -> str | None:
    """A column name of both sides."""
    names = {column.sql.partition(".")[2]: column.kind for column in left}
    found = [c.sql.partition(".")[2] for c in right if names.get(c.sql.partition(".")[2]) is c.kind]
    return found[0] if found else None
