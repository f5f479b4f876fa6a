"""What an operation on a refresh came to: a value also where it was refused. Only a bug raises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mvengine.errors import ConflictError, Error, StateError, UnknownRelation
from mvengine.meta.states import PlanStatus


class RefusalKind(StrEnum):
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"  # the state does not allow it
    CONFLICT = "CONFLICT"  # somebody else was first
    RETRY_EXHAUSTED = "RETRY_EXHAUSTED"  # as many attempts as are allowed were made
    UNKNOWN = "UNKNOWN"  # there is no such refresh
    NOTHING_TO_ROLL_BACK = "NOTHING_TO_ROLL_BACK"  # nothing was staged, or it is not this refresh's any more
    TIMEOUT = "TIMEOUT"  # it is not over yet


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why an operation was not carried out. Nothing was written."""

    kind: RefusalKind
    message: str
    hint: str | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an operation on refresh ``plan_id`` came to; ``status`` is its state afterwards (None: there is none)."""

    plan_id: int
    status: PlanStatus | None
    refusal: Refusal | None

    @property
    def is_done(self) -> bool:
        """Whether the operation was carried out."""
        return self.refusal is None

    def raise_refused(self) -> None:
        """The refusal as an error, for SQL. Errors: StateError (55000), ConflictError (40001), UnknownRelation."""
        if self.refusal is not None:
            raise _error(self.refusal)


def _error(refusal: Refusal) -> Error:
    message = refusal.message
    match refusal.kind:
        case RefusalKind.UNKNOWN:
            return UnknownRelation(message, hint=refusal.hint)
        case RefusalKind.CONFLICT:
            return ConflictError(message, hint=refusal.hint)
        case RefusalKind.TIMEOUT:
            return StateError(message, hint=refusal.hint, code="57014", retryable=True)
        case _:
            return StateError(message, hint=refusal.hint)
