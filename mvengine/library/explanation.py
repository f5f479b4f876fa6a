"""EXPLAIN as a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mvengine.engines.base import Rows
from mvengine.errors import ParseError
from mvengine.library.listing import Text, text_table
from mvengine.library.statements import named, query_text
from mvengine.schema import Name
from mvengine.sql.names import parse_name

if TYPE_CHECKING:
    from mvengine.session import Session


def explain_statement(session: Session, what: object, *, stage: str | None, analyze: bool) -> str:
    """The statement that explains a view of this name, or a statement or query."""
    text = query_text(what)
    if stage is not None:
        return f"EXPLAIN ({stage}) {text}"
    if not analyze and _is_view(session, text):
        return f"EXPLAIN MATERIALIZED VIEW {named(text)}"
    return f"EXPLAIN {'ANALYZE ' if analyze else ''}{text}"


def text_of(columns: Sequence[str], rows: Rows) -> Text:
    """The answer of an EXPLAIN."""
    if list(columns) in (["explain"], ["explain_key", "explain_value"]):
        return Text("\n".join(str(row[-1]) for row in rows))
    return Text(text_table(columns, rows))


def _is_view(session: Session, text: str) -> bool:
    """Whether a text is the name of a materialized view: no statement is one."""
    try:
        found = parse_name(text)
    except ParseError:
        return False
    reader = session.reader
    places = (found.schema,) if found.schema else reader.place().path
    return any(Name(schema=place, name=found.name) in reader.graph.views for place in places)
