"""A statement in one dialect → the statement in DuckDB's SQL and mvengine's own, and where its places were."""

from __future__ import annotations

from functools import lru_cache

from mvengine.errors import Error, NotSupportedError, Position, TooComplex
from mvengine.schema import literal, quote
from mvengine.sql.ddl import skip_condition
from mvengine.sql.dialects.settings import DUCKDB, native_setting
from mvengine.sql.dialects.windows import rewrite_windows
from mvengine.sql.names import read_name
from mvengine.sql.split import Piece, split
from mvengine.sql.tokens import end_of_group, position_at, string_value, tokenize, word_at
from mvengine.sql.view_text import EMIT_TOKENS, emits_on_window_close
from mvengine.sql.watermarks import rewrite_watermarks

_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE", "TABLE", "("})
_LITERAL = frozenset({"NULL", "TRUE", "FALSE", "DEFAULT", "(", ")", ",", "-", "+"})
_KNOWN_MAX = 256  # translations that are remembered
_MODIFIERS = frozenset({"OR", "REPLACE", "TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "UNLOGGED"})


def translate(piece: Piece, dialect: str) -> Piece:
    """The statement as mvengine and DuckDB read it; the same piece where nothing is to be changed.

    Errors: ParseError; NotSupportedError (0A000) with the position of what has no translation.
    """
    piece = rewrite_watermarks(rewrite_windows(piece, has_date_bin=dialect == DUCKDB))
    if dialect == DUCKDB or _is_literal_insert(piece):
        return piece
    original, piece = piece, _without_public(piece)
    try:
        text = _known(piece.text, dialect)
    except Error:
        text = _translated(piece, dialect)  # again, for the places in the whole text
    except RecursionError as error:
        raise TooComplex(
            "the statement is nested too deeply",
            position=piece.position(0),
            hint="divide it by WITH clauses or views, or SET dialect = 'duckdb'",
        ) from error
    return original if text == original.text else Piece(source=text, tokens=tuple(tokenize(text)))


def _is_literal_insert(piece: Piece) -> bool:
    """Whether it is INSERT INTO t VALUES of literals, which are the same in all dialects: there may be many of them."""
    tokens = piece.tokens
    if tokens[0].word != "INSERT" or word_at(tokens, 1) != "INTO":
        return False
    values = next((index for index, token in enumerate(tokens[:200]) if token.word == "VALUES"), len(tokens))
    names = (token for token in tokens[2:values] if token.kind == "word")
    are_names_plain = all(
        quote(t.text.lower()) == t.text.lower() and t.word not in ("PUBLIC", "OVERRIDING") for t in names
    )
    return (
        are_names_plain
        and values < len(tokens)
        and all(
            token.kind == "number" or token.word in _LITERAL or token.text[0] == "'" for token in tokens[values + 1 :]
        )
    )


@lru_cache(maxsize=_KNOWN_MAX)
def _known(text: str, dialect: str) -> str:
    """The translation of a text, remembered: the same statement is often sent again, with other parameters."""
    return _translated(Piece(source=text, tokens=tuple(tokenize(text))), dialect)


def _without_public(piece: Piece) -> Piece:
    """The schema that is there from the start is called public there, and main in DuckDB. Places stay as they are."""
    tokens = piece.tokens
    named = [
        index
        for index in range(len(tokens) - 1)
        if tokens[index].word == "PUBLIC" and word_at(tokens, index + 1) == "." and word_at(tokens, index - 1) != "."
    ]
    source = piece.source
    for index in named:
        start = tokens[index].start
        source = f"{source[:start]}main  {source[start + len('public') :]}"
    if not named:
        return piece
    start, end = piece.start, piece.end
    return Piece(source=source, tokens=tuple(token for token in tokenize(source) if start <= token.start < end))


def original_position(piece: Piece, translated: Piece, position: Position | None) -> Position | None:
    """A place in a translated statement, counted from its beginning, as a place in the text that it came from.

    It is that of the same word; of the statement's beginning where the word is the translation's own.
    """
    if position is None or piece is translated:
        return position
    word, count = None, 0
    for token in translated.tokens:
        at = position_at(translated.source, token.start)
        if (at.line, at.column) == (position.line, position.column):
            word = token.text.lower()
            break
    if word is None:
        return piece.position(0)
    offset = _offset(translated, position)
    count = sum(token.text.lower() == word for token in translated.tokens if token.start < offset)
    same = [index for index, token in enumerate(piece.tokens) if token.text.lower() == word]
    return piece.position(same[min(count, len(same) - 1)] if same else 0)


def _offset(piece: Piece, position: Position) -> int:
    lines = piece.source.split("\n")
    return sum(len(line) + 1 for line in lines[: position.line - 1]) + position.column - 1


def _translated(piece: Piece, dialect: str) -> str:
    from mvengine.sql.dialects import ddl  # sqlglot is loaded when a dialect first needs it
    from mvengine.sql.dialects.query import translate_query

    tokens, first = piece.tokens, piece.tokens[0].word
    if first in _QUERIES:
        return translate_query(piece, dialect)
    match first:
        case "EXPLAIN":
            return _with_tail(piece, dialect, _explained(piece))
        case "CREATE":
            return _create(piece, dialect)
        case "ALTER" if word_at(tokens, 1) == "TABLE":
            return ddl.alter_table(piece, dialect)
        case "PREPARE":
            after = end_of_group(tokens, 2) if word_at(tokens, 2) == "(" else 2
            if word_at(tokens, after) != "AS" or after + 1 == len(tokens):
                return piece.text
            return f"{piece.span(0, 2)} AS {_rest(piece, dialect, after + 1)}"
        case "COPY" if word_at(tokens, 1) == "(":
            end = end_of_group(tokens, 1)
            query = translate_query(Piece(source=piece.source, tokens=tokens[2 : end - 1]), dialect)
            return f"COPY ({query}) {piece.span(end, len(tokens))}"
        case "SET":
            return native_setting(piece)
    return piece.text


def _create(piece: Piece, dialect: str) -> str:
    from mvengine.sql.dialects import ddl

    tokens, index = piece.tokens, 1
    while word_at(tokens, index) in _MODIFIERS:
        index += 1
    match [word_at(tokens, index), word_at(tokens, index + 1)]:
        case ["TABLE", _]:
            return ddl.create_table(piece, dialect, index + 1)
        case ["VIEW", _]:
            return _view(piece, dialect, index + 1)
        case ["MATERIALIZED", "VIEW"]:
            return _view(piece, dialect, index + 2)
        case ["INDEX", _] | ["UNIQUE", "INDEX"]:
            return ddl.create_index(piece)
        case ["FUNCTION", _]:
            return _function(piece, dialect)
        case ["SOURCE" | "SINK" as kind, _] if (connector := _connector(piece, kind)) is not None:
            raise NotSupportedError(
                f"the connector {tokens[connector].text}",
                position=piece.position(connector),
                hint="mvengine reads files: CREATE TABLE … REFRESHABLE FROM 'glob', CREATE SOURCE … FROM 'glob'",
            )
        case ["SOURCE", _]:
            return ddl.create_source(piece, dialect, index + 1)
    return piece.text


def _function(piece: Piece, dialect: str) -> str:
    """CREATE FUNCTION … AS $$ SELECT … $$: its body is SQL of the dialect, too."""
    from mvengine.sql.dialects.query import translate_expression, translate_query

    tokens = piece.tokens
    for index in range(1, len(tokens)):
        if tokens[index].kind == "string" and word_at(tokens, index - 1) == "AS":
            bodies = split(string_value(tokens[index]))
            if len(bodies) != 1 or bodies[0].tokens[0].word != "SELECT":
                return piece.text
            body = bodies[0]
            has_from = any(token.word == "FROM" for token in body.tokens)
            value = "" if has_from else translate_expression(body.tail(1), dialect)
            text = translate_query(body, dialect) if has_from else f"SELECT {value}"
            head = piece.source[piece.start : tokens[index].start]
            return f"{head}{literal(text)}{piece.source[tokens[index].end : piece.end]}"
        if word_at(tokens, index) == "RETURN":
            return f"{piece.span(0, index + 1)} {translate_expression(piece.tail(index + 1), dialect)}"
    return piece.text


def _view(piece: Piece, dialect: str, index: int) -> str:
    """``CREATE … VIEW [IF NOT EXISTS] name [(columns)] [WITH (…)] AS query``."""
    tokens = piece.tokens
    _, after = read_name(piece, skip_condition(piece, index))
    while after < len(tokens) and word_at(tokens, after) != "AS":
        after = end_of_group(tokens, after) if word_at(tokens, after) == "(" else after + 1
    if emits_on_window_close(tokens):
        kept = Piece(source=piece.source, tokens=tokens[:-EMIT_TOKENS])
        return f"{_with_tail(kept, dialect, after + 1)} {piece.span(len(tokens) - EMIT_TOKENS, len(tokens))}"
    return _with_tail(piece, dialect, after + 1)


def _with_tail(piece: Piece, dialect: str, index: int) -> str:
    """The words before an index as they are, and the statement behind it translated."""
    if index >= len(piece.tokens):
        return piece.text
    head = piece.source[piece.start : piece.tokens[index].start]
    return f"{head}{_rest(piece, dialect, index)}"


def _rest(piece: Piece, dialect: str, index: int) -> str:
    return _translated(piece.tail(index), dialect) if index < len(piece.tokens) else ""


def _explained(piece: Piece) -> int:
    """The index of the statement that EXPLAIN explains; past the end where it is no statement but a view or table."""
    tokens, index = piece.tokens, 1
    if word_at(tokens, 1) == "(":
        index = end_of_group(tokens, 1)
    while word_at(tokens, index) in ("ANALYZE", "ANALYSE", "VERBOSE"):
        index += 1
    return len(tokens) if word_at(tokens, index) in ("REFRESH", "MATERIALIZED") else index


def _connector(piece: Piece, kind: str) -> int | None:
    """The index of the name of a connector that neither reads files nor is known."""
    tokens = piece.tokens
    for index in range(len(tokens) - 2):
        if word_at(tokens, index) == "CONNECTOR" and word_at(tokens, index + 1) == "=":
            is_known = kind == "SOURCE" and tokens[index + 2].text.strip("'").lower() in ("posix_fs", "s3")
            return None if is_known else index + 2
    return None
