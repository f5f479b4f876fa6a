"""The tables that a query reads, from DuckDB's own syntax tree (``json_serialize_sql``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Path = tuple[str | None, str | None, str]
"""Catalog, schema and name; None where the query leaves them out."""

_VIEW = re.compile(r'\s*CREATE\s[^"]*?\bVIEW\s(?:[^"]|"(?:[^"]|"")*")*?\sAS\s', re.I)


def query_of(text: str) -> str:
    """The query of a CREATE VIEW; any other text as it is."""
    found = _VIEW.match(text)
    return (text[found.end() :] if found else text).strip().rstrip(";")


def tables_in(tree: Any, ctes: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The tables of a serialized query, in the order of its text. ``ctes``: what names mean that are no tables; a CTE
    is known to those after it, and to itself if it is recursive."""
    if isinstance(tree, list):
        for item in tree:
            yield from tables_in(item, ctes)
        return
    if not isinstance(tree, dict):
        return
    if tree.get("type") == "BASE_TABLE":
        path = (None, None, *tree["qualified_name"]["path"])[-3:]
        if path[1] is not None or path[2].lower() not in ctes:
            yield path
        return
    for cte in (tree.get("cte_map") or {}).get("map", []):
        name = str(cte["key"]).lower()
        is_recursive = cte["value"]["query_node"]["type"] == "RECURSIVE_CTE_NODE"
        yield from tables_in(cte["value"], ctes | {name} if is_recursive else ctes)
        ctes |= {name}
    for key, value in tree.items():
        if key != "cte_map":
            yield from tables_in(value, ctes)
