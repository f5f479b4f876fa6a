"""mvengine's own statements: tokens → statement, by the LALR grammar in ``grammar.lark``.

The parser is fed token by token. Which kind a token has is decided by what the parser expects at that moment: a word
is a keyword only where that keyword may stand. Where the grammar says ``REST`` (the query of a view, the statement
after EXPLAIN (…)) the rest of the statement becomes one token, verbatim.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mvengine.errors import ParseError
from mvengine.sql.split import Piece
from mvengine.sql.statements import Statement
from mvengine.sql.tokens import Token as SqlToken

if TYPE_CHECKING:
    from lark import Lark
    from lark.parsers.lalr_interactive_parser import InteractiveParser

_KINDS = {
    "quoted": "NAME",
    "string": "STRING",
    "number": "NUMBER",
    "parameter": "OP",
    "placeholder": "OP",
    "mark": "OP",
}
_MARKS = {
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ".": "DOT",
    "=": "EQUAL",
    "-": "MINUS",
}
_WORDS = {  # how a kind of token is called in a message; an expression's tokens are left out
    **{kind: f"'{mark}'" for mark, kind in _MARKS.items()},
    "NAME": "a name",
    "STRING": "a string in single quotes",
    "NUMBER": "a number",
    "REST": "a query or statement",
    "$END": "end of statement",
    "OP": "",
}


def parse_own(piece: Piece) -> Statement:
    """The statement of mvengine that a piece of text holds.

    Errors: ``ParseError`` with position, naming what was expected.
    """
    from lark import Token, UnexpectedToken

    from mvengine.sql.build import Builder

    parser, index = _lark().parse_interactive(), 0
    try:
        for token in piece.tokens:
            kind = _kind(token, parser.choices())  # type: ignore[no-untyped-call]  # lark does not annotate it
            end = piece.end if kind == "REST" else token.end
            parser.feed_token(Token(kind, piece.source[token.start : end], start_pos=token.start, end_pos=end))
            index += 1
            if kind == "REST":
                break
        tree = parser.feed_token(Token("$END", "", start_pos=piece.end, end_pos=piece.end))
    except UnexpectedToken:
        raise _syntax_error(piece, index, parser) from None
    return Builder(piece).statement(tree)


@cache
def _lark() -> Lark:
    """Built once, on first use: some 50 ms."""
    from lark import Lark

    text = files("mvengine.sql").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic")


def _kind(token: SqlToken, choices: dict[str, Any]) -> str:
    """The terminal that a token is at this point of the grammar."""
    if "REST" in choices:
        return "REST"
    if token.kind == "word":
        return token.word if token.word in choices and token.word not in _WORDS else "NAME"
    mark = _MARKS.get(token.word)
    return mark if mark in choices or mark in ("LPAR", "RPAR") else _KINDS[token.kind]


def _syntax_error(piece: Piece, index: int, parser: InteractiveParser) -> ParseError:
    accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]  # lark does not annotate it
    found = f'"{_shortened(piece.tokens[index].text)}"' if index < len(piece.tokens) else "end of statement"
    word = piece.tokens[index].word if index < len(piece.tokens) else ""
    near = difflib.get_close_matches(word, [kind for kind in accepted if kind.isalpha()], n=1, cutoff=0.7)
    return ParseError(
        f"syntax error at {found}: expected {expectation(accepted)}",
        position=piece.position(index),
        hint=f"did you mean {near[0]}?" if near else None,
    )


def expectation(accepted: Iterable[str]) -> str:
    """Kinds of tokens in words: keywords first, then names and marks, then the end: ``FULL or end of statement``."""
    kinds = set(accepted)
    if "OP" in kinds:  # inside an expression nearly everything may stand: name only what ends it
        kinds -= {"NAME", "STRING", "NUMBER", "LPAR", "LSQB", "LBRACE"}
    keywords = sorted(kind for kind in kinds if kind not in _WORDS)
    others = [_WORDS[kind] for kind in _WORDS if kind in kinds and _WORDS[kind]]
    words = keywords + others
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
