"""Where in a statement the cursor stands: what completion goes by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mvengine.errors import ParseError
from mvengine.sql.tokens import Token, identifier, scan

_WORD = re.compile(r"(?:(?P<qualifier>[\w$]+|\"(?:[^\"]|\"\")*\")\.)?(?P<prefix>[\w$]*)$")
_BEFORE_RELATIONS = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW", "DESCRIBE", "SUMMARIZE"})
_NAME_KINDS = frozenset({"word", "quoted"})
_NO_ALIAS_TEXT = """
    AS ANTI ASOF BY CROSS EXCEPT FETCH FROM FULL GROUP HAVING INNER INTERSECT JOIN LEFT LIMIT NATURAL OFFSET ON ORDER
    POSITIONAL QUALIFY RETURNING RIGHT SELECT SEMI SET TABLESAMPLE UNION USING VALUES WHERE WINDOW
"""
_NO_ALIAS = frozenset(_NO_ALIAS_TEXT.split())


@dataclass(frozen=True, kw_only=True)
class Context:
    """``prefix`` is the beginning of the word at the cursor, ``qualifier`` what stands before its dot, or empty.

    ``quote`` is the quotation mark in which the cursor stands, or empty; then ``prefix`` is all behind it. ``previous``
    is the keyword or mark before the word, ``leading`` the first word of the statement. ``sources`` are the relations
    that the statement reads or writes: the alias or name, and the name's parts.
    """

    prefix: str
    qualifier: str
    quote: str
    previous: str
    leading: str
    sources: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def wants_relation(self) -> bool:
        """Whether the name of a table or view comes next."""
        return self.previous in _BEFORE_RELATIONS


def context(before: str, after: str = "") -> Context:
    """The context of a cursor between two texts, which may hold other statements, too."""
    tokens, unended = _tokens(before)
    start = max((index + 1 for index, token in enumerate(tokens) if token.word == ";"), default=0)
    tokens = tokens[start:]
    if unended is not None:
        quote, prefix, qualifier = before[unended], before[unended + 1 :], ""
    else:
        match = _WORD.search(before)
        assert match is not None  # it may match nothing
        quote, prefix, qualifier = "", match["prefix"], (match["qualifier"] or "").strip('"')
        tokens = [token for token in tokens if token.end <= match.start()]
    rest, _ = _tokens(after)
    end = next((index for index, token in enumerate(rest) if token.word == ";"), len(rest))
    return Context(
        prefix=prefix,
        qualifier=qualifier,
        quote=quote,
        previous=tokens[-1].word if tokens else "",
        leading=tokens[0].word if tokens else "",
        sources=tuple(_sources([*tokens, *rest[:end]])),
    )


def _tokens(text: str) -> tuple[list[Token], int | None]:
    """The tokens of a text up to a quote that is open, and the offset of that."""
    tokens: list[Token] = []
    end = 0
    try:
        for token in scan(text):
            tokens.append(token)
            end = token.end
    except ParseError:
        found = re.compile(r"['\"]").search(text, end)
        return tokens, found.start() if found is not None else None
    return tokens, None


def _sources(tokens: Sequence[Token]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What stands behind FROM, JOIN, INTO and UPDATE, and behind commas there."""
    at = 0
    while at < len(tokens):
        is_list = tokens[at].word in ("FROM", "JOIN", "INTO", "UPDATE")
        at += 1
        while is_list:
            parts, at = _path(tokens, at)
            alias, at = _alias(tokens, at)
            if parts:
                yield alias or parts[-1], parts
            is_list = at < len(tokens) and tokens[at].word == "," and bool(parts)
            at += is_list


def _path(tokens: Sequence[Token], at: int) -> tuple[tuple[str, ...], int]:
    parts: list[str] = []
    while at < len(tokens) and tokens[at].kind in _NAME_KINDS and tokens[at].word not in _NO_ALIAS:
        parts.append(identifier(tokens[at]))
        at += 1
        if at >= len(tokens) or tokens[at].word != ".":
            break
        at += 1
    return tuple(parts), at


def _alias(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    if at < len(tokens) and tokens[at].word == "AS":
        at += 1
    if at < len(tokens) and tokens[at].kind in _NAME_KINDS and tokens[at].word not in _NO_ALIAS:
        return identifier(tokens[at]), at + 1
    return "", at
