"""Directives of CockroachDB's and Materialize's files. Those that are not cheap are skipped, with the reason."""

from __future__ import annotations

from mvengine.slt.reader import Reader
from mvengine.slt.records import Repeat, Unsupported
from mvengine.slt.settings import Nothing, Reopen

_REPEAT_MAX = 1_000_000


def repeat(reader: Reader) -> Repeat:
    """``repeat 50``: the next record runs so many times."""
    count = reader.only_word("a number")
    if not count.isdecimal() or int(count) > _REPEAT_MAX:
        raise reader.error(f"{count!r} is not a number of times up to {_REPEAT_MAX}")
    return Repeat(times=int(count))


def user(reader: Reader) -> Nothing | Unsupported:
    """``user root`` is what everybody is here."""
    name = reader.only_word("a user's name")
    if name in ("root", "host-cluster-root", "materialize", "mz_system"):
        return Nothing()
    return Unsupported(
        text=f"user {name}", reason="there is one user only, and what follows needs another one", ends_file=True
    )


def reset_server(reader: Reader) -> Reopen:
    del reader
    return Reopen(is_restart=True)


def copy(reader: Reader) -> Unsupported:
    return Unsupported(text=" ".join(reader.words), reason="'copy' needs Materialize's data files", ends_file=True)


def unsupported(reader: Reader, reason: str) -> Unsupported:
    """A record with a body, and with what it expects."""
    text = reader.body()
    if reader.has_separator:
        reader.rows()
    return Unsupported(text=text, reason=reason, ends_file=False)
