"""PostgreSQL's text → the text that sqlglot reads, and back.

sqlglot takes many functions for its own idea of them, and forgets what they were called: ``substr`` becomes
``SUBSTRING``, ``now()`` ``CURRENT_TIMESTAMP``. So every call gets a prefix first, by which the parser leaves it alone:
what a function means is decided by one table (``functions.py``), and unaliased columns can be named after it.
"""

from __future__ import annotations

from mvengine.errors import ParseError, Position
from mvengine.sql.split import Piece
from mvengine.sql.tokens import Token, position_at, word_at

PREFIX = "mvfn_"
PATH = "path_of_keys"  # what stands around a path behind #> or #>>, which -> and ->> are written as

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


_UNITS = frozenset({"YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"})


class Marked:
    """A statement's text with its calls marked, and the way back from places in it."""

    def __init__(self, piece: Piece, *, prefix: str = "", suffix: str = "") -> None:
        if not piece.tokens:
            where = position_at(piece.source, len(piece.source))
            raise ParseError("a query or an expression is missing", position=where, hint="write one")
        self._piece = piece
        parts, self._starts = [prefix], list[tuple[int, Token]]()  # offsets in the marked text, and what stood there
        done, length = piece.start, len(prefix)
        for index, token in enumerate(piece.tokens):
            replaced = _marked(piece.tokens, index)
            gap = piece.source[done : token.start]
            length += len(gap)
            self._starts.append((length, token))
            parts += [gap, replaced]
            length += len(replaced)
            done = token.end
        self.text = "".join(parts) + suffix

    def position(self, line: int, column: int) -> Position:
        """Where in the source the token stands that sqlglot names by a line and the column of its end."""
        return position_at(self._piece.source, self.token(line, column).start)

    def token(self, line: int, column: int) -> Token:
        """The token itself, as the user wrote it."""
        lines = self.text.split("\n")
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + max(column - 1, 0)
        before = [token for start, token in self._starts if start <= offset]
        return before[-1] if before else self._piece.tokens[0]


def unmarked(name: str) -> str:
    """A name without the mark."""
    return name[len(PREFIX) :] if name.startswith(PREFIX) else name


def _marked(tokens: tuple[Token, ...], index: int) -> str:
    token = tokens[index]
    if token.kind == "word" and word_at(tokens, index + 1) == "(" and token.word not in _SYNTAX:
        return f"{PREFIX}{token.text.lower()}"
    if _is_interval(tokens, index):
        return ""
    if token.kind == "string" and _is_interval(tokens, index - 1):
        return f"{token.text}::interval"  # of '1 day 02:03:04' sqlglot would keep the day behind INTERVAL
    if _is_mark(tokens, index, "->"):
        return "#"  # in the arguments of a call sqlglot would read x -> 1 as a lambda; #> is as good
    if token.kind == "string" and (_is_mark(tokens, index - 2, "#>") or _is_mark(tokens, index - 3, "#>>")):
        return f"{PREFIX}{PATH}({token.text})"
    return token.text


def _is_interval(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether INTERVAL begins a literal without a unit behind it."""
    has_text = word_at(tokens, index) == "INTERVAL" and index + 1 < len(tokens) and tokens[index + 1].kind == "string"
    return has_text and word_at(tokens, index + 2).rstrip("S") not in _UNITS


def _is_mark(tokens: tuple[Token, ...], index: int, mark: str) -> bool:
    """Whether an operator begins at a token: its characters are tokens of their own."""
    if index < 0 or any(word_at(tokens, index + i) != char for i, char in enumerate(mark)):
        return False
    return tokens[index].start + len(mark) == tokens[index + len(mark) - 1].end
