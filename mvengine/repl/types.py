"""Names of types, as DuckDB writes them, taken apart: ``STRUCT(a INTEGER, b VARCHAR[])``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|\[\d*\]|[(),]|[^\s(),\[\]"']+)""")
_ARRAY = re.compile(r"\[\d*\]")


@dataclass(frozen=True, kw_only=True)
class Type:
    """``items`` are the types within a LIST, ARRAY, MAP or TUPLE, ``fields`` those of a STRUCT with their names."""

    name: str
    items: tuple[Type, ...] = ()
    fields: tuple[tuple[str, Type], ...] = ()


def parse_type(text: str) -> Type:
    """The parts of a type's name. What it does not know (``TIMESTAMP WITH TIME ZONE``) is a type without parts.

    >>> parse_type("MAP(VARCHAR, INTEGER[])").items[1].items[0].name
    'INTEGER'
    """
    tokens = _TOKEN.findall(text)
    type_, _ = _type(tokens, 0)
    return type_


def leaves(type_: Type) -> set[str]:
    """The names of all types without parts within a type, itself included."""
    inner = [*type_.items, *(field for _, field in type_.fields)]
    return {type_.name}.union(*map(leaves, inner))


def _type(tokens: list[str], at: int) -> tuple[Type, int]:
    words = []
    while at < len(tokens) and tokens[at] not in ("(", ")", ",") and not _ARRAY.fullmatch(tokens[at]):
        words.append(tokens[at])
        at += 1
    found = Type(name=" ".join(words).upper())
    if at < len(tokens) and tokens[at] == "(":
        found, at = _parts(found.name, tokens, at)
    while at < len(tokens) and _ARRAY.fullmatch(tokens[at]):
        found = Type(name="LIST" if tokens[at] == "[]" else "ARRAY", items=(found,))
        at += 1
    return found, at


def _parts(name: str, tokens: list[str], at: int) -> tuple[Type, int]:
    """What stands in the brackets that open at ``at``: parts of a nested type; figures and labels are left."""
    items, fields = [], []
    while at < len(tokens) and tokens[at] != ")":
        at += 1  # the bracket, or a comma
        if at >= len(tokens) or tokens[at] == ")":
            break
        if name == "STRUCT":
            label = _unquoted(tokens[at])
            inner, at = _type(tokens, at + 1)
            fields.append((label, inner))
        else:
            inner, at = _type(tokens, at)
            items.append(inner)
    is_nested = name in ("MAP", "TUPLE")
    return Type(name=name, items=tuple(items) if is_nested else (), fields=tuple(fields)), at + 1


def _unquoted(label: str) -> str:
    return label[1:-1].replace('""', '"') if label.startswith('"') else label
