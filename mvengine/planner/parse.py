"""Text → tree, as DuckDB reads it. The one place that calls the parser."""

from __future__ import annotations

from typing import Any

from sqlglot import exp, parse_one
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import TokenType


class _Parser(DuckDBParser):
    def _parse_cube_or_rollup(self, with_prefix: bool = False) -> Any:
        """With conditions among the elements, ``ROLLUP (x > 1)``, which sqlglot 30 does not take."""
        if with_prefix or not self._match_set((TokenType.CUBE, TokenType.ROLLUP)):
            return super()._parse_cube_or_rollup(with_prefix)
        kind = exp.Cube if self._prev.token_type == TokenType.CUBE else exp.Rollup
        return self.expression(kind(expressions=self._parse_wrapped_csv(self._parse_disjunction)))


class _Dialect(DuckDB):
    Parser = _Parser


def parse(text: str) -> exp.Expr:
    """The tree of a statement or an expression. Errors: SqlglotError, RecursionError."""
    return parse_one(text, dialect=_Dialect)
