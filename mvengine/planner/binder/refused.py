"""What no view's query may hold: parameters, side effects, row ids.

They are looked for in the query's text, before the engine sees it, so that each error has its position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mvengine.errors import NotSupportedError, Position
from mvengine.planner.reader import Relation
from mvengine.sql.tokens import Token, identifier, position_at, tokenize, word_at

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_EFFECTS = frozenset(
    {
        "nextval",
        "setval",
        "setseed",
        "write_log",
        "checkpoint",
        "force_checkpoint",
        "truncate_duckdb_logs",
        "enable_logging",
        "disable_logging",
        "enable_profiling",
        "disable_profiling",
    }
)
_NAMED = re.compile(r'"((?:[^"]|"")+)"')


def refuse_query(query: str) -> None:
    """Raises NotSupportedError, with its position, at the first thing that keeps a query from being a view."""
    tokens = tokenize(query)
    for index, message, hint in _found(tokens):
        raise NotSupportedError(message, hint=hint, position=position_at(query, tokens[index].start))


def refuse_plain_view(view: Relation) -> None:
    """The same for a plain view that a query reads, which the error names."""
    try:
        refuse_query(view.query or "")
    except NotSupportedError as error:
        raise NotSupportedError(f"view {view.name}: {error.message}", hint=error.hint) from error


def position_of_name(message: str, query: str) -> Position | None:
    """Where the first name that a message quotes stands in a query; None where it stands nowhere or several times."""
    named = _NAMED.search(message)
    if named is None:
        return None
    name = named[1].replace('""', '"').lower()
    places = [t.start for t in tokenize(query) if t.kind in ("word", "quoted") and identifier(t).lower() == name]
    return position_at(query, places[0]) if len(places) == 1 else None


def _found(tokens: Sequence[Token]) -> Iterator[tuple[int, str, str]]:
    """Index of the token, what is wrong, and what to do."""
    for index, token in enumerate(tokens):
        name = identifier(token).lower() if token.kind in ("word", "quoted") else ""
        if token.kind in ("parameter", "placeholder"):
            yield index, "a materialized view cannot have parameters", "write the value into its query"
        elif name == "rowid":  # changes with every rewriting of a table; that of a new row holds until COMMIT only
            yield index, "a materialized view cannot read rowid", "give the table a key of its own"
        elif name in _EFFECTS and word_at(tokens, index + 1) == "(":
            message = f"a materialized view cannot call {name}(): its query would change something each time it is run"
            numbering = "number rows by row_number() OVER (ORDER BY …)"
            yield index, message, numbering if name == "nextval" else f"run {name}() by a statement of its own"
        elif token.word in _WRITES and _opens_cte(tokens, index):
            message = f"a materialized view cannot {token.word} in a WITH clause: its query must only read"
            yield index, message, "write to the table by a statement of its own; the view follows it"


def _opens_cte(tokens: Sequence[Token], index: int) -> bool:
    return word_at(tokens, index - 1) == "(" and word_at(tokens, index - 2) in ("AS", "MATERIALIZED")
