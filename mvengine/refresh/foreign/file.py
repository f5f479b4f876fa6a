"""The header of a DuckDB file: how often it was checkpointed tells whether anybody wrote to it.

DuckDB's file begins with a main header and two database headers of 4096 bytes each, written in turn; each has a
checksum and the number of its checkpoint ("iteration"). Closing a database that was written to makes a checkpoint,
one that was only read does not.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

_MAGIC = b"DUCK"
_MAGIC_AT = 8
_HEADERS_AT = (4096, 8192)
_ITERATION = struct.Struct("<QQ")  # checksum, iteration


class DatabaseFile:
    """An open descriptor of a database file, beside DuckDB's own.

    On POSIX, closing any descriptor of a file takes back the process's locks on it, DuckDB's included: it must stay
    open until DuckDB has closed its own.
    """

    def __init__(self, path: str) -> None:
        """Errors: OSError, where there is no such file."""
        self._descriptor = os.open(path, os.O_RDONLY)
        self._log = Path(f"{path}.wal")

    def iteration(self) -> int | None:
        """The number of the latest checkpoint; None for a file that has none, or another form."""
        if self._read(_MAGIC_AT, len(_MAGIC)) != _MAGIC:
            return None
        headers = [self._read(offset, _ITERATION.size) for offset in _HEADERS_AT]
        found = [_ITERATION.unpack(header)[1] for header in headers if len(header) == _ITERATION.size]
        return max(found, default=None)

    def has_log(self) -> bool:
        """Whether commits wait beside the file for a checkpoint."""
        try:
            return self._log.stat().st_size > 0
        except FileNotFoundError:
            return False

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self, offset: int, size: int) -> bytes:
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        return os.read(self._descriptor, size)
