"""Which columns of a relation a view's query uses by its text, and whether others there could change its meaning.

A plan says less: columns that a query names and does not need are gone from it, and ``*`` has been expanded.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from mvengine.errors import NotSupportedError
from mvengine.planner.binder.scalar import Unsupported
from mvengine.planner.binder.tables import ResolvedQuery, resolve_tables
from mvengine.planner.parse import parse
from mvengine.planner.reader import SchemaReader
from mvengine.schema import Name


def columns_read(query: str, relation: Name, reader: SchemaReader) -> frozenset[str] | None:
    """The columns of ``relation`` that the query uses, in lower case, those that ``*`` stands for or leaves out, too
    (and perhaps some of other relations); None where they cannot be told."""
    try:
        tree = parse(query)
        if not isinstance(tree, exp.Query):
            return None
        resolved = resolve_tables(tree, reader)
        if resolved.unresolved or tree.find(exp.Pivot, exp.Columns) or _is_natural(tree) or _whole_rows(resolved):
            return None
        found = {
            node.name.lower() for star in resolved.tree.find_all(exp.Star) for node in star.find_all(exp.Identifier)
        }
        tree = qualify(resolved.tree, schema=_schema(resolved), dialect="duckdb", quote_identifiers=False)
    except (SqlglotError, RecursionError, Unsupported, NotSupportedError):
        return None
    for scope in traverse_scope(tree):
        for column in scope.columns:
            source = scope.sources.get(column.table)
            if isinstance(source, exp.Table) and (source.db.lower(), source.name.lower()) == relation.key:
                found.add(column.name.lower())
    return frozenset(found)


def depends_on_columns(query: str, names: Iterable[str]) -> bool:
    """Whether the query could mean something else where a relation gets or loses columns of these names: it says ``*``
    or NATURAL, names one of them, or cannot be read."""
    try:
        tree = parse(query)
    except (SqlglotError, RecursionError):
        return True
    stars = (star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count))
    if next(stars, None) is not None or tree.find(exp.Pivot, exp.Columns) or _is_natural(tree):
        return True
    wanted = {name.lower() for name in names}
    return any(identifier.name.lower() in wanted for identifier in tree.find_all(exp.Identifier))


def _is_natural(tree: exp.Expr) -> bool:
    """Whether tables are joined by whatever columns they share."""
    return any(str(join.args.get("method", "")).upper() == "NATURAL" for join in tree.find_all(exp.Join))


def _whole_rows(resolved: ResolvedQuery) -> bool:
    """Whether a table's name stands where a value does: then it is a whole row of it."""
    tables = {table.alias_or_name.lower() for table in resolved.tree.find_all(exp.Table)}
    return any(not c.table and c.name.lower() in tables for c in resolved.tree.find_all(exp.Column))


def _schema(resolved: ResolvedQuery) -> dict[str, object]:
    schema: dict[str, dict[str, object]] = {}
    for name, relation in resolved.relations.items():
        columns = {column.name.lower(): "unknown" for column in relation.columns}
        schema.setdefault(name.schema.lower(), {})[name.name.lower()] = columns
    return dict(schema)
