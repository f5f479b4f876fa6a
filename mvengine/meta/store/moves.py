"""What jobs and refreshes share: a transition is one compare-and-set statement, followed by its line of history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mvengine.errors import ConflictError, SerializationFailure
from mvengine.meta.store.base import Row, StoreBase

_HISTORY_TYPES = {
    "subject": "VARCHAR",
    "subject_id": "BIGINT",
    "schema_name": "VARCHAR",
    "name": "VARCHAR",
    "from_state": "VARCHAR",
    "event": "VARCHAR",
    "to_state": "VARCHAR",
    "cause": "VARCHAR",
    "attempt": "INTEGER",
    "occurred_at": "TIMESTAMP",
}


class MoveStore(StoreBase):
    def _move(self, subjects: str, update: str, values: Mapping[str, Any], history: Sequence[Row]) -> None:
        """Run ``update``, which must find one row for each line of ``history``, and append the history."""
        self._compare_and_set(subjects, update, values, len(history))
        self._insert("state_history", _HISTORY_TYPES, history)

    def _compare_and_set(
        self, subjects: str, update: str, values: Mapping[str, Any] | Sequence[Any], expected: int
    ) -> None:
        """Run ``update``, which must find ``expected`` rows.

        The update has no RETURNING: with it DuckDB writes every column, and then a transition would collide with a
        transaction that writes another column of the row, as DML does that marks a table dirty.
        A lost race has two faces, a stale version (fewer rows) and DuckDB's own conflict (which aborts the
        transaction); both are a ``ConflictError``.
        """
        import duckdb  # here, since whoever gets so far has a DuckDB cursor already

        try:
            [(found,)] = self._rows(update, values)
        except SerializationFailure as failure:  # the engine's translation of the same
            raise _lost_race(subjects) from failure
        except duckdb.TransactionException as failure:
            if "conflict" not in str(failure).lower():
                raise
            raise _lost_race(subjects) from failure
        if found != expected:
            raise _lost_race(subjects)


def _lost_race(subjects: str) -> ConflictError:
    return ConflictError(f"somebody else changed the state of {subjects} first", hint="read it again and decide anew")
