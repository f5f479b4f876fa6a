"""CREATE TABLE and its kin in PostgreSQL's family: types, defaults and conditions in DuckDB's terms, by clauses."""

from __future__ import annotations

from collections.abc import Iterator

from mvengine.errors import NotSupportedError
from mvengine.schema import quote
from mvengine.sql.ddl import skip_condition
from mvengine.sql.dialects.query import translate_expression, translate_query, translate_type
from mvengine.sql.dialects.rules import APPEND_ONLY, IGNORE_CONFLICTS, rule
from mvengine.sql.names import read_name
from mvengine.sql.split import Piece
from mvengine.sql.tokens import end_of_group, word_at

_CONSTRAINTS = frozenset(
    {"PRIMARY", "NOT", "NULL", "DEFAULT", "CHECK", "UNIQUE", "REFERENCES", "GENERATED", "COLLATE", "CONSTRAINT", "AS"}
)
_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "LIKE", "WATERMARK", "EXCLUDE"})
_OPENING = ("(", "[", "{", "<")
_SERIALS = frozenset({"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8"})
_AS_THEY_ARE = frozenset({"REFRESHABLE", "CONNECTOR", "REFRESH_MODE"})


def create_table(piece: Piece, dialect: str, index: int) -> str:
    """``CREATE … TABLE [IF NOT EXISTS] name (elements) …``; ``index`` is the token behind TABLE."""
    head, parts, after = _columns(piece, dialect, index)
    tail, rules = _tail(piece, dialect, after)
    if rules and not parts:
        raise NotSupportedError(f"{rules[0]} without columns", position=piece.position(after), hint="list the columns")
    elements = f" ({', '.join((*parts, *map(rule, rules)))})" if parts else ""
    return f"{head}{elements}{tail}"


def create_source(piece: Piece, dialect: str, index: int) -> str:
    """``CREATE SOURCE name [(columns)] …``: types in DuckDB's terms; the clauses are mvengine's own."""
    head, parts, after = _columns(piece, dialect, index)
    elements = f" ({', '.join(parts)})" if parts else ""
    return f"{head}{elements} {piece.span(after, len(piece.tokens))}".rstrip()


def _columns(piece: Piece, dialect: str, index: int) -> tuple[str, list[str], int]:
    """What stands before the columns, the elements of the table, and the index after them."""
    tokens = piece.tokens
    _, after = read_name(piece, skip_condition(piece, index))
    if word_at(tokens, after) != "(":
        return piece.span(0, after), [], after
    end = end_of_group(tokens, after)
    parts = [_element(piece, dialect, first, last) for first, last in commas(piece, after + 1, end - 1)]
    return piece.span(0, after), parts, end


def create_index(piece: Piece) -> str:
    """CREATE INDEX without what only says how it is stored: INCLUDE, DISTRIBUTED BY, USING."""
    tokens, parts, index = piece.tokens, list[str](), 0
    while index < len(tokens):
        word = word_at(tokens, index)
        if word == "INCLUDE" and word_at(tokens, index + 1) == "(":
            index = end_of_group(tokens, index + 1)
        elif word == "DISTRIBUTED" and word_at(tokens, index + 1) == "BY":
            index = end_of_group(tokens, index + 2)
        elif word == "USING" and word_at(tokens, index + 2) == "(":
            index += 2
        else:
            after = index + 1
            gap = piece.source[tokens[index].end : tokens[after].start] if after < len(tokens) else ""
            parts.append(tokens[index].text + gap)
            index = after
    return "".join(parts).rstrip()


def alter_table(piece: Piece, dialect: str) -> str:
    """ALTER TABLE … ADD [COLUMN] name type …, ALTER [COLUMN] name TYPE type; all else as it is."""
    tokens = piece.tokens
    _, after = read_name(piece, skip_condition(piece, 2))
    match [word_at(tokens, after), word_at(tokens, after + 1)]:
        case ["ADD", word] if word not in _TABLE_CONSTRAINTS:
            start = after + 1 + (word == "COLUMN")
            start = skip_condition(piece, start)
            return f"{piece.span(0, start)} {_column(piece, dialect, start, len(tokens))}"
        case ["ALTER", word]:
            name = after + 1 + (word == "COLUMN")
            index = name + 1 + (word_at(tokens, name + 1) == "SET" and word_at(tokens, name + 2) == "DATA") * 2
            if word_at(tokens, index) == "TYPE":
                end = next((i for i in range(index, len(tokens)) if tokens[i].word == "USING"), len(tokens))
                form = f"{piece.span(0, name + 1)} TYPE {translate_type(_slice(piece, index + 1, end), dialect)}"
                if end == len(tokens):
                    return form
                return f"{form} USING {translate_expression(_slice(piece, end + 1, len(tokens)), dialect)}"
            if [word_at(tokens, name + 1), word_at(tokens, name + 2)] == ["SET", "DEFAULT"]:
                value = translate_expression(_slice(piece, name + 3, len(tokens)), dialect)
                return f"{piece.span(0, name + 3)} {value}"
    return piece.text


def commas(piece: Piece, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The runs of tokens between commas outside brackets."""
    start, index = first, first
    while index < last:
        if word_at(piece.tokens, index) in _OPENING:
            index = _after_group(piece, index)
            continue
        if word_at(piece.tokens, index) == ",":
            yield start, index
            start = index + 1
        index += 1
    if start < last:
        yield start, last


def _after_group(piece: Piece, index: int) -> int:
    """The index after the bracket that closes the one at an index; those of ``struct<…>`` are brackets, too."""
    if word_at(piece.tokens, index) != "<":
        return end_of_group(piece.tokens, index)
    depth = 0
    while index < len(piece.tokens):
        word = word_at(piece.tokens, index)
        depth += (word == "<") - (word == ">")
        index += 1
        if depth == 0:
            break
    return index


def _element(piece: Piece, dialect: str, first: int, last: int) -> str:
    word = word_at(piece.tokens, first)
    if word in ("LIKE", "EXCLUDE"):
        raise NotSupportedError(f"{word} in CREATE TABLE", position=piece.position(first), hint="list the columns")
    following = word_at(piece.tokens, first + 1)
    is_constraint = word in _TABLE_CONSTRAINTS and (following in ("(", "KEY", "FOR") or word in ("CONSTRAINT", "CHECK"))
    if is_constraint:
        return _constraints(piece, dialect, first, last)
    return _column(piece, dialect, first, last)


def _column(piece: Piece, dialect: str, first: int, last: int) -> str:
    """``name type constraints``."""
    tokens, after = piece.tokens, first + 1
    while after < last and word_at(tokens, after) not in _CONSTRAINTS:
        after = _after_group(piece, after) if word_at(tokens, after) in _OPENING else after + 1
    if word_at(tokens, first + 1) in _SERIALS:
        raise NotSupportedError(
            f"the type {tokens[first + 1].text}",
            position=piece.position(first + 1),
            hint="CREATE SEQUENCE s, and write BIGINT DEFAULT nextval('s')",
        )
    if after == first + 1 and word_at(tokens, after) == "AS":
        type_ = ""
    elif after == first + 1:
        return piece.span(first, last)
    else:
        type_ = " " + translate_type(_slice(piece, first + 1, after), dialect)
    constraints = _constraints(piece, dialect, after, last)
    name = tokens[first].text if tokens[first].kind == "quoted" else quote(tokens[first].text.lower())
    return f"{name}{type_} {constraints}".rstrip()


def _constraints(piece: Piece, dialect: str, first: int, last: int) -> str:
    tokens, parts, index = piece.tokens, list[str](), first
    while index < last:
        word = word_at(tokens, index)
        if word == "CHECK" and word_at(tokens, index + 1) == "(":
            end = end_of_group(tokens, index + 1)
            parts.append(f"CHECK ({translate_expression(_slice(piece, index + 2, end - 1), dialect)})")
            index = end
        elif word == "DEFAULT":
            end = index + 1 + (word_at(tokens, index + 1) == "NULL")
            while end < last and word_at(tokens, end) not in _CONSTRAINTS:
                end = end_of_group(tokens, end) if word_at(tokens, end) in ("(", "[") else end + 1
            parts.append(f"DEFAULT {translate_expression(_slice(piece, index + 1, end), dialect)}")
            index = end
        elif word == "AS":  # a generated column; GENERATED ALWAYS may stand before it
            if word_at(tokens, index + 1) == "IDENTITY":
                raise NotSupportedError(
                    "an identity column", position=piece.position(index), hint="use a sequence and DEFAULT nextval('s')"
                )
            is_bracketed = word_at(tokens, index + 1) == "(" and end_of_group(tokens, index + 1) <= last
            end = end_of_group(tokens, index + 1) if is_bracketed else last
            inner = _slice(piece, index + 2, end - 1) if is_bracketed and _is_end(piece, end, last) else None
            if inner is None:
                inner, end = _slice(piece, index + 1, last), last
            prefix = "" if word_at(tokens, index - 1) == "ALWAYS" else "GENERATED ALWAYS "
            parts.append(f"{prefix}AS ({translate_expression(inner, dialect)})")
            index = end
        else:
            end = end_of_group(tokens, index) if word == "(" else index + 1
            parts.append(piece.span(index, end))
            index = end
    return " ".join(parts)


def _is_end(piece: Piece, index: int, last: int) -> bool:
    return index >= last or word_at(piece.tokens, index) in _CONSTRAINTS | {"STORED", "VIRTUAL"}


def _tail(piece: Piece, dialect: str, index: int) -> tuple[str, list[str]]:
    """What stands behind the columns: the query of CREATE TABLE AS, and what clauses of RisingWave say as rules."""
    tokens, parts, rules = piece.tokens, list[str](), list[str]()
    words = {token.word for token in tokens[index:]}
    if words & _AS_THEY_ARE:  # mvengine's own grammar reads them
        return f" {piece.span(index, len(tokens))}", []
    while index < len(tokens):
        match [word_at(tokens, index + offset) for offset in range(5)]:
            case ["AS", *_]:
                parts.append(f"AS {translate_query(_slice(piece, index + 1, len(tokens)), dialect)}")
                index = len(tokens)
            case ["ON", "CONFLICT", "OVERWRITE", *_] if dialect == "risingwave":
                index += 3  # what INSERT does there anyhow
            case ["ON", "CONFLICT", "DO", "UPDATE", "FULL"] if dialect == "risingwave":
                index += 5
            case ["ON", "CONFLICT", "IGNORE", *_] if dialect == "risingwave":
                rules.append(IGNORE_CONFLICTS)
                index += 3
            case ["ON", "CONFLICT", "DO", "NOTHING", *_] if dialect == "risingwave":
                rules.append(IGNORE_CONFLICTS)
                index += 4
            case ["WITH", "(", *_] if dialect == "risingwave" and _says_append_only(piece, index + 1):
                rules.append(APPEND_ONLY)
                index = end_of_group(tokens, index + 1)
            case _:
                raise NotSupportedError(
                    f"{' '.join(token.text for token in tokens[index : index + 3])} in CREATE TABLE",
                    position=piece.position(index),
                    hint="leave the clause out",
                )
    return "".join(f" {part}" for part in parts), rules


def _says_append_only(piece: Piece, index: int) -> bool:
    """Whether the options are ``(appendonly = true)``, the older form of APPEND ONLY."""
    inside = piece.tokens[index + 1 : end_of_group(piece.tokens, index) - 1]
    return [token.text.strip("'\"").lower() for token in inside] == ["appendonly", "=", "true"]


def _slice(piece: Piece, first: int, last: int) -> Piece:
    if first >= last:
        raise NotSupportedError("an empty expression", position=piece.position(first), hint="write a value")
    return Piece(source=piece.source, tokens=piece.tokens[first:last])
