"""Queries and DML of PostgreSQL's family → DuckDB's SQL, by sqlglot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from sqlglot import ErrorLevel, exp, parse_one
from sqlglot.errors import ParseError as ForeignParseError
from sqlglot.errors import SqlglotError, UnsupportedError

from mvengine.errors import Error, NotSupportedError, ParseError, Position
from mvengine.sql.dialects.calls import text_of
from mvengine.sql.dialects.marks import PREFIX, Marked, unmarked
from mvengine.sql.dialects.naming import name_columns
from mvengine.sql.dialects.rewrites import rewrite
from mvengine.sql.dialects.settings import RISINGWAVE
from mvengine.sql.dialects.values import name_values
from mvengine.sql.split import Piece
from mvengine.sql.tokens import Token, identifier, position_at, tokenize, word_at

_WORD = re.compile(r"\w+")
_NAMES = ("word", "quoted", "string")
_DUCKDB_TYPES = frozenset(
    {"json", "hugeint", "uhugeint", "uinteger", "ubigint", "usmallint", "utinyint", "tinyint", "blob"}
)
_NOISE = frozenset(
    """
    ALL AS ASC INNER OUTER BY IS NOT NULL FIRST LAST NULLS ONLY TABLE ROW ROWS NEXT FETCH LIMIT CAST DISTINCT INTO
    BOTH FROM FOR IN POSITION SELECT CROSS JOIN NATURAL SYMMETRIC INTEGER INT INT2 INT4 INT8 SMALLINT BIGINT REAL
    FLOAT4 FLOAT8 FLOAT DOUBLE PRECISION DECIMAL DEC NUMERIC BOOL BOOLEAN CHAR CHARACTER VARYING VARCHAR TEXT BYTEA
    STRING TIMESTAMP TIMESTAMPTZ TIME TIMETZ DATE WITH WITHOUT ZONE ARRAY INTERVAL SOME ANY SIMILAR TO SET BPCHAR
    BYTES VARBINARY AND MATERIALIZED TRUE FALSE RECURSIVE YEAR YEARS MONTH MONTHS WEEK WEEKS DAY DAYS HOUR HOURS
    MINUTE MINUTES SECOND SECONDS ESCAPE VALUES DEFAULT END OVER RANGE BETWEEN ILIKE LIKE ISNULL NOTNULL SESSION
    LEADING TRAILING UNKNOWN CURRENT_TIMESTAMP DO STRUCT EXCEPT EXCLUDE UESCAPE OVERRIDING ORDINALITY
    """.split()  # noqa: SIM905 - a list of words reads better as words
) - {"OVERRIDING", "ORDINALITY"}
"""Words that the parser may leave out or write otherwise without another meaning."""


def translate_query(piece: Piece, dialect: str) -> str:
    """The statement in DuckDB's SQL.

    Errors: ParseError where it is no SQL of the dialect; NotSupportedError, with the position of what it names.
    """
    _refuse_temporal_join(piece)
    marked = Marked(piece)
    tree = _parse(piece, marked, dialect)
    _require_whole(piece, marked, tree, dialect)
    name_columns(tree)
    if dialect == RISINGWAVE:
        _match_all(tree)
    return _printed_or_refused(piece, lambda: rewrite(name_values(tree)))


def _refuse_temporal_join(piece: Piece) -> None:
    for index in range(len(piece.tokens)):
        if word_at(piece.tokens, index) == "FOR" and word_at(piece.tokens, index + 1) == "SYSTEM_TIME":
            raise NotSupportedError(
                "FOR SYSTEM_TIME AS OF",
                position=piece.position(index),
                hint="join the table itself: a view follows both sides",
            )


def translate_expression(piece: Piece, dialect: str) -> str:
    """The same for an expression that stands alone: a default, a condition, a generated column."""
    marked = Marked(piece, prefix="SELECT ")
    tree = _parse(piece, marked, dialect)
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        raise ParseError("not an expression", position=piece.position(0), hint="write one value or condition")
    _require_whole(piece, marked, tree, dialect)
    return _printed_or_refused(piece, lambda: rewrite(tree).expressions[0])


def translate_type(piece: Piece, dialect: str) -> str:
    """The same for a type."""
    words = piece.text.lower().split("(")[0].strip()
    if words in _DUCKDB_TYPES:
        return piece.text
    marked = Marked(piece, prefix="SELECT CAST(NULL AS ", suffix=")")
    tree = _parse(piece, marked, dialect)
    return _printed_or_refused(piece, lambda: rewrite(tree).expressions[0].find(exp.Cast).args["to"])


def _printed_or_refused(piece: Piece, translated: Callable[[], exp.Expr]) -> str:
    """Prints a tree; what cannot be translated gets its position."""
    try:
        return printed(translated())
    except Error as error:
        error.position = error.position or _position_of(piece, error.message)
        raise
    except UnsupportedError as error:
        raise NotSupportedError(
            str(error).partition("\n")[0], position=piece.position(0), hint="write it in DuckDB's dialect"
        ) from error


def printed(tree: exp.Expr) -> str:
    """DuckDB's SQL of a tree, the names of functions as they are."""
    text = tree.sql("duckdb", normalize_functions=False, comments=False, unsupported_level=ErrorLevel.RAISE)
    return text.replace(PREFIX, "").replace(PREFIX.upper(), "")  # on words that the parser keeps as such


def _parse(piece: Piece, marked: Marked, dialect: str) -> exp.Expr:
    try:
        tree = parse_one(marked.text, dialect=dialect)
    except ForeignParseError as error:
        first = error.errors[0] if error.errors else {}
        line, column = first.get("line"), first.get("col")
        position = marked.position(line, column) if line and column else piece.position(0)
        word = marked.token(line, column).text if line and column else ""
        raise ParseError(
            f'syntax error at "{word}"' if word else "syntax error",
            position=position,
            hint=f"the session reads {dialect}'s SQL; SET dialect = 'duckdb' reads DuckDB's",
        ) from error
    except (SqlglotError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise ParseError(
            "the statement cannot be read",
            position=piece.position(0),
            hint=f"the session reads {dialect}'s SQL; SET dialect = 'duckdb' reads DuckDB's",
        ) from error
    if isinstance(tree, exp.Command):
        raise NotSupportedError(
            f"{tree.name} in this form", position=piece.position(0), hint="write it in DuckDB's dialect"
        )
    return tree


def _require_whole(piece: Piece, marked: Marked, tree: exp.Expr, dialect: str) -> None:
    """Refuses a statement of which the parser has dropped a word: sqlglot skips clauses that it does not know."""
    again = tree.sql(dialect, comments=False, unsupported_level=ErrorLevel.IGNORE)
    kept = Counter(word for token in tokenize(again) for word in _words(token))
    for token in tokenize(marked.text):
        if token.word in _NOISE:
            continue
        kept.subtract(_words(token))
        if any(kept[word] < 0 for word in _words(token)):
            same = [own for own in piece.tokens if own.text.lower() == unmarked(token.text.lower())]
            raise NotSupportedError(
                f"{unmarked(token.text)} in this place",
                position=position_at(piece.source, same[0].start) if same else piece.position(0),
                hint=f"this form of {dialect}'s SQL is not known here: leave it out, or write DuckDB's dialect",
            )


def _match_all(tree: exp.Expr) -> None:
    """RisingWave's ``regexp_matches`` finds all matches, with and without the flag g."""
    for node in tree.find_all(exp.Anonymous):
        if unmarked(node.name) == "regexp_matches" and len(node.expressions) in (2, 3):
            flags = text_of(node.expressions[2]) if len(node.expressions) == 3 else ""
            if flags is not None:
                node.set("expressions", [*node.expressions[:2], exp.Literal.string(flags + "g")])


def _words(token: Token) -> list[str]:
    """The words of a name or a string: an interval's are divided anew."""
    return _WORD.findall(identifier(token).lower()) if token.kind in _NAMES else []


def _position_of(piece: Piece, message: str) -> Position:
    """Where the first token stands that a message names; otherwise where the statement begins."""
    named = {word.strip("(),;:'\"").lower() for word in message.split()}
    for token in piece.tokens:
        if token.kind in ("word", "string") and (token.text.lower() in named or token.text.strip("'").lower() in named):
            return position_at(piece.source, token.start)
    return piece.position(0)
