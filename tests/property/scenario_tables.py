"""Random base tables and random writes on them. Values are few (0 to 3 and NULL), so that they meet."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from scenario import Epoch, Mode, TableStep, Write

LITERALS = {
    "INTEGER": ("0", "1", "2", "3", "NULL"),
    "TINYINT": ("0", "1", "-128", "127", "NULL"),
    "BIGINT": ("0", "1", "2", "9007199254740993", "NULL"),
    "DECIMAL(6,2)": ("0.00", "0.10", "0.20", "1.05", "-3.33", "NULL"),
    "VARCHAR": ("''", "'a'", "'A'", "'b'", "'it''s'", "NULL"),
    "BOOLEAN": ("true", "false", "NULL"),
    "DATE": ("DATE '2024-02-29'", "DATE '2024-03-01'", "NULL"),
    "DOUBLE": ("0.25", "0.5", "'NaN'::DOUBLE", "'Infinity'::DOUBLE", "-2.0", "NULL"),
    "INTEGER[]": ("[1]", "[1, NULL]", "[]", "NULL"),
    "STRUCT(a INTEGER, b VARCHAR)": ("{'a': 1, 'b': NULL}", "{'a': NULL, 'b': 'x'}", "NULL"),
}
_USUAL = ("INTEGER", "INTEGER", "INTEGER", "BIGINT", "DECIMAL(6,2)", "VARCHAR", "VARCHAR", "BOOLEAN")
_RARE = ("TINYINT", "DATE", "DOUBLE", "INTEGER[]", "STRUCT(a INTEGER, b VARCHAR)")
_NAMES = ("a", "b", "c", "amount", "name", "order", "Group", "x y", "d.e", 'q"q', "count", "v", "key", "input", "s")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Something to read: columns are (name, type)."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()

    def typed(self, *types: str) -> list[str]:
        """The columns of these types (``DECIMAL`` stands for all decimals)."""
        return [name for name, type_ in self.columns if type_ in types or type_.partition("(")[0] in types]


def random_table(random: Random, name: str) -> tuple[TableStep, Relation]:
    """A table: the first column, ``k``, is an integer to join by; keyless, with a PRIMARY KEY or UNIQUE."""
    names = ["k", *random.sample(_NAMES, random.randint(1, 3))]
    types = ["INTEGER", *(random.choice(_RARE if random.random() < 0.12 else _USUAL) for _ in names[1:])]
    columns = tuple(zip(names, types, strict=True))
    kind = random.choice(("", "", "PRIMARY KEY", "UNIQUE"))
    key: tuple[str, ...] = ()
    if kind:
        scalar = [n for n, t in columns[1:] if not t.endswith(("]", ")"))]
        key = ("k", random.choice(scalar)) if scalar and random.random() < 0.3 else ("k",)
    parts = [f"{quoted(n)} {t}" for n, t in columns]
    parts += [f"{kind} ({', '.join(map(quoted, key))})"] if kind else []
    relation = Relation(name=name, columns=columns, key=key)
    return TableStep(name=name, sql=f"CREATE TABLE {name} ({', '.join(parts)})"), relation


def random_epoch(random: Random, tables: list[Relation], writes_max: int) -> Epoch:
    """Several writes on several tables, in autocommit or in one transaction."""
    mode = random.choice((Mode.AUTOCOMMIT, Mode.COMMIT, Mode.COMMIT, Mode.ROLLBACK))
    writes = tuple(random_write(random, random.choice(tables), tables) for _ in range(random.randint(1, writes_max)))
    return Epoch(mode=mode, writes=writes)


def filling(random: Random, tables: list[Relation]) -> Epoch:
    """At most nine rows a table."""
    writes = []
    for table in tables:
        for _ in range(random.randint(0, 3)):
            modifier = "OR IGNORE " if table.key else ""
            writes.append(_write(random, table, f"INSERT {modifier}INTO {table.name} {_values(random, table, 3)}"))
    return Epoch(mode=Mode.AUTOCOMMIT, writes=tuple(writes))


def random_write(random: Random, table: Relation, tables: list[Relation]) -> Write:
    """One statement of any kind. What it does may fail (a key twice): then it must fail in both engines."""
    kinds = [_insert, _insert, _insert_select, _update, _update, _update_from, _delete, _delete_using, _merge]
    kinds += [_upsert, _upsert] if table.key else []
    kind = _truncate if random.random() < 0.04 else random.choice(kinds)
    sql = kind(random, table, random.choice(tables))
    returns = random.random() < 0.2 and kind is not _truncate
    sql += f" RETURNING {'merge_action, ' * (kind is _merge)}*" if returns else ""
    return _write(random, table, sql)


def _write(random: Random, table: Relation, sql: str) -> Write:
    return Write(target=table.name, sql=sql, is_checked=random.random() < 0.3)


def value(random: Random, type_: str) -> str:
    return random.choice(LITERALS[type_])


def _row(random: Random, table: Relation) -> str:
    return f"({', '.join(value(random, type_) for _, type_ in table.columns)})"


def _values(random: Random, table: Relation, rows_max: int) -> str:
    rows = [_row(random, table) for _ in range(random.randint(1, rows_max))]
    return "VALUES " + ", ".join(rows)


def _insert(random: Random, table: Relation, _: Relation) -> str:
    if random.random() < 0.2:
        return f"INSERT INTO {table.name} BY NAME SELECT {value(random, 'INTEGER')} AS k"
    if random.random() < 0.2:
        name, type_ = random.choice(table.columns[1:])
        return (
            f"INSERT INTO {table.name} ({quoted(name)}, k) VALUES ({value(random, type_)}, {value(random, 'INTEGER')})"
        )
    return f"INSERT INTO {table.name} {_values(random, table, 5)}"


def _insert_select(random: Random, table: Relation, other: Relation) -> str:
    outputs = [f"o.k + {random.randint(0, 3)}"]
    for name, type_ in table.columns[1:]:
        known = other.typed(type_)
        outputs.append(f"o.{quoted(random.choice(known))}" if known else f"{value(random, type_)} AS {quoted(name)}")
    head = f"WITH o AS (SELECT * FROM {other.name} WHERE k IS NOT NULL) " if random.random() < 0.3 else ""
    source = "o" if head else f"{other.name} AS o"
    return (
        f"{head}INSERT INTO {table.name} SELECT {', '.join(outputs)} FROM {source} WHERE {_where(random, other, 'o')}"
    )


def _upsert(random: Random, table: Relation, _: Relation) -> str:
    body = _values(random, table, 2)
    rest = [name for name, _ in table.columns if name not in table.key]
    form = random.choice(("OR REPLACE", "OR IGNORE", "NOTHING", "UPDATE"))
    if form.startswith("OR"):
        return f"INSERT {form} INTO {table.name} {body}"
    if form == "NOTHING" or not rest:
        return f"INSERT INTO {table.name} {body} ON CONFLICT DO NOTHING"
    column = quoted(random.choice(rest))
    where = f" WHERE {_where(random, table, table.name)}" if random.random() < 0.4 else ""
    target = ", ".join(map(quoted, table.key))
    return f"INSERT INTO {table.name} {body} ON CONFLICT ({target}) DO UPDATE SET {column} = excluded.{column}{where}"


def _where(random: Random, table: Relation, alias: str) -> str:
    """A predicate on a row of the table."""
    name, type_ = random.choice(table.columns)
    column = f"{alias}.{quoted(name)}"
    operator = random.choice(("=", "<>", "IS NOT DISTINCT FROM", "IS DISTINCT FROM", "IS NULL", "IS NOT NULL", "<"))
    if "NULL" in operator:
        return f"{column} {operator}"
    return f"{column} {operator} {value(random, type_)}"


def _assignment(random: Random, table: Relation, alias: str) -> str:
    name, type_ = random.choice(table.columns)
    column = quoted(name)
    if name == "k":
        swapped = f"CASE {alias}.k WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE {alias}.k END"
        return f"k = {random.choice((swapped, f'{alias}.k + 1', f'{alias}.k', '3'))}"
    others = [n for n in table.typed(type_) if n != name]
    if others and random.random() < 0.4:
        return f"{column} = {alias}.{quoted(random.choice(others))}"
    return f"{column} = {random.choice((value(random, type_), f'{alias}.{column}', 'NULL'))}"


def _update(random: Random, table: Relation, _: Relation) -> str:
    where = f" WHERE {_where(random, table, table.name)}" if random.random() < 0.8 else ""
    return f"UPDATE {table.name} SET {_assignment(random, table, table.name)}{where}"


def _update_from(random: Random, table: Relation, other: Relation) -> str:
    source = f"(SELECT k, count(*) AS n FROM {other.name} GROUP BY k) AS o"
    assignment = random.choice((_assignment(random, table, "t"), "k = CAST(o.n AS INTEGER)"))
    return f"UPDATE {table.name} AS t SET {assignment} FROM {source} WHERE t.k = o.k AND {_where(random, table, 't')}"


def _delete(random: Random, table: Relation, other: Relation) -> str:
    if random.random() < 0.2:
        return (
            f"DELETE FROM {table.name} WHERE k IN (SELECT k FROM {other.name} AS o WHERE {_where(random, other, 'o')})"
        )
    where = f" WHERE {_where(random, table, table.name)}" if random.random() < 0.9 else ""
    return f"DELETE FROM {table.name}{where}"


def _delete_using(random: Random, table: Relation, other: Relation) -> str:
    return f"DELETE FROM {table.name} AS t USING {other.name} AS o WHERE t.k = o.k AND {_where(random, other, 'o')}"


def _truncate(random: Random, table: Relation, _: Relation) -> str:
    return f"TRUNCATE {table.name}"


def _merge(random: Random, table: Relation, other: Relation) -> str:
    """MERGE with one to four WHEN clauses; the source has each k once."""
    outputs = ["k + 1 AS k" if random.random() < 0.5 else "k"]
    outputs += [f"{value(random, type_)} AS {quoted(name)}" for name, type_ in table.columns[1:]]
    columns = ", ".join(quoted(name) for name, _ in table.columns)
    condition = f" AND {_where(random, table, 't')}" if random.random() < 0.5 else ""
    actions = [random.choice(("DELETE", f"UPDATE SET {_assignment(random, table, 't')}")) for _ in range(2)]
    clauses = [
        f"WHEN MATCHED{condition} THEN {actions[0]}",
        "WHEN MATCHED THEN DO NOTHING",
        f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({', '.join(f's.{quoted(n)}' for n, _ in table.columns)})",
        f"WHEN NOT MATCHED BY SOURCE AND {_where(random, table, 't')} THEN {actions[1]}",
    ]
    chosen = [clause for clause in clauses if random.random() < 0.6] or clauses[2:3]
    source = f"(SELECT {', '.join(outputs)} FROM (SELECT DISTINCT k FROM {other.name})) AS s"
    return f"MERGE INTO {table.name} AS t USING {source} ON (t.k = s.k) {' '.join(chosen)}"
