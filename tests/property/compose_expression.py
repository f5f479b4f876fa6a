# ruff: noqa: E501 - a form stays on one line, to be read
"""Random expressions of a kind over the columns in scope: values, predicates with subqueries, aggregates, windows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random

from compose_tables import COMPARABLE, Column, Kind

LITERALS = {
    Kind.NUMBER: ("0", "1", "2", "3", "NULL"),
    Kind.DOUBLE: ("0.5::DOUBLE", "1::DOUBLE", "-2.25::DOUBLE"),
    Kind.TEXT: ("''", "'a'", "'b'", "'ab'"),
    Kind.DATE: ("DATE '2024-02-29'", "DATE '2024-03-01'"),
    Kind.TIMESTAMP: ("TIMESTAMP '2024-02-29 12:30'", "TIMESTAMP '2024-03-01'"),
    Kind.BOOLEAN: ("true", "false", "NULL::BOOLEAN"),
    Kind.LIST: ("[1, 2]", "[]::INTEGER[]"),
    Kind.APPROXIMATE: ("0.5::DOUBLE",),
}
CONVERTED = {
    Kind.NUMBER: ((Kind.TEXT, "length({})"), (Kind.DATE, "day({})"), (Kind.BOOLEAN, "CAST({} AS INTEGER)")),
    Kind.DOUBLE: ((Kind.NUMBER, "0.5::DOUBLE * {}"),),
    Kind.TEXT: ((Kind.NUMBER, "CAST({} AS VARCHAR)"), (Kind.BOOLEAN, "CAST({} AS VARCHAR)")),
    Kind.DATE: ((Kind.TIMESTAMP, "CAST({} AS DATE)"), (Kind.NUMBER, "DATE '2024-02-28' + CAST({} % 9 AS INTEGER)")),
    Kind.TIMESTAMP: (
        (Kind.DATE, "CAST({} AS TIMESTAMP)"),
        (Kind.NUMBER, "TIMESTAMP '2024-03-01' + to_hours(CAST({} % 9 AS INTEGER))"),
    ),
    Kind.BOOLEAN: ((Kind.NUMBER, "{} > 1"), (Kind.TEXT, "{} = 'a'")),
    Kind.LIST: ((Kind.NUMBER, "[{}, 1]"),),
    Kind.APPROXIMATE: ((Kind.DOUBLE, "{} / 3"), (Kind.NUMBER, "{} / 3")),
}
"""By kind: from a column of which other kind it is made, and how."""

COMPARISONS = ("=", "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")

# aggregates by the kind of their result; {x} {y}: arguments of the kind that the second word says
AGGREGATES: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.NUMBER: (
        ("count(*)", ""), ("count({x})", "any"), ("sum({x})", "number"), ("sum({x})", "number"), ("min({x})", "number"),
        ("max({x})", "number"), ("count(DISTINCT {x})", "any"), ("sum(DISTINCT {x})", "number"),
        ("count_if({x})", "boolean"), ("bit_xor(CAST({x} AS BIGINT))", "number"), ("bit_or(CAST({x} AS BIGINT))", "number"),
        ("quantile_disc({x}, 0.5)", "number"), ("first({x} ORDER BY {x})", "number"), ("last({x} ORDER BY {x})", "number"),
        ("arg_min({x}, {x})", "number"), ("any_value({x} ORDER BY {x})", "number"), ("approx_count_distinct({x})", "any"),
    ),
    Kind.DOUBLE: (("sum({x})", "double"), ("min({x})", "double"), ("max({x})", "double"), ("sum(DISTINCT {x})", "double")),
    Kind.TEXT: (
        ("min({x})", "text"), ("max({x})", "text"), ("string_agg({x}, ',' ORDER BY {x})", "text"),
        ("string_agg(DISTINCT {x}, '|' ORDER BY {x})", "text"), ("arg_max({x}, {x})", "text"),
    ),
    Kind.DATE: (("min({x})", "date"), ("max({x})", "date")),
    Kind.TIMESTAMP: (("min({x})", "timestamp"), ("max({x})", "timestamp")),
    Kind.BOOLEAN: (("bool_and({x})", "boolean"), ("bool_or({x})", "boolean"), ("max({x})", "boolean")),
    Kind.LIST: (
        ("list({x} ORDER BY {x})", "number"), ("list(DISTINCT {x} ORDER BY {x})", "number"),
        ("array_agg({x} ORDER BY {x} DESC NULLS LAST)", "number"), ("max({x}, 2)", "number"),
    ),
    Kind.APPROXIMATE: (
        ("avg({x})", "number"), ("avg({x})", "double"), ("avg(DISTINCT {x})", "number"), ("stddev_samp({x})", "number"),
        ("var_pop({x})", "number"), ("variance({x})", "double"), ("covar_pop({x}, {y})", "number"), ("corr({x}, {y})", "number"),
        ("regr_slope({x}, {y})", "number"), ("median({x})", "number"), ("quantile_cont({x}, 0.25)", "number"), ("product({x})", "number"),
        ("skewness({x})", "number"), ("entropy({x})", "number"),
    ),
}  # fmt: skip
RANKS = ("row_number()", "rank()", "dense_rank()", "ntile(2)")
FRAMES = (
    "",
    "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING EXCLUDE TIES",
)


class Expressions(ABC):
    """``outer`` are the columns of enclosing queries, which a correlated subquery may name."""

    random: Random

    @abstractmethod
    def subquery(self, depth: int, outer: Sequence[Column], kinds: Sequence[Kind]) -> str:
        """A query of any number of rows with these columns."""

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # -- values ----------------------------------------------------------------------------------------------------

    def value(self, scope: Sequence[Column], kind: Kind, depth: int = 0) -> str:
        """An expression of the kind; a column most often."""
        known = [column.sql for column in scope if column.kind is kind]
        if not known and self.chance(0.9):
            known = [
                form.format(column.sql) for source, form in CONVERTED[kind] for column in scope if column.kind is source
            ]
        if known and self.chance(0.65):
            return self.random.choice(known)
        if depth > 0 and self.chance(0.15):
            return self.scalar_subquery(depth - 1, scope, kind)
        return self._computed(scope, kind, known, depth)

    def _computed(self, scope: Sequence[Column], kind: Kind, known: list[str], depth: int) -> str:
        column = self.random.choice(known) if known else self.random.choice(LITERALS[kind])
        literal = self.random.choice(LITERALS[kind])
        forms = [column, column, f"coalesce({column}, {literal})", f"nullif({column}, {literal})"]
        match kind:
            case Kind.NUMBER:
                forms += [f"{column} + 1", f"{column} * 2", f"-{column}", f"abs({column})", f"{column} % 2"]
            case Kind.TEXT:
                forms += [f"upper({column})", f"{column} || 'x'", f"coalesce({column}, '')"]
            case Kind.DATE:
                forms += [f"{column} + 1", f"CAST(date_trunc('month', {column}) AS DATE)"]
            case Kind.BOOLEAN if depth > 0:
                forms += [self.predicate(scope, depth - 1)] * 4
            case _:
                pass
        if self.chance(0.15):
            condition = self.predicate(scope, 0)
            return f"CASE WHEN {condition} THEN {column} ELSE {literal} END"
        return self.random.choice(forms)

    def scalar_subquery(self, depth: int, scope: Sequence[Column], kind: Kind) -> str:
        """One row: an aggregate without groups, or the first in a total order."""
        inner = self.subquery(depth, scope, [kind])
        if kind in (Kind.NUMBER, Kind.TEXT, Kind.DATE) and self.chance(0.7):
            function = self.random.choice(("max", "min", "sum", "count") if kind is Kind.NUMBER else ("max", "min"))
            return f"(SELECT {function}(q.c0) FROM ({inner}) AS q)"
        return f"(SELECT q.c0 FROM ({inner}) AS q ORDER BY q.c0 LIMIT 1)"

    # -- predicates ------------------------------------------------------------------------------------------------

    def predicate(self, scope: Sequence[Column], depth: int, outer: Sequence[Column] = ()) -> str:
        """Three-valued; under AND, OR and NOT; naming an outer column where there is one."""
        if self.chance(0.18):
            operator = self.random.choice(("AND", "OR", "OR"))
            return f"({self.predicate(scope, depth, outer)} {operator} {self.predicate(scope, depth, outer)})"
        if self.chance(0.1):
            return f"NOT ({self.predicate(scope, depth, outer)})"
        if depth > 0 and self.chance(0.35):
            return self._subquery_predicate(scope, depth - 1)
        return self._plain_predicate(scope, outer)

    def _plain_predicate(self, scope: Sequence[Column], outer: Sequence[Column]) -> str:
        usable = [column for column in scope if column.kind in COMPARABLE] or [Column(sql="1", kind=Kind.NUMBER)]
        column = self.random.choice(usable)
        others = [other.sql for other in outer if other.kind is column.kind]
        if others and self.chance(0.7):
            return f"{column.sql} {self.random.choice(COMPARISONS)} {self.random.choice(others)}"
        right = self.value(scope, column.kind)
        literal = self.random.choice(LITERALS[column.kind])
        forms = [f"{column.sql} {self.random.choice(COMPARISONS)} {right}"] * 3
        forms += [
            f"{column.sql} {self.random.choice(COMPARISONS)} {literal}",
            f"{column.sql} IS NULL",
            f"{column.sql} IS NOT NULL",
            f"{column.sql} IN ({literal}, {self.random.choice(LITERALS[column.kind])})",
            f"{column.sql} NOT IN ({literal}, {right})",
            f"{column.sql} BETWEEN {literal} AND {right}",
        ]
        forms += [f"{column.sql} LIKE '%a%'"] * (column.kind is Kind.TEXT)
        forms += [column.sql, f"{column.sql} IS NOT TRUE"] * (column.kind is Kind.BOOLEAN)
        return self.random.choice(forms)

    def _subquery_predicate(self, scope: Sequence[Column], depth: int) -> str:
        kind = self.random.choice((Kind.NUMBER, Kind.NUMBER, *COMPARABLE))
        left = self.value(scope, kind)
        inner = self.subquery(depth, scope, [kind])
        match self.random.randint(0, 6):
            case 0:
                return f"EXISTS ({inner})"
            case 1:
                return f"NOT EXISTS ({inner})"
            case 2:
                return f"{left} IN ({inner})"
            case 3:
                return f"{left} NOT IN ({inner})"
            case 4:
                return f"{left} {self.random.choice(COMPARISONS[:7])} ANY ({inner})"
            case 5:
                return f"{left} {self.random.choice(COMPARISONS[:7])} ALL ({inner})"
            case _:
                return f"{left} {self.random.choice(COMPARISONS)} {self.scalar_subquery(depth, scope, kind)}"

    # -- aggregates and windows ------------------------------------------------------------------------------------

    def aggregate(self, scope: Sequence[Column], kind: Kind) -> str:
        form, argument = self.random.choice(AGGREGATES[kind])
        kinds = [column.kind for column in scope if column.kind is not Kind.APPROXIMATE] or [Kind.NUMBER]
        arguments = [
            self.value(scope, self.random.choice(kinds) if argument == "any" else Kind(argument or "number"))
            for _ in range(2)
        ]
        call = form.format(x=arguments[0], y=arguments[1])
        return f"{call} FILTER (WHERE {self.predicate(scope, 0)})" if self.chance(0.2) else call

    def window(self, scope: Sequence[Column], kind: Kind) -> str:
        """Ties are broken by all columns, so that the bag of results is determined."""
        usable = [column for column in scope if column.kind is not Kind.APPROXIMATE] or [
            Column(sql="1", kind=Kind.NUMBER)
        ]
        keys = self.random.sample(usable, min(len(usable), self.random.choice((0, 1, 1, 1, 2))))
        partition = f"PARTITION BY {', '.join(column.sql for column in keys)} " if keys else ""
        order = "ORDER BY " + self.total_order(usable)
        if kind is Kind.NUMBER and self.chance(0.4):
            return f"{self.random.choice(RANKS)} OVER ({partition}{order})"
        if kind not in (Kind.APPROXIMATE, Kind.LIST) and self.chance(0.4):
            argument = self.value(scope, kind)
            nulls = self.random.choice(("", "", " IGNORE NULLS"))
            function = self.random.choice(
                (
                    f"lag({argument})",
                    f"lead({argument}, 2)",
                    f"first_value({argument}{nulls})",
                    f"last_value({argument}{nulls})",
                    f"nth_value({argument}, 2)",
                )
            )
            return f"{function} OVER ({partition}{order} {self.random.choice(FRAMES)})"
        call = self.aggregate(scope, kind)
        if self.chance(0.4) or "DISTINCT" in call or " ORDER BY " in call:
            return f"{call} OVER ({partition})"
        if self.chance(0.3):  # peers: rows that are equal by one column share a frame
            order, frame = f"ORDER BY {self.random.choice(usable).sql}", self.random.choice(("", *FRAMES[4:6]))
            return f"{call} OVER ({partition}{order} {frame})"
        return f"{call} OVER ({partition}{order} {self.random.choice(FRAMES)})"

    def total_order(self, scope: Sequence[Column]) -> str:
        """All columns, in random order and directions."""
        usable = [column for column in scope if column.kind is not Kind.APPROXIMATE]
        shuffled = self.random.sample(usable, len(usable)) or [Column(sql="1", kind=Kind.NUMBER)]
        suffixes = ("", "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
        return ", ".join(column.sql + self.random.choice(suffixes) for column in shuffled)
