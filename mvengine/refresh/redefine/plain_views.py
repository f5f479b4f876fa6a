"""Plain views whose texts name a relation that gets another name: DuckDB would let them break."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mvengine.errors import DependentObjects
from mvengine.refresh.comments import keeping_comments
from mvengine.refresh.dependents import Dependents, Function
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote
from mvengine.sql.view_text import read_view

Means = Callable[[str | None, str | None, str], bool]


def renamed_views(dependents: Dependents, old: Name, new: Name) -> Mapping[Name, str]:
    """The texts that plain views get. Errors: DependentObjects for a view, or a function, that a materialized view is
    made of and that cannot be told; others are left as they are."""
    found = {}
    for reader in dependents.readers(old):
        if reader in dependents.graph.views:
            continue
        text = None
        if not isinstance(reader, Function) and reader in dependents.plain_views:
            text = _renamed(dependents, reader, old, new)
        if text is not None and not isinstance(reader, Function):
            found[reader] = text
        elif views := dependents.through([reader]):
            raise DependentObjects(
                f"{old} cannot be renamed: {views[0].name} reads it through {reader}, which cannot be followed",
                hint=f"DROP MATERIALIZED VIEW {views[0].name} first, and create it again afterwards",
            )
    return found


def _renamed(dependents: Dependents, view: Name, old: Name, new: Name) -> str | None:
    from mvengine.planner.restate import rename

    query = read_view(dependents.plain_views[view]).query
    text = rename(query, _meaning(dependents, view, old), new, has_path=view.schema.lower() != "main")
    return None if text == query else text


def frozen_views(
    dependents: Dependents,
    relation: Name,
    columns: tuple[tuple[str, str], ...],
    names: tuple[str, ...],
    *,
    is_all: bool,
) -> Mapping[Name, str]:
    """The texts over these columns of a relation (each as it is called afterwards, and so far) that plain views get,
    where what they say could mean something else by columns of these ``names``. Not ``is_all``: only of those that
    materialized views are made of; others get new columns by ``*``, as in DuckDB."""
    from mvengine.planner.reading import depends_on_columns
    from mvengine.planner.restate import freeze

    found = {}
    for reader in dependents.readers(relation):
        if isinstance(reader, Function) or reader not in dependents.plain_views:
            continue
        query = read_view(dependents.plain_views[reader]).query
        if depends_on_columns(query, names) and (is_all or dependents.through([reader])):
            text = freeze(query, _meaning(dependents, reader, relation), columns)
            if text is not None and text != query:
                found[reader] = text
    return found


def qualified(dependents: Dependents, view: Name) -> str:
    """The query of a plain view with a schema before each name, so that it means the same in any schema."""
    from mvengine.planner.restate import rename

    query = read_view(dependents.plain_views[view]).query
    for known in dependents.named_in(query, view.schema):
        if isinstance(known, Name):
            means = _meaning(dependents, view, known)
            query = rename(query, means, known, has_path=True) or query
    return query


def _meaning(dependents: Dependents, view: Name, known: Name) -> Means:
    return lambda _, schema, name: dependents.relation(schema, name, view.schema) == known


def replace_texts(transaction: Transaction, dependents: Dependents, texts: Mapping[Name, str]) -> None:
    """Gives plain views their new texts; names of columns and comments stay."""
    for name, query in texts.items():
        with keeping_comments(transaction.engine, name, name):
            create_view(transaction, dependents, name, name, query, verb="CREATE OR REPLACE")


def create_view(
    transaction: Transaction, dependents: Dependents, old: Name, new: Name, query: str, *, verb: str = "CREATE"
) -> None:
    """Makes a plain view with the column names that ``old`` was declared with."""
    columns = read_view(dependents.plain_views[old]).columns
    listed = f" ({', '.join(quote(column) for column in columns)})" if columns else ""
    transaction.engine.query(f"{verb} VIEW {new.sql}{listed} AS {query}")
