"""CREATE MATERIALIZED VIEW → the root of a logical plan."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from mvengine.errors import NotSupportedError, ProgrammingError
from mvengine.planner.binder import using
from mvengine.planner.binder.conditions import refuse_misread
from mvengine.planner.binder.equalities import of_one_type
from mvengine.planner.binder.names import unique
from mvengine.planner.binder.refused import position_of_name, refuse_query
from mvengine.planner.binder.scalar import Unsupported, follows_tables_only, render
from mvengine.planner.binder.scopes import Names, make_aliases_unique
from mvengine.planner.binder.select import QueryBinder
from mvengine.planner.binder.table_functions import rewrite_arrays, rewrite_table_functions
from mvengine.planner.binder.tables import ResolvedQuery, relations_of, resolve_tables
from mvengine.planner.clock import is_clock
from mvengine.planner.emit.select import columns_of, select
from mvengine.planner.logical import Distinct, Limit, Materialize, Opaque, Project, Setting, Strategy, UnionAll
from mvengine.planner.node import Node
from mvengine.planner.parse import parse
from mvengine.planner.reader import SchemaReader
from mvengine.planner.scalar import Expr, Output, column
from mvengine.schema import Column, Columns, Name
from mvengine.sql.statements import Policy

ROOT = "v"


def bind_view(
    *,
    relation: Name,
    storage: str,
    staging: str,
    query: str,
    column_names: tuple[str, ...],
    policy: Policy,
    definition: str,
    settings: tuple[Setting, ...],
    reader: SchemaReader,
    exact_floats: bool,
    failure: str = "",
) -> Materialize:
    """The logical plan of a view. With ``exact_floats`` touched groups with a sum of FLOAT or DOUBLE are derived again.
    ``failure`` is the error that the planner met when it took the query apart: it is computed again then.

    Errors: BindError where DuckDB refuses the query; NotSupportedError where it reads what a view cannot depend on.
    """
    refuse_query(query)
    columns = _columns(_described(query, reader), column_names)
    tree, resolved, reason = (None, None, failure) if failure else _resolve(query, reader)
    known = resolved.relations if resolved else relations_of(query, reader)
    plan: Node
    order_by: tuple[str, ...] = ()
    try:
        if tree is None or resolved is None:
            raise Unsupported(reason)
        if resolved.unresolved:
            raise Unsupported(resolved.unresolved)
        plan, order_by = _planned(resolved, columns, reader)
        if policy is Policy.FULL:
            raise Unsupported("policy 'full'")
    except Unsupported as unsupported:
        plan = Opaque(
            query=query,
            relations=tuple(known),
            is_tracked=_is_tracked(tree, resolved, reader),
            reason=f"computed again: {_full_reason(policy, resolved, unsupported, failure)}",
        )
        order_by = order_by or _written_order(query, columns)
    return Materialize(
        input=plan,
        relation=relation,
        storage=storage,
        staging=staging,
        columns=columns,
        order_by=order_by,
        policy=policy.value,
        exact_floats=exact_floats,
        strategy=Strategy.FULL,
        reason=plan.reason if isinstance(plan, Opaque) else "",
        definition=definition,
        settings=settings,
    )


def _described(query: str, reader: SchemaReader) -> Columns:
    try:
        return reader.describe(query)
    except ProgrammingError as error:
        error.position = error.position or position_of_name(error.message, query)
        raise


def _planned(resolved: ResolvedQuery, columns: Columns, reader: SchemaReader) -> tuple[Node, tuple[str, ...]]:
    """The plan; Unsupported where the engine, which has accepted the query, refuses the planner's own form of it."""
    try:
        return _incremental(resolved, columns, reader)
    except (ProgrammingError, NotSupportedError) as error:
        raise Unsupported(f"a form that the planner cannot print ({str(error).splitlines()[0][:120]})") from error


def _full_reason(policy: Policy, resolved: ResolvedQuery | None, unsupported: Unsupported, failure: str) -> str:
    if policy is Policy.FULL:
        return "policy 'full' asks for it"
    if failure:
        return f"the planner could not take the query apart ({failure})"
    if resolved is not None and resolved.unresolved:
        return f"it reads {unsupported}"
    return f"{unsupported} has no delta rule"


def _is_tracked(tree: exp.Query | None, resolved: ResolvedQuery | None, reader: SchemaReader) -> bool:
    """Whether the result can change only when one of the resolved tables does."""
    if tree is None or resolved is None or resolved.unresolved:
        return False
    if any(is_clock(node) for node in resolved.tree.walk()):
        return False
    return follows_tables_only(render(resolved.tree), reader.functions())


def _columns(described: Columns, names: tuple[str, ...]) -> Columns:
    if names and len(names) != len(described):
        raise ProgrammingError(
            f"the view has {len(names)} column names, its query has {len(described)} columns",
            hint="name every column, or none",
        )
    final = unique(names or tuple(c.name for c in described))
    if reserved := next((name for name in final if name.lower().startswith("_mv_") or name.lower() == "rowid"), None):
        raise ProgrammingError(
            f"the column name {reserved} is reserved", hint="columns are not called rowid, nor begin with _mv_"
        )
    return tuple(Column(name=name, type=c.type) for name, c in zip(final, described, strict=True))


def _resolve(query: str, reader: SchemaReader) -> tuple[exp.Query | None, ResolvedQuery | None, str]:
    try:
        tree = parse(query)
    except (SqlglotError, RecursionError) as error:
        return None, None, f"a form that the planner does not read ({str(error).splitlines()[0][:120]})"
    rewrite_table_functions(tree)
    rewrite_arrays(tree)
    if not isinstance(tree, exp.Query):
        return None, None, f"{tree.key.upper()}"
    try:
        return tree, resolve_tables(tree, reader), ""
    except Unsupported as unsupported:
        return tree, None, str(unsupported)


def _incremental(resolved: ResolvedQuery, columns: Columns, reader: SchemaReader) -> tuple[Node, tuple[str, ...]]:
    refuse_misread(resolved.tree)
    _alias_subqueries(resolved.tree)
    schema: dict[str, object] = {}
    for name, relation in resolved.relations.items():
        by_name = {c.name.lower(): "unknown" for c in relation.columns}
        tables = schema.setdefault(name.schema.lower(), {})
        assert isinstance(tables, dict)
        tables[name.name.lower()] = by_name
    names = Names(resolved.tree)
    make_aliases_unique(resolved.tree, names)
    using.mark(resolved.tree)
    tree = _qualified(resolved.tree, schema)
    using.complete(tree)
    order_by = _order_by(tree, columns)
    names = Names(tree)
    make_aliases_unique(tree, names)  # those that have been given to items without one
    plan = QueryBinder(resolved.relations, reader, names).bind(tree, {}, ROOT)
    return _typed(of_one_type(plan, reader), columns, reader), order_by


def _alias_subqueries(tree: exp.Query) -> None:
    """SELECT (SELECT …) n  =>  SELECT (SELECT …) AS n, a node that sqlglot can find by its number in ORDER BY."""
    for query in list(tree.find_all(exp.Select)):
        for index, item in enumerate(query.expressions):
            if isinstance(item, exp.Subquery):
                name = item.args.get("alias")
                item.set("alias", None)
                alias = name.this if isinstance(name, exp.TableAlias) else name
                item.replace(exp.Alias(this=item.copy(), alias=alias or exp.to_identifier(f"_col_{index}")))


def _qualified(tree: exp.Query, schema: dict[str, object]) -> exp.Query:
    """The tree with every column named by its table. Where that fails, a subquery in FROM may read items before it,
    without the word LATERAL."""
    try:
        return qualify(tree.copy(), schema=schema, dialect="duckdb", quote_identifiers=False)
    except SqlglotError:
        for join in tree.find_all(exp.Join):
            if isinstance(join.this, exp.Subquery) and isinstance(join.this.this, exp.Query) and join.this.alias:
                join.set("this", exp.Lateral(this=exp.Subquery(this=join.this.this), alias=join.this.args["alias"]))
    try:
        return qualify(tree, schema=schema, dialect="duckdb", quote_identifiers=False)
    except SqlglotError as error:
        raise Unsupported(f"a name that the planner cannot resolve ({str(error).splitlines()[0][:120]})") from error


def _order_by(tree: exp.Expr, columns: Columns) -> tuple[str, ...]:
    """ORDER BY of the whole query over the view's columns, as far as it names them."""
    order = tree.args.get("order")
    if order is None or not isinstance(tree, exp.Select):
        return ()
    outputs = tree.expressions
    if len(outputs) != len(columns) or any(node.is_star for node in outputs):
        outputs = []  # ``*`` or COLUMNS(…), as it was written: numbers alone tell
    names = {node.alias_or_name.lower(): c.name for node, c in zip(outputs, columns, strict=False)}
    texts = [render(node.this if isinstance(node, exp.Alias) else node) for node in outputs]
    found: list[str] = []
    for ordered in (node.copy() for node in order.expressions):  # DISTINCT ON and LIMIT have a use for it as it is
        key = ordered.this if isinstance(ordered, exp.Ordered) else ordered
        name = names.get(key.name.lower()) if isinstance(key, exp.Column) and not key.table else None
        if name is None and isinstance(key, exp.Literal) and key.is_int:
            name = columns[int(key.name) - 1].name
        if name is None and render(key) in texts:
            name = columns[texts.index(render(key))].name
        if name is None:
            return ()
        key.replace(exp.column(exp.to_identifier(name)))
        found.append(render(ordered))
    return tuple(found)


def _written_order(query: str, columns: Columns) -> tuple[str, ...]:
    """``_order_by`` of a query that the planner does not take apart."""
    try:
        return _order_by(parse(query), columns)
    except (SqlglotError, RecursionError):
        return ()


def _typed(plan: Node, columns: Columns, reader: SchemaReader) -> Project:
    """The plan under the view's column names, with casts where its types would differ from the query's."""
    assert isinstance(plan, Project | UnionAll | Distinct | Limit)
    if len(columns_of(plan)) != len(columns):
        raise Unsupported("SELECT * over these joins")  # sqlglot drops columns that share a name with one of USING
    types = reader.describe(select(plan, weighted=False))
    outputs = []
    for own, described, wanted in zip(columns_of(plan), types, columns, strict=True):
        expr = column(plan.alias, own)
        if described.type != wanted.type:
            expr = Expr(sql=f"CAST({expr.sql} AS {wanted.type})", columns=expr.columns)
        outputs.append(Output(name=wanted.name, expr=expr))
    if isinstance(plan, Project) and all(d.type == w.type for d, w in zip(types, columns, strict=True)):
        renamed = tuple(Output(name=o.name, expr=i.expr) for o, i in zip(outputs, plan.outputs, strict=True))
        return Project(input=plan.input, outputs=renamed, alias=ROOT)
    return Project(input=plan, outputs=tuple(outputs), alias=ROOT)
