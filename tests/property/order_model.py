"""What the tables of the random-order test hold: the files as of their last refresh, and what was written since."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

Row = tuple[int, int]
BROKEN = "id,x\nno number,1\n"


@dataclass
class Source:
    """The files of a table: name → rows, None where they cannot be loaded. Every write gives a file a new time."""

    folder: Path
    files: dict[str, list[Row] | None] = field(default_factory=dict)
    version: int = 0

    def write(self, name: str, rows: list[Row] | None) -> None:
        path = self.folder / f"{name}.csv"
        path.write_text(BROKEN if rows is None else "id,x\n" + "".join(f"{id_},{x}\n" for id_, x in rows))
        self.version += 1
        os.utime(path, ns=(0, 1_700_000_000_000_000_000 + self.version * 1_000_000_000))
        self.files[name] = rows

    def remove(self, name: str) -> None:
        if self.files.pop(name, []) is not None or (self.folder / f"{name}.csv").exists():
            (self.folder / f"{name}.csv").unlink(missing_ok=True)

    @property
    def is_broken(self) -> bool:
        return None in self.files.values()


@dataclass
class Table:
    """A refreshable table; ``is_keyed``: the last row of a key wins, files in the order of their paths."""

    name: str
    source: Source
    is_keyed: bool
    contents: Counter[Row] = field(default_factory=Counter)

    def refreshed(self) -> None:
        """It holds what its files hold."""
        rows = [row for name in sorted(self.source.files) for row in self.source.files[name] or []]
        self.contents = Counter({row[0]: row for row in rows}.values()) if self.is_keyed else Counter(rows)

    def inserted(self, row: Row) -> bool:
        """Whether a row can be inserted; then it is there."""
        if self.is_keyed and row[0] in {id_ for id_, _ in self.contents}:
            return False
        self.contents[row] += 1
        return True

    def deleted(self, id_: int) -> None:
        self.contents = Counter({row: count for row, count in self.contents.items() if row[0] != id_})
