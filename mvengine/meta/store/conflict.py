"""A lost race has two faces, a stale version (0 rows) and DuckDB's own conflict; both are one ``ConflictError``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvengine.errors import ConflictError


def lost_race(subject: str) -> ConflictError:
    return ConflictError(
        f"somebody else changed the state of {subject} first",
        hint="read the state again and decide anew",
    )


@contextmanager
def raising_conflict(subject: str) -> Iterator[None]:
    """Turn DuckDB's conflict of two transactions into ``ConflictError``. The transaction is aborted: roll it back."""
    import duckdb  # here, since whoever gets so far has a DuckDB cursor already

    try:
        yield
    except duckdb.TransactionException as failure:
        if "conflict" not in str(failure).lower():
            raise
        raise lost_race(subject) from failure
