"""The lines of a text file, plain or compressed, without an engine: its beginning, and their numbers."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import IO, Any, TextIO, cast

from mvengine.errors import LoadError

HEAD_BYTES = 1 << 18  # a header line, or a first JSON object, longer than this is not seen whole

_CODECS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "latin-1": "latin-1"}


def read_head(local: Path, *, path: str, encoding: str = "utf-8") -> str:
    """The first ``HEAD_BYTES`` of text, without a byte order mark; what cannot be decoded is U+FFFD.

    Errors: ``LoadError`` for a file that is not compressed as its suffix says.
    """
    try:
        with _open(local) as file:
            return file.read(HEAD_BYTES).decode(_CODECS[encoding], errors="replace")
    except (OSError, EOFError) as error:
        raise LoadError(f"cannot be read: {error}", path=path) from error


def open_text(local: Path, *, encoding: str = "utf-8") -> TextIO:
    """The file as text, line ends as they are; what cannot be decoded is U+FFFD."""
    return io.TextIOWrapper(_open(local), encoding=_CODECS[encoding], errors="replace", newline="")


def _open(local: Path) -> IO[bytes]:
    if local.suffix == ".gz":
        return cast(IO[bytes], gzip.open(local, "rb"))
    if local.suffix == ".zst":
        import pyarrow as pa

        stream: Any = pa.CompressedInputStream(str(local), "zstd")
        return cast(IO[bytes], stream)
    return local.open("rb")
