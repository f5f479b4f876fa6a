"""The ways in which the runners of sqllogictest print values. Each takes an answer and the type letters of a query.

``duckdb`` and ``postgres`` print as these print a result, with ``NULL`` and ``(empty)``; ``sqlite`` prints by the
letters, as SQLite's runner does; ``duckdb_suite`` is that of DuckDB's own runner, ``sqlite_integers`` what it does with
SQLite's files. Source: slt_sqlite.c of sqllogictest, and test/sqlite/result_helper.cpp of DuckDB.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

from mvengine.slt.answers import Answer
from mvengine.slt.render import render

Values = list[tuple[str, ...]]
Style = Callable[[Answer, str], Values]

_INTEGER = re.compile(r"\s*([+-]?\d+)")
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_NONE = type(None)
_NUMERIC = "DECIMAL(38,10)"  # numeric without a precision, in the dialects that have it; 1.5 is printed as 1.5


def _duckdb(answer: Answer, letters: str) -> Values:
    del letters
    return _rendered(answer, render)


def _rendered(answer: Answer, other: Callable[[object, str], str]) -> Values:
    """Integers and texts are printed at once, others by ``other``, which is given the value and its column's type."""
    types: tuple[str, ...] = ()
    values: Values = []
    for row in answer.rows:
        texts: list[str] = []
        for index, value in enumerate(row):
            kind = type(value)
            if kind is int:
                texts.append(str(value))
            elif kind is str:
                texts.append(str(value) or "(empty)")
            elif kind is _NONE:
                texts.append("NULL")
            else:
                types = types or answer.types
                texts.append(other(value, types[index]))
        values.append(tuple(texts))
    return values


def _duckdb_suite(answer: Answer, letters: str) -> Values:
    del letters
    values = _rendered(answer, lambda value, kind: str(int(value)) if isinstance(value, bool) else render(value, kind))
    return [tuple(text.replace("\0", "\\0") for text in row) for row in values]


def _sqlite_integers(answer: Answer, letters: str) -> Values:
    def rounded(value: object, kind: str) -> str:
        match value:
            case bool():
                return str(int(value))
            case float() if math.isfinite(value):
                return str(round(value))
            case Decimal():
                return str(value.quantize(Decimal(1), ROUND_HALF_UP))
        return render(value, kind)

    del letters
    return _rendered(answer, rounded)


def _sqlite(answer: Answer, letters: str) -> Values:
    if letters.count("I") == len(letters):
        return [
            tuple([str(value) if type(value) is int else _sqlite_integer(value) for value in row])
            for row in answer.rows
        ]
    types: tuple[str, ...] = ()
    values: Values = []
    for row in answer.rows:
        texts: list[str] = []
        for index, value in enumerate(row):
            letter = letters[index : index + 1]
            if value is None or letter == "I":
                texts.append(_sqlite_integer(value))
            elif letter == "R":
                texts.append(_sqlite_real(value))
            elif type(value) is str:
                texts.append(_sqlite_text(value or "(empty)"))
            else:
                types = types or answer.types
                texts.append(_sqlite_text(str(int(value)) if isinstance(value, bool) else render(value, types[index])))
        values.append(tuple(texts))
    return values


def _sqlite_integer(value: object) -> str:
    """``%d``: of a number what stands before the point, of a text the number that it begins with."""
    if value is None:
        return "NULL"
    if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
        return str(int(value))
    found = _INTEGER.match(str(value))
    return str(int(found[1])) if found else "0"


def _sqlite_real(value: object) -> str:
    """``%.3f``."""
    if isinstance(value, int | float | Decimal):
        return f"{float(value):.3f}"
    found = _NUMBER.match(str(value))
    return f"{float(found[1]) if found else 0.0:.3f}"


def _sqlite_text(text: str) -> str:
    """Each byte that does not print in ASCII is an ``@``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(chr(byte) if 32 <= byte <= 126 else "@" for byte in text.encode())


def _postgres(answer: Answer, letters: str) -> Values:
    del letters
    values = _rendered(answer, lambda value, kind: _postgres_text(value, kind) or "(empty)")
    spaced = [index for index, kind in enumerate(answer.types) if kind == "JSON"] if answer.rows else []
    if not spaced:
        return values
    return [tuple(_spaced(text) if index in spaced else text for index, text in enumerate(row)) for row in values]


def _spaced(text: str) -> str:
    """jsonb has a blank behind each comma and colon."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return text  # NULL


def _postgres_text(value: object, kind: str) -> str:
    match value:
        case bool():
            return "t" if value else "f"
        case float():
            return _postgres_float(value, kind)
        case Decimal() if kind == _NUMERIC:
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case datetime() if value.tzinfo is not None:
            text = render(value, kind)
            return f"{text}:00" if re.search(r"[+-]\d\d$", text) else text  # as RisingWave has it
        case bytes() | bytearray():
            return f"\\x{bytes(value).hex()}"
        case list():
            return "{" + ",".join(_postgres_element(each, kind.removesuffix("[]")) for each in value) + "}"
        case tuple():
            return "(" + ",".join("" if each is None else _postgres_text(each, "") for each in value) + ")"
        case Mapping() if not kind.startswith("MAP("):
            return _postgres_text(tuple(value.values()), "")
        case date() | time():
            return render(value, kind)
    return render(value, kind) if value != "" else ""


def _postgres_float(value: float, kind: str) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return render(value, kind).removesuffix(".0")


def _postgres_element(value: object, kind: str) -> str:
    if value is None:
        return "NULL"
    text = _postgres_text(value, kind)
    is_quoted = isinstance(value, str) and (not text or re.search(r'[\s{},"\\]|^null$', text, re.IGNORECASE))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if is_quoted else text


def _cockroach(answer: Answer, letters: str) -> Values:
    return [tuple("·" if text == "(empty)" else text for text in row) for row in _postgres(answer, letters)]


STYLES: dict[str, Style] = {
    "duckdb": _duckdb,
    "duckdb_suite": _duckdb_suite,
    "postgres": _postgres,
    "sqlite": _sqlite,
    "sqlite_integers": _sqlite_integers,
    "cockroach": _cockroach,
}
