"""Bytes as text."""

from __future__ import annotations

from mvengine.errors import DataError


def decode(content: bytes, *, origin: str) -> str:
    """``content`` as UTF-8 text; ``DataError`` 22021 names the first byte that is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at, byte = error.start, content[error.start]
    else:
        if "\0" not in text:
            return text
        at, byte = content.index(0), 0
    raise DataError(
        f"{origin} is not text: byte 0x{byte:02x} at offset {at}", code="22021", hint="give SQL statements in UTF-8"
    )
