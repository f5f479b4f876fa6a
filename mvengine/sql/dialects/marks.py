"""PostgreSQL's text → the text that sqlglot reads, and back.

sqlglot takes many functions for its own idea of them, and forgets what they were called: ``substr`` becomes
``SUBSTRING``, ``now()`` ``CURRENT_TIMESTAMP``. So every call gets a prefix first, by which the parser leaves it alone:
what a function means is decided by one table (``functions.py``), and unaliased columns can be named after it.
"""

from __future__ import annotations

from mvengine.errors import Position
from mvengine.sql.split import Piece
from mvengine.sql.tokens import Token, position_at, word_at

PREFIX = "mvfn_"

_SYNTAX = frozenset(
    """
    ALL AND ANY ARRAY AS ASOF BETWEEN BY CASE CAST CHAR CHARACTER CHECK COALESCE CONFLICT CUBE DEC DECIMAL DEFAULT
    DISTINCT ELSE END EXCEPT EXCLUDE EXISTS EXTRACT FETCH FILTER FROM GREATEST GROUP GROUPING HAVING ILIKE IN INSERT
    INTERSECT INTERVAL INTO IS JOIN KEY LATERAL LEAST LIKE LIMIT MATERIALIZED NOT NULLIF NUMERIC OFFSET ON OR ORDER
    OVER OVERLAY PARTITION POSITION RETURNING ROLLUP ROW ROWS SELECT SET SETS SOME STRUCT SUBSTRING TABLE THEN TIME
    TIMESTAMP TIMESTAMPTZ TO TRIM UNION UNIQUE UNNEST USING VALUES VARCHAR VARYING WHEN WHERE WINDOW WITH WITHIN
    BPCHAR BIT MATCHED RECURSIVE VECTOR MAP TIMETZ FLOAT
    """.split()  # noqa: SIM905 - a list of words reads better as words
)


class Marked:
    """A statement's text with its calls marked, and the way back from places in it."""

    def __init__(self, piece: Piece, *, prefix: str = "", suffix: str = "") -> None:
        self._piece = piece
        parts, self._starts = [prefix], list[tuple[int, int]]()  # offsets in the marked text and in the source
        done, length = piece.start, len(prefix)
        for index, token in enumerate(piece.tokens):
            replaced = _marked(piece.tokens, index)
            gap = piece.source[done : token.start]
            length += len(gap)
            self._starts.append((length, token.start))
            parts += [gap, replaced]
            length += len(replaced)
            done = token.end
        self.text = "".join(parts) + suffix

    def position(self, line: int, column: int) -> Position:
        """Where in the source the token stands that sqlglot names by a line and the column of its end."""
        lines = self.text.split("\n")
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + max(column - 1, 0)
        before = [source for start, source in self._starts if start <= offset]
        return position_at(self._piece.source, before[-1] if before else self._piece.start)


def unmarked(name: str) -> str:
    """A name without the mark."""
    return name[len(PREFIX) :] if name.startswith(PREFIX) else name


def _marked(tokens: tuple[Token, ...], index: int) -> str:
    token = tokens[index]
    if token.kind == "word" and word_at(tokens, index + 1) == "(" and token.word not in _SYNTAX:
        return f"{PREFIX}{token.text.lower()}"
    if token.kind == "string" and _follows_arrow(tokens, index):
        return f"({token.text})"  # sqlglot would read a bare key as a JSONPath, and 'a.b' as two keys
    if token.kind == "number" and _follows_arrow(tokens, index):
        return f"({token.text})"
    return token.text


def _follows_arrow(tokens: tuple[Token, ...], index: int) -> bool:
    marks = [word_at(tokens, i) for i in (index - 3, index - 2, index - 1)]
    return marks[1:] == ["-", ">"] or marks == ["-", ">", ">"]
