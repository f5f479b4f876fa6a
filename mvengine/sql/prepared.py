"""PREPARE, EXECUTE, DEALLOCATE: prepared writes are mvengine's, all others DuckDB's."""

from __future__ import annotations

from collections.abc import Iterator

from mvengine.sql.split import Piece
from mvengine.sql.statements import Argument, Deallocate, Execute, Prepare
from mvengine.sql.tokens import end_of_group, identifier, top_level, word_at
from mvengine.sql.write import is_write, read_write


def native_prepare(piece: Piece) -> Piece:
    """``PREPARE name [(types)] AS statement`` without the types, which DuckDB does not know."""
    after = _after_types(piece)
    if after == 2:
        return piece
    text = f"{piece.span(0, 2)} {piece.span(after, len(piece.tokens))}"
    shift = piece.tokens[after].start - piece.start - len(piece.span(0, 2)) - 1
    tokens = (*piece.tokens[:2], *(t._replace(start=t.start - shift, end=t.end - shift) for t in piece.tokens[after:]))
    return Piece(source=piece.source[: piece.start] + text, tokens=tokens)


def prepared_write(piece: Piece) -> Piece | None:
    """The write that is prepared; None where it is another statement, or where there is none."""
    after = _after_types(piece)
    if word_at(piece.tokens, after) != "AS" or after + 1 == len(piece.tokens):
        return None
    inner = piece.tail(after + 1)
    return inner if is_write(inner) else None


def read_prepare(piece: Piece) -> Prepare:
    """``PREPARE name [(types)] AS statement``, DuckDB having accepted it."""
    after = _after_types(piece)
    types = tuple(value for value, _ in _listed(piece, 3, after - 1)) if after > 2 else ()
    inner = prepared_write(piece)
    return Prepare(
        name=identifier(piece.tokens[1]),
        types=types,
        write=read_write(inner) if inner is not None else None,
        text=native_prepare(piece).text,
    )


def read_execute(piece: Piece) -> Execute:
    """``EXECUTE name [([name :=] value, …)]``."""
    has_arguments = word_at(piece.tokens, 2) == "("
    listed = _listed(piece, 3, len(piece.tokens) - 1) if has_arguments else ()
    arguments = tuple(_argument(piece, text, index) for text, index in listed)
    return Execute(name=identifier(piece.tokens[1]), arguments=arguments, text=piece.text)


def read_deallocate(piece: Piece) -> Deallocate:
    """``DEALLOCATE [PREPARE] name | ALL``."""
    last = piece.tokens[-1]
    return Deallocate(name="" if last.word == "ALL" else identifier(last), text=piece.text)


def _after_types(piece: Piece) -> int:
    """The index of AS."""
    return end_of_group(piece.tokens, 2) if word_at(piece.tokens, 2) == "(" else 2


def _listed(piece: Piece, first: int, after: int) -> Iterator[tuple[str, int]]:
    """What stands between commas from ``first`` up to, not including, ``after``: its text, and where it begins."""
    commas = [first + i for i in top_level(piece.tokens[first:after]) if word_at(piece.tokens, first + i) == ","]
    for begin, end in zip([first, *(comma + 1 for comma in commas)], [*commas, after], strict=True):
        if begin < end:
            yield piece.span(begin, end), begin


def _argument(piece: Piece, text: str, index: int) -> Argument:
    tokens = piece.tokens
    if (word_at(tokens, index + 1), word_at(tokens, index + 2)) in ((":", "="), ("=", ">")):
        skipped = tokens[index + 3].start - tokens[index].start
        return Argument(name=identifier(tokens[index]), value=text[skipped:])
    return Argument(name="", value=text)
