"""Queries that are nobody's but DuckDB's, known without being divided into tokens.

A SELECT of names, numbers, operators, parentheses and short strings cannot be one of mvengine's statements, cannot
write, and reads none of the catalogs that mvengine answers for. To divide it into tokens would take up to half as
long as to run it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mvengine.errors import Error
from mvengine.sql.catalogs import MAY_NAME
from mvengine.sql.statements import Native

_STRING = r"'[^'()\\\ud800-\udfff]*+'"  # no bracket, which would be counted; no half of a surrogate pair
_PLAIN = re.compile(rf"\s*+(?:SELECT|VALUES)\b(?:[\w\s().,*/+<>=!%|:-]++|{_STRING})*+;?\s*+", re.IGNORECASE)
_WRITING = r"INSERT|UPDATE|DELETE|MERGE|TRUNCATE|json_execute\w*|query|lambda"
_REWRITTEN = r"TUMBLE|HOP|date_bin"  # by dialects.windows
_OTHER = re.compile(rf"--|/\*|\b(?:{_WRITING}|{_REWRITTEN})\b|{MAY_NAME}", re.IGNORECASE)
_LENGTH_MAX = 10_000


def read_plain(text: str, extract: Callable[[str], Sequence[tuple[str, str]]]) -> Native | None:
    """The query; None for what is none, or may be more, or is wrong: that is for others to say.

    Brackets are counted first: DuckDB takes exponential time to find out that one is missing.
    """
    if len(text) > _LENGTH_MAX or text.count("(") != text.count(")"):
        return None
    if not _PLAIN.fullmatch(text) or _OTHER.search(text):
        return None
    query = text.strip().rstrip("; \t\r\n")
    try:
        found = extract(query)
    except Error:
        return None
    return Native(kind="SELECT", text=query) if [kind for kind, _ in found] == ["SELECT"] else None
