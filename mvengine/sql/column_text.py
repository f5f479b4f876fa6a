"""Texts of column definitions and checks: which columns they name, and the same under another name or type."""

from __future__ import annotations

from mvengine.schema import quote
from mvengine.sql.elements import CONSTRAINT_WORDS
from mvengine.sql.tokens import Token, identifier, tokenize


def mentions(text: str, column: str) -> bool:
    """Whether a text names a column of its table."""
    return any(_is_column(tokens, i, column) for tokens in [tokenize(text)] for i in range(len(tokens)))


def renamed(text: str, old: str, new: str) -> str:
    """The text with a column under another name; all else stays as it is written."""
    tokens = tokenize(text)
    for index in reversed(range(len(tokens))):
        if _is_column(tokens, index, old):
            text = f"{text[: tokens[index].start]}{quote(new)}{text[tokens[index].end :]}"
    return text


def retyped(definition: str, type_: str) -> str:
    """``name type constraints`` with another type."""
    tokens = tokenize(definition)
    rest = next((token.start for token in tokens[2:] if token.word in CONSTRAINT_WORDS), len(definition))
    return f"{definition[: tokens[0].end]} {type_} {definition[rest:]}".strip()


def _is_column(tokens: list[Token], index: int, column: str) -> bool:
    """A name, but for a field behind a dot and a function in front of its arguments."""
    if tokens[index].kind not in ("word", "quoted") or identifier(tokens[index]).lower() != column.lower():
        return False
    before = tokens[index - 1].word if index else ""
    after = tokens[index + 1].word if index + 1 < len(tokens) else ""
    return before != "." and after != "("
