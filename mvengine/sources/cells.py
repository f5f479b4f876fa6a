"""What is wrong with a row, as a SQL expression: for formats whose rows are converted by the engine's casts."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.schema import Column, literal

_TEXT_MAX = 100  # characters of a bad value that an error shows


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One column of one row of a file, in SQL."""

    column: Column
    value: str  # of the column's type; NULL where the row has none, or one that cannot be converted
    is_given: str  # whether the row has a value that is not NULL
    text: str  # that value as it stands in the file


def reason(cells: tuple[Cell, ...], key: tuple[str, ...]) -> str:
    """NULL for a good row, else what its first fault is."""
    keys = {name.lower() for name in key}
    cases = [
        f"when ({cell.value}) is null and {cell.is_given} then {_before(cell.column)}"
        f" || left(cast({cell.text} as varchar), {_TEXT_MAX}) || {_after(cell.column)}"
        for cell in cells
    ] + [
        f"when ({cell.value}) is null then {literal(f'NULL in the key: column {cell.column.name}')}"
        for cell in cells
        if cell.column.name.lower() in keys
    ]
    return f"case {' '.join(cases)} end" if cases else "null"


def _before(column: Column) -> str:
    return literal(f"column {column.name}: cannot read '")


def _after(column: Column) -> str:
    return literal(f"' as {column.type}")
