"""What mvengine depends on in the file, and how it is now: definitions, row counts and fingerprints of rows.

A fingerprint of up to ``ROWS_HASHED_MAX`` rows is the sum of the rows' hashes. Of more it is a hash over DuckDB's list
of the table's column segments (their blocks, counts, minima and maxima), which costs a tenth: a checkpoint writes what
has changed into other blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.records import SealedObject
from mvengine.planner.logical import Materialize, MaterializeTable
from mvengine.planner.node import walk
from mvengine.refresh.change_log import log_table
from mvengine.refresh.graph import Graph, TableDefinition, ViewDefinition
from mvengine.refresh.stages import StoredStage
from mvengine.schema import Name, literal, quote
from mvengine.sql.names import parse_name

ROWS_HASHED_MAX = 200_000

_DEFINITIONS = """
SELECT schema_name, table_name, sql, true FROM duckdb_tables() WHERE database_name = $1 AND NOT temporary
UNION ALL
SELECT schema_name, view_name, sql, false FROM duckdb_views() WHERE database_name = $1
  AND NOT temporary AND NOT internal
"""
_SEGMENTS = """
SELECT 'blocks ' || count(*) || ' ' || coalesce(sum(hash(
    row_group_id, column_path, segment_id, segment_type, start, count, compression, has_updates, block_id, block_offset,
    stats::VARCHAR
)::HUGEINT), 0) FROM pragma_storage_info({table})
"""


def owned_objects(graph: Graph) -> dict[Name, Name]:
    """What must be as mvengine has left it: object → owner. Staging tables are not among it: loads check them."""
    plain = [name for name in graph.consumers if name not in graph and not name.schema.lower().startswith("mv_")]
    owners = {name: name for name in plain}
    kept: list[TableDefinition | ViewDefinition] = [*graph.tables.values(), *graph.views.values()]
    for definition in kept:
        owners[definition.name] = definition.name
        owners |= dict.fromkeys(map(name_of, _storages(definition.plan)), definition.name)
    return owners | {name_of(log_table(name)): name for view in graph.deferred for name in view.inputs}


def _storages(plan: MaterializeTable | Materialize) -> Iterator[str]:
    if isinstance(plan, MaterializeTable):
        yield from (plan.storage, plan.shadow)
    else:
        yield from (node.storage for node in walk(plan) if isinstance(node, StoredStage))


def name_of(storage: str) -> Name:
    """The name of a table from its quoted form."""
    found = parse_name(storage)
    return Name(schema=found.schema or "main", name=found.name)


def definitions(engine: DuckDbEngine, database_name: str) -> dict[Name, tuple[str, bool]]:
    """All tables and views of the file: their text, and whether it is a table."""
    return {
        Name(schema=schema, name=name): (sql or "", is_table)
        for schema, name, sql, is_table in engine.query(_DEFINITIONS, [database_name])
    }


def found_objects(engine: DuckDbEngine, database_name: str, owners: Mapping[Name, Name]) -> tuple[SealedObject, ...]:
    """Those of these objects that are there, as they are in the last checkpoint."""
    there = definitions(engine, database_name)
    tables = [name for name in owners if name in there and there[name][1]]
    rows = dict(zip(tables, _counts(engine, database_name, tables), strict=True))
    return tuple(
        SealedObject(
            owner=owner,
            name=name,
            sql=there[name][0],
            rows=rows.get(name),
            fingerprint=_fingerprint(engine, _path(database_name, name), rows[name]) if name in rows else None,
        )
        for name, owner in owners.items()
        if name in there
    )


def _counts(engine: DuckDbEngine, database_name: str, tables: Iterable[Name]) -> list[int]:
    """Rows of tables: DuckDB has them in its row groups."""
    counts = [f"(SELECT count(*) FROM {_path(database_name, name)})" for name in tables]
    return [int(count) for count in engine.query(f"SELECT {', '.join(counts)}")[0]] if counts else []


def _fingerprint(engine: DuckDbEngine, table: str, rows: int) -> str:
    if rows > ROWS_HASHED_MAX:
        return str(engine.query(_SEGMENTS.format(table=literal(table)))[0][0])
    hashes = f"SELECT 'rows ' || coalesce(sum(hash(hashed)::HUGEINT), 0) FROM {table} AS hashed"
    return str(engine.query(hashes)[0][0])


def _path(database_name: str, name: Name) -> str:
    """With the database: a temporary table of the name would hide it."""
    return f"{quote(database_name)}.{name.sql}"


def duckdb_version(engine: DuckDbEngine) -> str:
    """Of the library: another one may hash differently."""
    return str(engine.query("SELECT version()")[0][0])
