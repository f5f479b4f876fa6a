"""Scalar expressions as frozen values: canonical SQL text and the columns that it reads.

A tree of the parser is never kept: its ``meta`` is lost on replacement and its equality ignores it. Text is canonical
because one function writes it, from a qualified tree; so equal expressions are equal values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mvengine.schema import quote

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\W\d]\w*|\d[\w.]*|.""", re.S)
_OWN_NAMES = re.compile(r"->|\blambda\b|\b[eExX]'", re.I)
"""Texts in which a name may be a lambda's, and escapes that end a string elsewhere: nothing is put into those."""


@dataclass(frozen=True, kw_only=True)
class ColumnRef:
    """``relation`` is the alias of an input in the same block."""

    relation: str
    name: str

    @property
    def sql(self) -> str:
        return f"{quote(self.relation)}.{quote(self.name)}"

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by: names are compared without regard to case."""
        return self.relation.lower(), self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Expr:
    """A deterministic row expression. ``sql`` qualifies every column by its input's alias."""

    sql: str
    columns: tuple[ColumnRef, ...]

    @property
    def is_column(self) -> bool:
        """Whether it is nothing but a column."""
        return len(self.columns) == 1 and self.sql == self.columns[0].sql

    def substituted(self, found: Mapping[tuple[str, str], Expr]) -> Expr | None:
        """The expression with others in the place of columns (by ``ColumnRef.key``); columns not named stay.

        None where the text does not show where a column stands.
        """
        wanted = {ref.key for ref in self.columns} & found.keys()
        if not wanted:
            return self
        if _OWN_NAMES.search(self.sql):
            return None
        sql, put = _put(_TOKEN.findall(self.sql), {key: found[key] for key in wanted})
        if put != wanted:
            return None
        refs = [ref for own in self.columns for ref in (found[own.key].columns if own.key in wanted else (own,))]
        return Expr(sql=sql, columns=tuple(dict.fromkeys(refs)))


def _put(tokens: list[str], found: Mapping[tuple[str, str], Expr]) -> tuple[str, set[tuple[str, str]]]:
    """The text with the expressions put in, and which columns were met. A column is ``alias.name``, not after a dot (it
    would be a field of a struct), nor before a parenthesis (a function)."""
    parts: list[str] = []
    put: set[tuple[str, str]] = set()
    i = 0
    while i < len(tokens):
        key = _column_at(tokens, i)
        if key is not None and key in found:
            expr = found[key]
            parts.append(expr.sql if expr.is_column else f"({expr.sql})")
            put.add(key)
            i += 3
        else:
            parts.append(tokens[i])
            i += 1
    return "".join(parts), put


def _column_at(tokens: list[str], i: int) -> tuple[str, str] | None:
    before, after = tokens[i - 1 : i], tokens[i + 3 : i + 4]
    if before == ["."] or after == ["("] or tokens[i + 1 : i + 2] != ["."]:
        return None
    names = [_identifier(token) for token in (tokens[i], *tokens[i + 2 : i + 3])]
    return (names[0].lower(), names[1].lower()) if len(names) == 2 and all(names) else None


def _identifier(token: str) -> str:
    """The name that a token is; empty for other tokens."""
    if token.startswith('"'):
        return token[1:-1].replace('""', '"')
    return token if token[0].isalpha() or token[0] == "_" else ""


def column(relation: str, name: str) -> Expr:
    """The expression that is one column."""
    ref = ColumnRef(relation=relation, name=name)
    return Expr(sql=ref.sql, columns=(ref,))


@dataclass(frozen=True, kw_only=True)
class Output:
    """An expression under the name that it has in the result."""

    name: str
    expr: Expr
