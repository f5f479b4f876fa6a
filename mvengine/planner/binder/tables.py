"""Finds the tables of a query, says what each is, and puts the text of plain views in their place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from mvengine.errors import NotSupportedError, UnknownRelation
from mvengine.planner.binder.functions import expand_functions, put_query
from mvengine.planner.binder.refused import refuse_plain_view
from mvengine.planner.binder.scalar import Unsupported
from mvengine.planner.function_names import function_name
from mvengine.planner.parse import parse
from mvengine.planner.reader import Relation, RelationKind, SchemaReader
from mvengine.schema import Name

VIEW_DEPTH_MAX = 32

MAINTAINED_KINDS = (RelationKind.TABLE, RelationKind.REFRESHABLE, RelationKind.MATERIALIZED_VIEW)


@dataclass(frozen=True, kw_only=True)
class ResolvedQuery:
    """A tree in which every table is written with its schema, what each means, and what could not be resolved."""

    tree: exp.Query
    relations: dict[Name, Relation]
    unresolved: str | None  # a construct or name whose changes are not tracked


def resolve_tables(tree: exp.Query, reader: SchemaReader) -> ResolvedQuery:
    """Raises NotSupportedError for tables that a view cannot depend on: temporary ones and those of other databases."""
    relations: dict[Name, Relation] = {}
    unresolved: str | None = None
    functions = reader.user_functions()
    for _ in range(VIEW_DEPTH_MAX):
        views_found = False
        expand_functions(tree, functions)
        for table in _real_tables(tree):
            if not isinstance(table.this, exp.Identifier):
                if table.this.name.lower() in ("query", "query_table"):
                    raise NotSupportedError(
                        f"a materialized view cannot read through {table.this.name.lower()}()",
                        hint="write the tables into the query",
                    )
                unresolved = unresolved or f"the table function {function_name(table.this)}()"
                continue
            relation = reader.resolve(table.catalog or None, table.db or None, table.name)
            if relation is None:
                _refuse_unknown(table.name)
            if relation is None or relation.kind is RelationKind.SYSTEM:
                unresolved = unresolved or f"{table.name}, whose changes are not tracked"
            elif relation.kind is RelationKind.VIEW:
                refuse_plain_view(relation)
                _inline(table, relation)
                views_found = True
            else:
                _check_kind(relation)
                _check_columns(relation)
                relations[relation.name] = relation
                _qualify(table, relation)
        if not views_found:
            return ResolvedQuery(tree=tree, relations=relations, unresolved=unresolved)
    raise NotSupportedError(f"views are nested deeper than {VIEW_DEPTH_MAX}", hint="flatten some of them")


def _real_tables(tree: exp.Query) -> list[exp.Table]:
    """Tables that are not names of CTEs."""
    found: dict[int, exp.Table] = {}
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                found[id(source)] = source
    for table in tree.find_all(exp.Table):  # the operand of PIVOT (…) in FROM stands in no scope
        if isinstance(table.parent, exp.Pivot):
            found.setdefault(id(table), table)
    return list(found.values())


def _refuse_unknown(name: str) -> None:
    """The engine took the query, so a bare name that is no table is the planner's misreading; others are files."""
    if re.fullmatch(r"\w+", name):
        raise NotSupportedError(
            f"the planner cannot tell which tables the query reads (it took {name} for one)",
            hint="write the query without PIVOT, UNPIVOT and the like",
        )


def _check_kind(relation: Relation) -> None:
    if relation.kind in MAINTAINED_KINDS:
        return
    raise NotSupportedError(
        f"a materialized view cannot read {relation.name}: it is a {relation.kind}",
        hint="copy it into a table of this database",
    )


def _check_columns(relation: Relation) -> None:
    """Changes travel in tables that hold columns of our own beside the relation's: those must stay apart."""
    if reserved := next((c.name for c in relation.columns if c.name.lower().startswith("_mv_")), None):
        raise NotSupportedError(
            f"a materialized view cannot read {relation.name}: its column name {reserved} is reserved",
            hint=f"ALTER TABLE {relation.name} RENAME {reserved} TO a name that does not begin with _mv_",
        )


def _qualify(table: exp.Table, relation: Relation) -> None:
    alias, name = table.alias or table.name, relation.name
    given = [column.name for column in table.args["alias"].columns] if table.args.get("alias") else []
    if given:  # FROM t AS x(p, q)
        names = [*given, *(column.name for column in relation.columns[len(given) :])]
        outputs = [
            exp.alias_(exp.column(exp.to_identifier(own.name, quoted=True)), name, quoted=True)
            for own, name in zip(relation.columns, names, strict=True)
        ]
        table.args["alias"].set("columns", None)
        item = exp.Subquery(this=exp.Select(expressions=outputs), alias=table.args["alias"].copy())
        table.replace(item)
        table.set("alias", None)
        item.this.set("from_", exp.From(this=table))
        alias = table.name
    table.set("this", exp.to_identifier(name.name.lower(), quoted=True))
    table.set("db", exp.to_identifier(name.schema.lower(), quoted=True))
    table.set("catalog", None)
    if not table.args.get("alias"):
        table.set("alias", exp.TableAlias(this=exp.to_identifier(alias.lower(), quoted=True)))


def _inline(table: exp.Table, view: Relation) -> None:
    if view.query is None:
        raise UnknownRelation(f"the definition of view {view.name} cannot be read")
    created = parse(view.query)
    body = created.expression if isinstance(created, exp.Create) else created
    if not isinstance(body, exp.Query):
        raise Unsupported(f"the view {view.name}")
    alias = exp.TableAlias(this=exp.to_identifier(table.alias or table.name, quoted=True))
    own = [column.name for column in created.this.expressions] if isinstance(created.this, exp.Schema) else []
    given = [column.name for column in table.args["alias"].columns] if table.args.get("alias") else []
    if names := [*given, *own[len(given) :]]:  # CREATE VIEW v (a, b), FROM v AS x (a)
        alias.set("columns", [exp.to_identifier(name, quoted=True) for name in names])
    for call in body.find_all(exp.Anonymous):
        if call.name.lower() == "count_star":  # so DuckDB writes count(*) in the text of a view
            call.replace(exp.Count(this=exp.Star()))
    put_query(table, body.copy(), alias)


def relations_of(query: str, reader: SchemaReader) -> dict[Name, Relation]:
    """The tables that a query reads which the planner does not take apart, found through plain views.

    Raises NotSupportedError where they cannot be told: such a view would never follow its tables.
    """
    found: dict[Name, Relation] = {}
    views: set[Name] = set()
    waiting = list(_names_in(query, reader))
    for _ in range(VIEW_DEPTH_MAX * 100):
        if not waiting:
            return found
        name = waiting.pop()
        relation = reader.resolve(*name)
        if relation is None:
            _refuse_unknown(name[-1])
        elif relation.kind is RelationKind.SYSTEM or relation.name in found or relation.name in views:
            continue
        elif relation.kind is RelationKind.VIEW:
            refuse_plain_view(relation)
            views.add(relation.name)
            waiting.extend(_names_in(relation.query or "", reader))
        else:
            _check_kind(relation)
            found[relation.name] = relation
    raise NotSupportedError("the query reads too many views", hint="flatten some of them")


def _names_in(query: str, reader: SchemaReader) -> list[tuple[str | None, str | None, str]]:
    """Names that stand for tables in a text, CTEs among them."""
    try:
        tree = parse(query)
        ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        tables = [
            table
            for table in tree.find_all(exp.Table)
            if isinstance(table.this, exp.Identifier) and (table.db or table.name.lower() not in ctes)
        ]
        return [(table.catalog or None, table.db or None, table.name) for table in tables]
    except (SqlglotError, RecursionError):
        return reader.table_names(query)
