"""Plain views and functions of the user: what they read, and which views need them. DuckDB keeps no record of it.

Told by their texts, as they are now: a name without a schema is looked up in the schema of the view that holds it, then
on the search path. A text that DuckDB cannot take apart counts as naming every word in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error, StateError
from mvengine.planner.logical import Materialize
from mvengine.refresh.graph import Graph, ViewDefinition
from mvengine.refresh.reader import OWN_SCHEMAS
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.sql.tokens import identifier, names_in, tokenize
from mvengine.sql.view_text import read_view

_RELATIONS = """
SELECT schema_name, table_name AS name, NULL AS sql FROM duckdb_tables()
WHERE database_name = $1 AND NOT temporary AND NOT internal
UNION ALL
SELECT schema_name, view_name, sql FROM duckdb_views() WHERE database_name = $1 AND NOT temporary AND NOT internal
"""
_FUNCTIONS = """
SELECT schema_name, function_name, string_agg(macro_definition, ' ') FROM duckdb_functions()
WHERE database_name = $1 AND NOT internal AND function_type IN ('macro', 'table_macro') GROUP BY ALL
"""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function of the user, with all its forms. Its name is of another namespace than that of a table."""

    name: Name

    def __str__(self) -> str:
        return f"{self.name}()"


Object = Name | Function
"""A table, a view of any kind, or a function."""


class Dependents:
    """Who reads whom, at one moment."""

    def __init__(self, engine: DuckDbEngine, graph: Graph, database: str) -> None:
        self.engine = engine
        self.graph = graph
        self._database = database

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The schemas of the search path."""
        return tuple(self.engine.query("SELECT current_schemas(false)")[0][0])

    @cached_property
    def relations(self) -> Mapping[Name, str | None]:
        """All tables and views that are not mvengine's own, views with DuckDB's text."""
        rows = self.engine.query(_RELATIONS, [self._database])
        return {Name(schema=schema, name=name): sql for schema, name, sql in rows if schema not in OWN_SCHEMAS}

    @cached_property
    def plain_views(self) -> Mapping[Name, str]:
        """Plain views with DuckDB's text of them; sources are among them."""
        kept = self.graph
        return {name: sql for name, sql in self.relations.items() if sql and name not in kept}

    @cached_property
    def functions(self) -> Mapping[Name, str]:
        """Functions with the texts of their bodies."""
        rows = self.engine.query(_FUNCTIONS, [self._database])
        return {Name(schema=schema, name=name): text or "" for schema, name, text in rows if schema not in OWN_SCHEMAS}

    @cached_property
    def _reads(self) -> Mapping[Object, frozenset[Object]]:
        """What each plain view, materialized view and function names."""
        found: dict[Object, frozenset[Object]] = {}
        for name, sql in self.plain_views.items():
            found[name] = self.named_in(read_view(sql).query, name.schema)
        for name, body in self.functions.items():
            found[Function(name=name)] = self.named_in(_as_query(body), name.schema)
        for name, view in self.graph.views.items():
            found[name] = self.named_in(view.plan.definition, *_path_of(view.plan))
        return found

    def named_in(self, query: str, *schemas: str) -> frozenset[Object]:
        """The relations and functions that a query names; its bare names are looked up in these schemas first."""
        path = (*schemas, *self.path, "main")
        relations = (self._found(self.relations, schema, name, path) for schema, name in self._tables(query))
        called = (self._found(self.functions, schema, name, path) for schema, name in self._calls(query))
        return frozenset(
            (*(name for name in relations if name), *(Function(name=name) for name in called if name is not None))
        )

    def relation(self, schema: str | None, name: str, *schemas: str) -> Name | None:
        """The table or view that a name means, looked up as ``named_in`` does."""
        return self._found(self.relations, schema, name, (*schemas, *self.path, "main"))

    def _tables(self, query: str) -> list[tuple[str | None, str]]:
        try:
            return [(schema, name) for _, schema, name in self.engine.table_names(query)]
        except Error:
            return [(None, name) for name in names_in(tokenize(query))]

    def _calls(self, query: str) -> Iterator[tuple[str | None, str]]:
        """Names in front of a bracket that some function of the user has."""
        known = {name.name.lower() for name in self.functions}
        tokens = tokenize(query) if known else []
        for index, token in enumerate(tokens[:-1]):
            if tokens[index + 1].word != "(" or token.kind not in ("word", "quoted"):
                continue
            if identifier(token).lower() in known:
                is_qualified = index > 1 and tokens[index - 1].word == "."
                yield identifier(tokens[index - 2]) if is_qualified else None, identifier(token)

    def _found(
        self, known: Mapping[Name, str | None] | Mapping[Name, str], schema: str | None, name: str, path: Iterable[str]
    ) -> Name | None:
        candidates = (Name(schema=place, name=name) for place in ([schema] if schema else path))
        return next((candidate for candidate in candidates if candidate in known), None)

    def readers(self, of: Object) -> tuple[Object, ...]:
        """Plain views, materialized views and functions that name it."""
        return tuple(reader for reader, reads in self._reads.items() if of in reads)

    def above(self, objects: Iterable[Object]) -> tuple[Object, ...]:
        """All that needs one of these, directly or through others: each after what it needs."""
        reached: dict[Object, None] = {}
        waiting = list(objects)
        known = set(waiting)
        while waiting:
            for reader in self.readers(waiting.pop()):
                if reader not in known:
                    known.add(reader)
                    waiting.append(reader)
                    reached[reader] = None
        return tuple(self._in_order(reached))

    def _in_order(self, objects: Iterable[Object]) -> Iterator[Object]:
        left = list(objects)
        while left:
            ready = [one for one in left if not self._reads[one] & (set(left) - {one})] or left
            yield from ready
            left = [one for one in left if one not in ready]

    def expanded(self, plan: Materialize) -> tuple[Object, ...]:
        """The plain views and functions that a materialized view's query names, directly or through one another."""
        found: dict[Object, None] = {}
        waiting = list(self.named_in(plan.definition, *_path_of(plan)))
        while waiting:
            one = waiting.pop()
            if one not in found and (isinstance(one, Function) or one in self.plain_views):
                found[one] = None
                waiting.extend(self._reads[one])
        return tuple(found)

    def require_unbuilt(self, objects: Iterable[Object], what: str) -> None:
        """Raises StateError where a view is being built whose query is made of one of these plain views or functions:
        it goes by what they were when it began."""
        wanted = set(objects)
        for building in self.graph.building.values():
            definition = building.definition
            if isinstance(definition, ViewDefinition) and wanted & set(self.expanded(definition.plan)):
                job = building.job_id
                raise StateError(
                    f"{what}: job {job} is building {building.name}, which is made of it",
                    hint=f"WAIT JOB {job}, or CANCEL JOB {job}",
                )

    def through(self, objects: Iterable[Object]) -> tuple[ViewDefinition, ...]:
        """The materialized views whose texts reach one of these through plain views and functions alone: what a change
        of these changes. In the order of the graph."""
        reached: set[Object] = set(objects)
        waiting = list(reached)
        found: set[Name] = set()
        while waiting:
            for reader in self.readers(waiting.pop()):
                if isinstance(reader, Name) and reader in self.graph.views:
                    found.add(reader)
                elif reader not in reached:
                    reached.add(reader)
                    waiting.append(reader)
        return tuple(view for name, view in self.graph.views.items() if name in found)


def note_expanded(transaction: Transaction, relation_id: int, plan: Materialize) -> None:
    """Remembers which plain views and functions the query of a materialized view is made of."""
    dependents = Dependents(transaction.engine, transaction.graph, transaction.database.name)
    found = dependents.expanded(plan)
    kinds = [("function", one.name) if isinstance(one, Function) else ("view", one) for one in found]
    transaction.database.store(transaction.engine).note_expanded(relation_id, kinds)


def _path_of(plan: Materialize) -> tuple[str, ...]:
    """The search path under which a materialized view was created."""
    path = next((setting.value for setting in plan.settings if setting.name == "search_path"), "")
    return tuple(part.strip().strip('"').rpartition(".")[2] for part in path.split(",") if part.strip())


def _as_query(body: str) -> str:
    """The body of a function as a query that names what it names."""
    return body if body.lstrip().upper().startswith(("SELECT", "WITH", "FROM", "VALUES")) else f"SELECT {body}"
