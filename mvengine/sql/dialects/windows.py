"""TUMBLE, HOP and date_bin → DuckDB's time_bucket, in every dialect, by the tokens of the statement.

TUMBLE(t, ts, size)    =>  (SELECT *, bucket AS window_start, bucket + size AS window_end FROM t) AS t
HOP(t, ts, hop, size)  =>  the same, beside the numbers of the windows that a moment lies in
Windows begin at multiples of their size from 1970-01-01 on, as in Flink and RisingWave.
"""

from __future__ import annotations

import re
from math import ceil

from mvengine.errors import NotSupportedError, ParseError
from mvengine.sql.split import Piece
from mvengine.sql.tokens import Token, end_of_group, string_value, tokenize, word_at

_WORDS = re.compile(r"\b(?:tumble|hop|date_bin)\s*\(", re.I)
_EPOCH = "INTERVAL '-10959 days'"  # from DuckDB's own origin, 2000-01-03
_AFTER_FROM = frozenset({"FROM", "JOIN", ",", "("})
_NO_ALIAS = frozenset(
    """
    WHERE GROUP ORDER HAVING LIMIT OFFSET JOIN LEFT RIGHT FULL INNER CROSS NATURAL ASOF POSITIONAL SEMI ANTI ON USING
    UNION INTERSECT EXCEPT WINDOW QUALIFY FETCH SAMPLE TABLESAMPLE SELECT RETURNING EMIT FOR
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
_UNITS = {
    "microsecond": 1, "millisecond": 1000, "second": 10**6, "sec": 10**6, "minute": 60 * 10**6, "min": 60 * 10**6,
    "hour": 3600 * 10**6, "day": 86400 * 10**6, "week": 7 * 86400 * 10**6,
}  # fmt: skip
_FORMS = {"TUMBLE": "TUMBLE(table, column, size [, offset])", "HOP": "HOP(table, column, hop, size [, offset])"}
_STEPS_MAX = 10_000  # windows that one moment lies in


def rewrite_windows(piece: Piece, *, has_date_bin: bool) -> Piece:
    """The statement without window functions of time; without ``date_bin`` where the dialect has none.

    Errors: ParseError; NotSupportedError.
    """
    while _WORDS.search(piece.text):
        found = _first(piece, has_date_bin=has_date_bin)
        if found is None:
            return piece
        index, text = found
        end = end_of_group(piece.tokens, index + 1)
        source = piece.source[: piece.tokens[index].start] + text + piece.source[piece.tokens[end - 1].end : piece.end]
        start = piece.start
        piece = Piece(source=source, tokens=tuple(token for token in tokenize(source) if token.start >= start))
    return piece


def _first(piece: Piece, *, has_date_bin: bool) -> tuple[int, str] | None:
    """The index of the last call, and what stands in its place: inner calls come before those around them."""
    tokens = piece.tokens
    for index in reversed(range(len(tokens) - 1)):
        if word_at(tokens, index + 1) != "(":
            continue
        word = tokens[index].word
        if word == "DATE_BIN" and has_date_bin:
            return index, f"time_bucket{piece.span(index + 1, end_of_group(tokens, index + 1))}"
        if word in ("TUMBLE", "HOP") and word_at(tokens, index - 1) in _AFTER_FROM and _in_from(tokens, index):
            return index, _window(piece, index)
    return None


def _in_from(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether a comma or bracket before the call belongs to FROM: the nearest clause word outside brackets says so."""
    depth = 0
    for before in reversed(range(index)):
        word = word_at(tokens, before)
        if word == ")":
            depth += 1
        elif word == "(":
            depth -= 1
        elif depth <= 0 and word in ("FROM", "JOIN"):
            return True
        elif depth <= 0 and word in ("SELECT", "WHERE", "BY", "HAVING", "SET", "VALUES", "ON"):
            return False
    return False


def _window(piece: Piece, index: int) -> str:
    tokens = piece.tokens
    end = end_of_group(tokens, index + 1)
    arguments = _arguments(piece, index + 2, end - 1)
    name = tokens[index].text.upper()
    counts = (3, 4) if name == "TUMBLE" else (4, 5)
    if len(arguments) not in counts:
        raise ParseError(
            f"{name} with {len(arguments)} arguments", position=piece.position(index), hint=f"write {_FORMS[name]}"
        )
    relation, column, step = arguments[:3]
    offset = arguments[-1] if len(arguments) == counts[1] else None
    origin = f"{_EPOCH} + {offset}" if offset else _EPOCH
    bucket = f"time_bucket({step}, {column}, {origin})"
    if name == "TUMBLE":
        query = f"SELECT *, {bucket} AS window_start, {bucket} + {step} AS window_end FROM {relation}"
    else:
        query = _hop(piece, index, relation, column, bucket, step, arguments[3])
    return f"({query}){_alias(piece, relation, end)}"


def _hop(piece: Piece, index: int, relation: str, column: str, bucket: str, step: str, size: str) -> str:
    micros, step_micros = _micros(size), _micros(step)
    if micros is None or step_micros is None or step_micros <= 0:
        raise NotSupportedError(
            "HOP with a hop or a size that is no interval of weeks, days or shorter units written out",
            position=piece.position(index),
            hint="write INTERVAL '5 minutes', …",
        )
    steps = ceil(micros / step_micros)
    if steps > _STEPS_MAX:
        raise NotSupportedError(
            f"HOP with {steps:,} windows a row", position=piece.position(index), hint=f"at most {_STEPS_MAX:,} are made"
        )
    hops = ", ".join(f"({number})" for number in range(steps))
    start = f"{bucket} - hop_number * {step}"
    rest = f" WHERE {column} IS NOT NULL"
    if micros % step_micros:
        rest += f" AND {start} + {size} > {column}"
    return (
        f"SELECT * EXCLUDE (hop_number), {start} AS window_start, {start} + {size} AS window_end "
        f"FROM {relation}, (VALUES {hops}) AS hops(hop_number){rest}"
    )


def _arguments(piece: Piece, first: int, last: int) -> list[str]:
    starts, depth = [first], 0
    for index in range(first, last):
        word = word_at(piece.tokens, index)
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if word == "," and depth == 0:
            starts.append(index + 1)
    ends = [start - 1 for start in starts[1:]] + [last]
    return [piece.span(start, end) for start, end in zip(starts, ends, strict=True)]


def _alias(piece: Piece, relation: str, after: int) -> str:
    """The table's name as the alias, where the statement gives none."""
    following = piece.tokens[after] if after < len(piece.tokens) else None
    if following is not None and (following.word == "AS" or following.kind == "quoted"):
        return ""
    if following is not None and following.kind == "word" and following.word not in _NO_ALIAS:
        return ""
    name = tokenize(relation)[-1]
    return f" AS {name.text}" if name.kind in ("word", "quoted") else " AS windows"


def _micros(text: str) -> int | None:
    """The length of ``INTERVAL '5 minutes'``, ``INTERVAL '1' DAY``, ``INTERVAL 1 HOUR``; None for other forms."""
    words = [string_value(t) if t.kind == "string" else t.text for t in tokenize(text)]
    if not words or words[0].upper() != "INTERVAL":
        return None
    parts = " ".join(words[1:]).lower().split()
    if len(parts) == 1 and re.fullmatch(r"\d+:\d\d(:\d\d)?", parts[0]):
        hours, minutes, seconds = (int(part) for part in (parts[0] + ":0").split(":")[:3])
        return ((hours * 60 + minutes) * 60 + seconds) * 10**6
    if len(parts) % 2:
        return None
    total = 0
    for count, unit in zip(parts[::2], parts[1::2], strict=True):
        factor = _UNITS.get(unit.rstrip("s"), _UNITS.get(unit))
        if factor is None or not count.isdigit():
            return None
        total += int(count) * factor
    return total
