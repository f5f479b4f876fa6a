"""What becomes of a view whose query fails on the data: ``on_error``.

    fail      whatever changed its inputs fails, and nothing of that is published
    suspend   the view is suspended: it keeps its last good rows and is left behind, all else is published

DuckDB aborts a whole transaction at any error. So a view is suspended by a transaction of its own, when that in which
it failed has been rolled back; run again, that goes through without the view. A suspended view heals by itself:
whenever its inputs have changed, it is derived again in a transaction of its own; if that succeeds it follows again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mvengine.errors import DataError, SerializationFailure
from mvengine.refresh.graph import ViewDefinition

Result = TypeVar("Result")

SUSPENDED = "suspended"


class ViewSuspended(SerializationFailure):
    """A view failed and is suspended as soon as the transaction is rolled back: run again, that goes through."""

    def __init__(self, view: ViewDefinition, cause: DataError) -> None:
        super().__init__(
            f"materialized view {view.name} is suspended, its query failed: {cause.message}",
            hint="run the transaction again: it goes through without the view, which heals when its query succeeds",
        )
        self.view = view
        self.cause = cause


def named(view: ViewDefinition, error: DataError) -> DataError:
    """The error of a view's query, which names the view and says what can be done."""
    if not error.message.startswith("materialized view "):
        error.message, error.position = f"materialized view {view.name}: {error.message}", None  # not of the statement
        error.hint = (
            f"nothing was changed: correct the rows, or leave the view behind by "
            f"ALTER MATERIALIZED VIEW {view.name} SET (on_error = 'suspend')"
        )
    return error


def left_behind(failure: ViewSuspended) -> DataError:
    """The error for who has asked for this very view: it is suspended now, whatever else was published."""
    error = DataError(
        f"materialized view {failure.view.name} is suspended, its query failed: {failure.cause.message}",
        hint="it keeps its last good rows; correct the rows that it reads, and it heals at the next refresh or change",
        code=failure.cause.code,
    )
    error.__cause__ = failure.cause
    return error


def repeated(attempt: Callable[[], Result], views: int) -> Result:
    """Runs a transaction, and again while views are suspended in it: each time goes without one more of ``views``."""
    for _ in range(views):
        try:
            return attempt()
        except ViewSuspended:
            continue
    return attempt()
