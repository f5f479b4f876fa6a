"""Whether rows are the expected ones. Pure functions; None is yes.

Expected results are read with one value a line or one row a line, as their number says. They are right if one of the
flavor's styles prints them so, white space apart; or value by value within what ``mvengine.slt.near`` allows. Where a
sort mode is given, both sides are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import eq

from mvengine.slt.answers import Answer, Mismatch
from mvengine.slt.flavors import Flavor
from mvengine.slt.near import are_near
from mvengine.slt.order import Rows, collapse, digest, hash_line, is_hash, sort_rows, sorted_values, split_cells
from mvengine.slt.records import ExpectedRows
from mvengine.slt.settings import Sort
from mvengine.slt.styles import STYLES

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_LETTERS = {
    **dict.fromkeys(_INTEGERS, "I"),
    **dict.fromkeys((f"U{name}" for name in _INTEGERS), "I"),
    **dict.fromkeys(("DOUBLE", "FLOAT", "DECIMAL"), "R"),
    "BOOLEAN": "B",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What a script's settings say about how its queries are compared."""

    flavor: Flavor
    sort: Sort  # of queries that name none
    hash_values_max: int
    is_valuewise: bool | None  # None: found by itself

    def sort_of(self, expected: ExpectedRows) -> Sort:
        return expected.sort or self.sort


def check_rows(expected: ExpectedRows, answer: Answer, comparison: Comparison) -> Mismatch | None:
    """The rows against the lines under ``----``."""
    columns_count = len(answer.rows[0]) if answer.rows else len(answer.description)
    if comparison.flavor.counts_columns and expected.types and len(expected.types) != columns_count:
        return _different_columns(expected, answer, comparison, columns_count)
    lines = expected.lines
    if expected.has_names and lines:
        if lines[0].split() != [part for name in answer.names for part in name.split()]:
            reason = "different names of columns"
            return Mismatch(reason=reason, expected=lines[0], actual=" ".join(answer.names), lines=None)
        lines = lines[1:]
    if not lines and expected.label and answer.rows:
        return None  # the label alone says what is expected
    sort, has_hash = comparison.sort_of(expected), is_hash(lines)
    for style in comparison.flavor.styles:
        rows = STYLES[style](answer, expected.types)
        if has_hash:
            if hash_line(sorted_values(rows, sort, expected.sort_columns)) == collapse(lines[0]).lower():
                return None
        elif _are_same(lines, rows) or _agree(lines, rows, columns_count, expected, comparison):
            return None
    if not has_hash and are_near(lines, answer, columns_count, expected, sort, comparison.flavor):
        return None
    reason = "a different answer"
    if expected.types and len(expected.types) != columns_count:
        reason += f", of {_columns(columns_count)} and not {len(expected.types)}"
    return _mismatch(reason, expected, answer, comparison)


def label_digest(expected: ExpectedRows, answer: Answer, comparison: Comparison) -> str:
    """By which queries with one label are compared."""
    rows = STYLES[comparison.flavor.styles[0]](answer, expected.types)
    return digest(sorted_values(rows, comparison.sort_of(expected), expected.sort_columns))


def answer_lines(expected: ExpectedRows, answer: Answer, comparison: Comparison) -> tuple[str, ...]:
    """The answer as it would have to stand under ``----``: sorted, hashed, and in the form that stands there now."""
    style = STYLES[comparison.flavor.styles[0]]
    rows = sorted_values(style(answer, expected.types), comparison.sort_of(expected), expected.sort_columns)
    if is_hash(expected.lines) or 0 < comparison.hash_values_max < sum(map(len, rows)):
        return (hash_line(rows),)
    names = (" ".join(answer.names),) if expected.has_names else ()
    if _is_valuewise(expected, answer, comparison):
        return (*names, *chain.from_iterable(rows))
    is_tabbed = comparison.flavor.name == "duckdb" or any("\t" in line for line in expected.lines)
    return (*names, *(("\t" if is_tabbed else " ").join(row) for row in rows))


def _are_same(lines: Sequence[str], rows: Rows) -> bool:
    """Whether the values stand there one by one, in the order in which they came: most do, and that is quickly seen.

    What is the same is so in any order.
    """
    return len(lines) == sum(map(len, rows)) and all(map(eq, lines, chain.from_iterable(rows)))


def _agree(
    lines: Sequence[str], rows: Rows, columns_count: int, expected: ExpectedRows, comparison: Comparison
) -> bool:
    sort, count = comparison.sort_of(expected), len(lines)
    if sort is Sort.NONE and columns_count == 1:
        return count == len(rows) and all(
            line == row[0] or collapse(line) == collapse(row[0]) for line, row in zip(lines, rows, strict=True)
        )
    if sort is Sort.VALUES:
        wanted = _values(lines, len(rows), columns_count)
        return sorted(map(collapse, wanted)) == sorted(collapse(value) for row in rows for value in row)
    if _reads_values(count, len(rows), columns_count, comparison):
        chunks = [tuple(map(collapse, lines[at : at + columns_count])) for at in range(0, count, columns_count)]
        actual = [tuple(map(collapse, row)) for row in rows]
        return sorted_values(chunks, sort, expected.sort_columns) == sorted_values(actual, sort, expected.sort_columns)
    if count != len(rows):
        return False
    wanted_lines = [collapse(line) for line in lines]
    actual_lines = [collapse(" ".join(row)) for row in rows]
    if sort is Sort.NONE:
        return wanted_lines == actual_lines
    return sort_rows(wanted_lines, sort, expected.sort_columns, str.split) == sort_rows(
        actual_lines, sort, expected.sort_columns, str.split
    )


def _values(lines: Sequence[str], rows_count: int, columns_count: int) -> list[str]:
    """The values under ``valuesort``: one a line, or a row a line."""
    if len(lines) == rows_count and columns_count > 1:
        return [cell for line in lines for cell in split_cells(line, columns_count) or (line,)]
    return list(lines)


def _reads_values(lines_count: int, rows_count: int, columns_count: int, comparison: Comparison) -> bool:
    """Whether the expected lines have one value each."""
    if columns_count < 2 or lines_count != rows_count * columns_count:
        return False
    return True if comparison.is_valuewise is None else comparison.is_valuewise


def _is_valuewise(expected: ExpectedRows, answer: Answer, comparison: Comparison) -> bool:
    """Whether values are to be written one a line: as they stand there; where nothing stands, as the flavor has it."""
    if comparison.sort_of(expected) is Sort.VALUES:
        return True
    if comparison.is_valuewise is not None:
        return comparison.is_valuewise
    letters = len(expected.types) or len(answer.description)
    if not expected.lines or letters < 2:
        return comparison.flavor.name == "sqlite"
    return any(split_cells(line, letters) is None for line in expected.lines)


def _different_columns(expected: ExpectedRows, answer: Answer, comparison: Comparison, columns_count: int) -> Mismatch:
    names = ", ".join(f"{name} {kind}" for name, kind in zip(answer.names, answer.types, strict=True))
    return Mismatch(
        reason="a different number of columns",
        expected=f"{len(expected.types)} ({expected.types})",
        actual=f"{columns_count} ({names})",
        lines=answer_lines(replace(expected, types=letters_of(answer)), answer, comparison),
        types=letters_of(answer),
    )


def with_rows(mismatch: Mismatch, answer: Answer, comparison: Comparison) -> Mismatch:
    """The mismatch of a query that was to fail, with what would have to stand there instead."""
    expected = ExpectedRows(types=letters_of(answer), sort=None, sort_columns=(), label=None, has_names=False, lines=())
    return replace(mismatch, lines=answer_lines(expected, answer, comparison), types=expected.types)


def letters_of(answer: Answer) -> str:
    """The type letters of an answer: ``I`` for integers, ``R`` for other numbers, ``B`` for booleans, else ``T``."""
    return "".join(_LETTERS.get(kind.partition("(")[0], "T") for kind in answer.types)


def _mismatch(reason: str, expected: ExpectedRows, answer: Answer, comparison: Comparison) -> Mismatch:
    """What is expected beside what came, in the same form and order."""
    actual = answer_lines(expected, answer, comparison)
    shown: Sequence[str] = expected.lines
    sort = comparison.sort_of(expected)
    if sort is not Sort.NONE and not is_hash(shown) and len(shown) == len(actual):
        cells = (lambda line: (line,)) if _is_valuewise(expected, answer, comparison) else str.split
        if sort is Sort.VALUES or cells is str.split:
            shown = sort_rows(list(shown), Sort.ROWS if sort is Sort.VALUES else sort, expected.sort_columns, cells)
    text = "\n".join(actual)
    if is_hash(actual):
        unhashed = STYLES[comparison.flavor.styles[0]](answer, expected.types)
        text = "\n".join([text, *(" ".join(row) for row in sorted_values(unhashed, sort, expected.sort_columns)[:20])])
    return Mismatch(reason=reason, expected="\n".join(shown), actual=text, lines=actual)


def _columns(count: int) -> str:
    return f"{count} column{'s' if count != 1 else ''}"
