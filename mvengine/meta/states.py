"""States and their transition tables, as data; ``transition`` is the one function that reads them.

A new state is a new row here and a sentence that says why. The tables of plans and of tasks (graph refreshes that can
be paused, retried and rolled back) stand below the two that there are, each with its states and events, and are read by
the same function.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from mvengine.errors import StateError

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class JobStatus(StrEnum):
    """A job: a standing definition that is being built or kept."""

    INITIAL = "INITIAL"  # recorded; nothing built yet
    CREATING = "CREATING"  # its tables are being made and filled
    CREATED = "CREATED"  # it can be read and is kept


class JobEvent(StrEnum):
    START = "START"
    COMPLETE = "COMPLETE"


class RefreshState(StrEnum):
    """The refresh of one refreshable table."""

    IDLE = "IDLE"  # nothing is going on
    REFRESHING = "REFRESHING"  # splits are loaded into the staging table; readers see nothing of it
    FINISHING = "FINISHING"  # all is staged; one transaction is to merge it and advance the epoch


class RefreshEvent(StrEnum):
    TRIGGER = "TRIGGER"
    STAGE_DONE = "STAGE_DONE"
    PUBLISH = "PUBLISH"
    FAIL = "FAIL"
    RECOVER = "RECOVER"


JOB: Mapping[tuple[JobStatus, JobEvent], JobStatus] = {
    (JobStatus.INITIAL, JobEvent.START): JobStatus.CREATING,
    (JobStatus.CREATING, JobEvent.COMPLETE): JobStatus.CREATED,
}

REFRESH: Mapping[tuple[RefreshState, RefreshEvent], RefreshState] = {
    (RefreshState.IDLE, RefreshEvent.TRIGGER): RefreshState.REFRESHING,
    (RefreshState.REFRESHING, RefreshEvent.STAGE_DONE): RefreshState.FINISHING,
    (RefreshState.FINISHING, RefreshEvent.PUBLISH): RefreshState.IDLE,
    # A failure changes nothing that readers see, in either half.
    (RefreshState.REFRESHING, RefreshEvent.FAIL): RefreshState.IDLE,
    (RefreshState.FINISHING, RefreshEvent.FAIL): RefreshState.IDLE,
    # Start-up found the process gone in the middle.
    (RefreshState.REFRESHING, RefreshEvent.RECOVER): RefreshState.IDLE,
    (RefreshState.FINISHING, RefreshEvent.RECOVER): RefreshState.IDLE,
}

_SUBJECTS: Mapping[type[StrEnum], str] = {JobStatus: "job", RefreshState: "refresh"}


def transition(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """The state that ``event`` leads to from ``state``.

    Raises ``StateError`` for a cell that ``table`` does not have; the hint names what is possible.
    """
    following = table.get((state, event))
    if following is not None:
        return following
    subject = _SUBJECTS[type(state)]
    possible = [str(known) for origin, known in table if origin is state]
    needed = [str(origin) for origin, known in table if known is event]
    raise StateError(
        f"cannot {event} a {subject} that is {state}; it must be {' or '.join(needed)}",
        hint=f"from {state}, a {subject} can {' or '.join(possible)}" if possible else f"{state} is the last state",
    )
