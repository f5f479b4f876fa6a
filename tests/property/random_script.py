"""Random sqllogictest files in the manner of SQLite's ``random`` and ``select`` folders, with changes in between.

Only what stands before ``----`` is made: plain DuckDB writes what it answers below, as ``mvengine slt --update`` does.
"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import mvengine.slt

_TABLES = ("tab0", "tab1", "tab2")
_COLUMNS = ("col0", "col1", "col2")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


def write_script(path: Path, seed: int, queries: int) -> None:
    """Writes a file ``*.test`` of so many queries that passes on plain DuckDB."""
    path.write_text(_Script(random.Random(seed)).text(queries))
    mvengine.slt.run(path, engine="duckdb", update=True)


class _Script:
    """Tables of small integers with NULLs; queries over up to three of them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._records = ["hash-threshold 8"]

    def text(self, queries: int) -> str:
        for table in _TABLES:
            self._statement(f"CREATE TABLE {table}({', '.join(f'{column} INTEGER' for column in _COLUMNS)})")
        for _ in range(9):
            self._insert()
        asked: list[str] = []
        for _ in range(queries):
            if asked and self._chance.random() < 0.15:
                self._change()
                self._records += self._chance.sample(asked, min(2, len(asked)))
            asked.append(self._query())
            self._records.append(asked[-1])
        return "\n\n".join(self._records) + "\n"

    # -- statements ------------------------------------------------------------------------------------------------

    def _statement(self, sql: str) -> None:
        self._records.append(f"statement ok\n{sql}")

    def _insert(self) -> None:
        values = ",".join(self._literal() for _ in _COLUMNS)
        self._statement(f"INSERT INTO {self._pick(_TABLES)} VALUES({values})")

    def _change(self) -> None:
        table, column = self._pick(_TABLES), self._pick(_COLUMNS)
        where = f"{self._pick(_COLUMNS)} {self._pick(_COMPARISONS)} {self._literal()}"
        match self._chance.randrange(5):
            case 0 | 1:
                self._insert()
            case 2:
                self._statement(f"UPDATE {table} SET {column} = {self._literal()} WHERE {where}")
            case 3:
                self._statement(f"DELETE FROM {table} WHERE {where}")
            case _:
                self._statement(f"INSERT INTO {table} SELECT * FROM {self._pick(_TABLES)} WHERE {where}")

    # -- queries ---------------------------------------------------------------------------------------------------

    def _query(self) -> str:
        kind = self._pick(("row", "row", "row", "aggregate", "group", "group", "set"))
        if kind == "set":
            sides = [self._select("row", 1)[0] for _ in range(2)]
            operator = self._pick(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
            return f"query I rowsort\n{sides[0]} {operator} {sides[1]}"
        sql, columns = self._select(kind, self._chance.randint(1, 3))
        return f"query {'I' * columns} {self._pick(('rowsort', 'rowsort', 'valuesort'))}\n{sql}"

    def _select(self, kind: str, columns: int) -> tuple[str, int]:
        """A SELECT and the number of its columns."""
        aliases = [f"cor{index}" for index in range(self._pick((1, 1, 1, 2, 2, 3)))]
        scope = [f"{alias}.{column}" for alias in aliases for column in _COLUMNS]
        head = self._pick(("SELECT", "SELECT", "SELECT ALL", "SELECT DISTINCT"))
        where = f" WHERE {self._condition(scope, 2)}" if self._chance.random() < 0.6 or len(aliases) > 2 else ""
        source = f" FROM {self._source(aliases)}{where}"
        match kind:
            case "row":
                outputs = [self._value(scope, 2) for _ in range(columns)]
                return f"{head} {self._named(outputs)}{source}", columns
            case "aggregate":
                outputs = [self._aggregate(scope) for _ in range(columns)]
                return f"{head} {self._named(outputs)}{source}", columns
            case _:
                keys = self._chance.sample(scope, self._chance.randint(1, 2))
                outputs = [self._value(keys, 1), *(self._aggregate(scope) for _ in range(columns - 1))]
                having = f" HAVING {self._condition(keys, 1)}" if self._chance.random() < 0.4 else ""
                return f"{head} {self._named(outputs)}{source} GROUP BY {', '.join(keys)}{having}", columns

    def _source(self, aliases: list[str]) -> str:
        text = f"{self._pick(_TABLES)} AS {aliases[0]}"
        for before, alias in pairwise(aliases):
            on = f"{before}.{self._pick(_COLUMNS)} = {alias}.{self._pick(_COLUMNS)}"
            join = self._pick((",", " CROSS JOIN", " INNER JOIN", " LEFT JOIN", " LEFT OUTER JOIN"))
            text += f"{join} {self._pick(_TABLES)} {self._pick(('AS ', ''))}{alias}"
            text += f" ON {on}" if "INNER" in join or "LEFT" in join else ""
        return text

    def _named(self, outputs: list[str]) -> str:
        return ", ".join(f"{output} AS {self._pick(_COLUMNS)}" if self._chance.random() < 0.4 else output
                         for output in outputs)  # fmt: skip

    # -- expressions -----------------------------------------------------------------------------------------------

    def _value(self, scope: list[str], depth: int) -> str:
        if depth == 0 or self._chance.random() < 0.3:
            leaf = self._pick(scope) if self._chance.random() < 0.7 else self._literal()
            return self._pick(("", "", "- ", "+ ")) + str(leaf)
        deeper = [self._value(scope, depth - 1) for _ in range(3)]
        match self._chance.randrange(8):
            case 0 | 1 | 2:
                return f"{deeper[0]} {self._pick('+-*')} {deeper[1]}"
            case 3:
                return f"COALESCE ( {', '.join(deeper)} )"
            case 4:
                return f"CASE {deeper[0]} WHEN {deeper[1]} THEN {deeper[2]} ELSE NULL END"
            case 5:
                return f"CASE WHEN {self._condition(scope, depth - 1)} THEN {deeper[0]} ELSE {deeper[1]} END"
            case 6:
                return f"NULLIF ( {deeper[0]}, {deeper[1]} )"
            case _:
                return self._scalar(scope)

    def _scalar(self, scope: list[str]) -> str:
        inner = [f"inn.{column}" for column in _COLUMNS]
        where = self._chance.choice(("", f" WHERE {self._pick(inner)} {self._pick(_COMPARISONS)} {self._pick(scope)}"))
        return f"( SELECT {self._aggregate(inner, is_plain=True)} FROM {self._pick(_TABLES)} AS inn{where} )"

    def _aggregate(self, scope: list[str], *, is_plain: bool = False) -> str:
        if self._chance.random() < 0.2:
            return "COUNT ( * )"
        name, distinct = self._pick(("COUNT", "SUM", "MIN", "MAX", "AVG")), self._pick(("", "", "ALL ", "DISTINCT "))
        value = self._pick(scope) if is_plain else self._value(scope, 1)
        return f"{self._pick(('', '', '- '))}{name} ( {distinct}{value} )"

    def _condition(self, scope: list[str], depth: int) -> str:
        value, other = self._value(scope, 1), self._value(scope, 0)
        if depth and self._chance.random() < 0.3:
            sides = [self._condition(scope, depth - 1) for _ in range(2)]
            return f"( {sides[0]} {self._pick(('AND', 'OR'))} {sides[1]} )"
        negation = self._pick(("", "", "NOT "))
        match self._chance.randrange(7):
            case 0 | 1:
                return f"{negation}( {value} {self._pick(_COMPARISONS)} {other} )"
            case 2:
                return f"{value} IS {negation}NULL"
            case 3:
                return f"{value} {negation}BETWEEN {other} AND {self._value(scope, 0)}"
            case 4:
                return f"{value} {negation}IN ( {', '.join(self._literal() for _ in range(3))} )"
            case 5:
                return f"{value} {negation}IN ( SELECT {self._pick(_COLUMNS)} FROM {self._pick(_TABLES)} )"
            case _:
                inner = f"inn.{self._pick(_COLUMNS)} {self._pick(_COMPARISONS)} {self._pick(scope)}"
                return f"{negation}EXISTS ( SELECT 1 FROM {self._pick(_TABLES)} AS inn WHERE {inner} )"

    def _literal(self) -> str:
        return "NULL" if self._chance.random() < 0.12 else str(self._chance.randrange(12))

    def _pick(self, options: Any) -> Any:
        return self._chance.choice(options)
