"""Scalar expressions as frozen values: canonical SQL text and the columns that it reads.

A tree of the parser is never kept: its ``meta`` is lost on replacement and its equality ignores it. Text is canonical
because one function writes it, from a qualified tree; so equal expressions are equal values.
"""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.schema import quote


@dataclass(frozen=True, kw_only=True)
class ColumnRef:
    """``relation`` is the alias of an input in the same block."""

    relation: str
    name: str

    @property
    def sql(self) -> str:
        return f"{quote(self.relation)}.{quote(self.name)}"


@dataclass(frozen=True, kw_only=True)
class Expr:
    """A deterministic row expression. ``sql`` qualifies every column by its input's alias."""

    sql: str
    columns: tuple[ColumnRef, ...]


def column(relation: str, name: str) -> Expr:
    """The expression that is one column."""
    ref = ColumnRef(relation=relation, name=name)
    return Expr(sql=ref.sql, columns=(ref,))


@dataclass(frozen=True, kw_only=True)
class Output:
    """An expression under the name that it has in the result."""

    name: str
    expr: Expr
