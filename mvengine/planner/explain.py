"""Plans as text: guard 4 against losing a field.

One node a line, its inputs indented below it, every field shown. Two different plans have different texts: what could
be misread (a text with a comma, a blank, a line break) stands between backticks, with escapes like Python's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from mvengine.planner.node import Node, child_fields, hints
from mvengine.planner.scalar import ColumnRef, Expr, Output, column
from mvengine.schema import Column, Name


def explain(node: Node) -> str:
    """The plan as an indented tree, without a line break at its end."""
    return "\n".join(_lines(node, ""))


def _lines(node: Node, prefix: str) -> Iterator[str]:
    inputs = child_fields(type(node))
    shown = [f"{name}={_value(getattr(node, name))}" for name in hints(type(node)) if name not in inputs]
    yield " ".join([prefix + type(node).__name__, *shown])
    indent = " " * (len(prefix) - len(prefix.lstrip()) + 2)
    for name in inputs:
        label = f"{name}: " if len(inputs) > 1 else ""
        found = getattr(node, name)
        for child in found if isinstance(found, tuple) else (found,):
            yield from _lines(child, indent + label)


def _value(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _bare_or_fenced(str(value), _WORD_ENDS)
        case tuple():
            return f"[{', '.join(_value(item) for item in value)}]"
        case Name():
            return f"{_part(value.schema)}.{_part(value.name)}"
        case ColumnRef():
            return f"{_part(value.relation)}.{_part(value.name)}"
        case Column():
            return f"{_part(value.name)} {_bare_or_fenced(value.type, _SQL_ENDS)}"
        case Output():
            return f"{_expr(value.expr)} AS {_part(value.name)}"
        case Expr():
            return _expr(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            inner = [f"{field.name}={_value(getattr(value, field.name))}" for field in fields(value)]
            return f"{type(value).__name__}({', '.join(inner)})"
    raise AssertionError(f"a {type(value).__name__} has no text")


def _expr(expr: Expr) -> str:
    """Its SQL, and in braces the columns that it reads, unless it is nothing but a column."""
    sql = _bare_or_fenced(expr.sql, _SQL_ENDS)
    if len(expr.columns) == 1 and expr == column(expr.columns[0].relation, expr.columns[0].name):
        return sql
    return f"{sql} {{{', '.join(_value(ref) for ref in expr.columns)}}}"


def _part(identifier: str) -> str:
    return identifier if re.fullmatch(r"\w+", identifier) else _fenced(identifier)


# Where a bare text would seem to end; looked for outside its own quotes and brackets.
_SQL_ENDS = re.compile(r"[,()\[\]{}'\"`]| AS ")
_WORD_ENDS = re.compile(r"[,()\[\]{}'\"`\s]")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_BRACKETED = re.compile(r"""\([^()\[\]{}'"]*\)|\[[^()\[\]{}'"]*\]""")
_KEYWORDS = ("none", "true", "false")


def _bare_or_fenced(text: str, ends: re.Pattern[str]) -> str:
    outside = _QUOTED.sub("", text)
    while (shorter := _BRACKETED.sub("", outside)) != outside:
        outside = shorter
    is_bare = text.isprintable() and text == text.strip() and text not in ("", *_KEYWORDS) and not ends.search(outside)
    return text if is_bare else _fenced(text)


_ESCAPES = {"\n": r"\n", "\t": r"\t", "\\": r"\\", "`": r"\`"}


def _fenced(text: str) -> str:
    escaped = [_ESCAPES.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text]
    return f"`{''.join(escaped)}`"
