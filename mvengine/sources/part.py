"""Parts of a split: what is loaded in one durable step.

A large Parquet file is loaded row group by row group: the engine reads no other groups for a range of row numbers, and
an object store sends no other bytes. Text formats have no such index: to begin in the middle, all before it would have
to be read, so that their files are one part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Part:
    """A range of rows of a split, from whole row groups. The parts of a split cover it, in order."""

    index: int  # from 0
    first_row: int  # from 0
    rows: int | None  # None: the whole file
    first_byte: int  # where its row groups begin
    size: int  # bytes of them, as they are stored

    @property
    def is_whole(self) -> bool:
        return self.rows is None


@dataclass(frozen=True, kw_only=True)
class RowGroup:
    """What the footer of a Parquet file says of one of its row groups."""

    rows: int
    first_byte: int
    size: int  # bytes, compressed


FOOTER = Part(index=0, first_row=0, rows=0, first_byte=0, size=0)
"""No rows at all: what is opened with it can be asked for its metadata."""


def whole(size: int) -> Part:
    """A file of ``size`` bytes as one part."""
    return Part(index=0, first_row=0, rows=None, first_byte=0, size=size)


def parts_of(groups: Sequence[RowGroup], size: int, bytes_max: int) -> tuple[Part, ...]:
    """Cuts a file of ``size`` bytes, between its row groups, into parts of at most ``bytes_max`` bytes.

    A single larger row group is a part of its own.
    """
    parts: list[Part] = []
    taken: list[RowGroup] = []
    row = 0
    for i, group in enumerate(groups):
        taken.append(group)
        following = groups[i + 1].size if i + 1 < len(groups) else bytes_max
        if sum(other.size for other in taken) + following > bytes_max:
            part = _part(len(parts), row, taken)
            parts.append(part)
            row += sum(other.rows for other in taken)
            taken = []
    if taken:
        parts.append(_part(len(parts), row, taken))
    return tuple(parts) if len(parts) > 1 else (whole(size),)


def _part(index: int, first_row: int, groups: Sequence[RowGroup]) -> Part:
    first_byte = min(group.first_byte for group in groups)
    return Part(
        index=index,
        first_row=first_row,
        rows=sum(group.rows for group in groups),
        first_byte=first_byte,
        size=max(group.first_byte + group.size for group in groups) - first_byte,
    )
