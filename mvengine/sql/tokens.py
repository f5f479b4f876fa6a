"""SQL text → tokens, as DuckDB 2.0 divides it.

One regular expression knows the lexical rules: strings with doubled quotes, ``E'…'`` with backslashes, dollar quotes,
quoted identifiers, line comments (ended by LF or CR) and nested block comments, ``$`` inside identifiers, Unicode
spaces. Everything else of this package works on these tokens and cuts verbatim spans of the text at their offsets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mvengine.errors import ParseError, Position


class Token(NamedTuple):
    """One token. ``kind``: word, quoted, string, number, parameter, placeholder or mark (one character)."""

    kind: str
    text: str  # as it stands in the source
    start: int  # offsets of characters in the source
    end: int
    word: str  # a bare word in capitals, a mark itself, otherwise empty: what keywords are compared with


class Unterminated(ParseError):  # noqa: N818 - a ParseError that more text can mend
    """The text ends inside a string, a quoted identifier or a comment."""


_SPACES = r"\s\u200b\u2060\ufeff"
_IDENTIFIER = rf"[^{_SPACES}\x00-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]"  # letters, digits, _, $, non-ASCII
_TOKEN = re.compile(
    rf"""[{_SPACES}]*+(?:
    (?P<comment>--[^\r\n]*+)
  | (?P<block>/\*)
  | (?P<string>'[^']*+(?:''[^']*+)*+'
             | [eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'
             | \$(?P<tag>(?:(?![0-9])[^$\W]\w*+)?)\$.*?\$(?P=tag)\$)
  | (?P<unended>'|[eE]'|"(?![^"]*+(?:""[^"]*+)*+")|\$(?:(?![0-9])[^$\W]\w*+)?\$)
  | (?P<word>(?![0-9$]){_IDENTIFIER}++)
  | (?P<quoted>"[^"]*+(?:""[^"]*+)*+")
  | (?P<number>(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
  | (?P<parameter>\$\w++)
  | (?P<placeholder>\?)
  | (?P<nul>\x00)
  | (?P<mark>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_WORD = re.compile(rf"(?![0-9$]){_IDENTIFIER}+")
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


def tokenize(text: str) -> list[Token]:
    """The tokens of a text, without comments.

    Errors: ``ParseError`` at a NUL outside quotes or at text that is no Unicode; ``Unterminated``.
    """
    _refuse_surrogates(text)
    tokens: list[Token] = []
    append, make = tokens.append, tuple.__new__
    resume: int | None = 0
    while resume is not None:
        begin, resume = resume, None
        for match in _TOKEN.finditer(text, begin):
            kind = match.lastgroup or "mark"
            if kind == "comment":
                continue
            start, end = match.span(kind)
            if kind == "block":
                resume = _end_of_comment(text, start)
                break
            if kind in ("unended", "nul"):
                raise _lexical_error(text, start)
            piece = text[start:end]
            word = piece.upper() if kind == "word" else piece if kind == "mark" else ""
            append(make(Token, (kind, piece, start, end, word)))
    return tokens


def scan(text: str, begin: int = 0) -> Iterator[Token]:
    """The tokens from an offset on, one by one, for readers that stop at some. Errors: those of ``tokenize``."""
    _refuse_surrogates(text)
    while (match := _TOKEN.match(text, begin)) is not None:
        kind = match.lastgroup or "mark"
        start, begin = match.span(kind)
        if kind == "block":
            begin = _end_of_comment(text, start)
        elif kind in ("unended", "nul"):
            raise _lexical_error(text, start)
        elif kind != "comment":
            piece = match[kind]
            yield Token(kind, piece, start, begin, piece.upper() if kind == "word" else piece if kind == "mark" else "")


def identifier(token: Token) -> str:
    """The name that a word, a quoted identifier or a string (DuckDB takes ``'t'`` for a table) denotes."""
    if token.kind == "quoted":
        return token.text[1:-1].replace('""', '"')
    return string_value(token) if token.kind == "string" else token.text


def string_value(token: Token) -> str:
    """The value of a string token; of an ``E'…'`` string the common escapes are resolved."""
    text = token.text
    if text[0] == "$":
        tag = text.index("$", 1) + 1
        return text[tag:-tag]
    if text[0] in "eE":
        escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
        return re.sub(r"\\(.)|''", lambda m: escapes.get(m[1], m[1]) if m[1] else "'", text[2:-1], flags=re.DOTALL)
    return text[1:-1].replace("''", "'")


def position_at(text: str, offset: int) -> Position:
    """Line and column of an offset."""
    return Position(line=text.count("\n", 0, offset) + 1, column=offset - text.rfind("\n", 0, offset))


def names_in(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Every name that may stand for a relation, in lower case and sorted: more than are, never fewer.

    Keywords are among them, and strings that look like names, because ``FROM 't'`` reads a table. The text in strings
    counts word by word where ``query('…')`` occurs.
    """
    names: set[str] = set()
    strings: list[str] = []
    for token in tokens:
        if token.kind == "word":
            names.add(token.text.lower())
        elif token.kind == "quoted":
            names.add(identifier(token).lower())
        elif token.kind == "string":
            strings.append(string_value(token).lower())
    if "query" in names:
        names.update(word for value in strings for word in _WORD.findall(value))
    names.update(value for value in strings if value.isidentifier())
    return tuple(sorted(names))


def top_level(tokens: Sequence[Token]) -> list[int]:
    """The indexes of the tokens that stand outside all brackets; brackets themselves are not among them."""
    depth, indexes = 0, []
    for index, token in enumerate(tokens):
        if token.word in _OPENING:
            depth += 1
        elif token.word in _CLOSING:
            depth -= 1
        elif depth == 0:
            indexes.append(index)
    return indexes


def end_of_group(tokens: Sequence[Token], index: int) -> int:
    """The index after the bracket that closes the one at ``index``; the length where none does."""
    depth = 0
    for after in range(index, len(tokens)):
        if tokens[after].word in _OPENING:
            depth += 1
        elif tokens[after].word in _CLOSING:
            depth -= 1
            if depth == 0:
                return after + 1
    return len(tokens)


def word_at(tokens: Sequence[Token], index: int) -> str:
    """The keyword or mark at an index; empty for anything else and past the end."""
    return tokens[index].word if 0 <= index < len(tokens) else ""


def _end_of_comment(text: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise _lexical_error(text, start)


def _lexical_error(text: str, start: int) -> ParseError:
    position = position_at(text, start)
    match text[start]:
        case "\x00":
            return ParseError("a NUL character outside a string", position=position, hint="remove the character")
        case '"':
            return Unterminated("unterminated quoted identifier", position=position, hint='close it with "')
        case "/":
            return Unterminated("unterminated comment", position=position, hint="close it with */")
        case "$":
            return Unterminated("unterminated dollar-quoted string", position=position, hint="repeat its $tag$")
        case _:
            return Unterminated("unterminated string", position=position, hint="close it with '")


def _refuse_surrogates(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        position = position_at(text, error.start)
        raise ParseError(
            "the text holds half of a surrogate pair", position=position, hint="decode the text as UTF-8"
        ) from error
