"""The text of a view's query after what it reads has been renamed or reshaped: only references to the relation change.

    rename   FROM orders          =>  FROM purchases AS orders
    freeze   FROM orders AS o     =>  FROM (SELECT id, total AS amount FROM orders) AS o

The relation keeps its alias, and in a frozen reference its columns keep their names and their order, so that nothing
else in the query can mean something else: neither ``*`` nor NATURAL JOIN nor a name without its table. All other text
stays as the user wrote it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mvengine.planner.parse import parse
from mvengine.schema import Name, quote

Means = Callable[[str | None, str | None, str], bool]
"""Whether a name in the query (catalog, schema, name) stands for the relation in question."""


def rename(query: str, means: Means, new: Name, *, has_path: bool) -> str | None:
    """The query over the relation's new name; None where its references cannot be told. ``has_path``: names without a
    schema are looked up elsewhere first."""
    is_bare = new.schema == "main" and not has_path
    return _replaced(query, means, lambda _: quote(new.name) if is_bare else new.sql)


def freeze(query: str, means: Means, columns: tuple[tuple[str, str], ...]) -> str | None:
    """The query over these columns only: each as the relation has it now, and as the query calls it. None as above."""
    listed = ", ".join(quote(now) if now == was else f"{quote(now)} AS {quote(was)}" for now, was in columns)
    return _replaced(query, means, lambda reference: f"(SELECT {listed} FROM {reference})")


def _replaced(query: str, means: Means, form: Callable[[str], str]) -> str | None:
    """The query with every reference in another form."""
    try:
        tree = parse(query)
    except (SqlglotError, RecursionError):
        return None
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    text, spans = query, []
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or (not table.db and table.name.lower() in ctes):
            continue
        if not means(table.catalog or None, table.db or None, table.name):
            continue
        parts = [part for part in (table.args.get("catalog"), table.args.get("db"), table.this) if part is not None]
        if not all("start" in part.meta for part in parts):
            return None
        spans.append((parts[0].meta["start"], parts[-1].meta["end"] + 1, bool(table.alias), table.name))
    for start, end, has_alias, name in sorted(set(spans), reverse=True):
        alias = "" if has_alias else f" AS {quote(name)}"
        text = f"{text[:start]}{form(text[start:end])}{alias}{text[end:]}"
    return text
