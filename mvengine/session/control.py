"""PAUSE, RESUME, CANCEL, RETRY, ROLLBACK and WAIT: of refreshes and jobs, by their numbers."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, assert_never

from mvengine.refresh.database import Database
from mvengine.refresh.plan.outcome import Outcome, RefusalKind
from mvengine.refresh.run import operations
from mvengine.session import answer, jobs
from mvengine.session.numbers import unknown_refresh
from mvengine.session.refresh import REFRESH_COLUMNS, require_no_transaction
from mvengine.session.waiting import patiently
from mvengine.sql.statements import Control, ControlVerb, Subject, Wait

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: Control) -> None:
    """Carries it out and answers with the state afterwards. Errors: UnknownRelation, StateError, ConflictError."""
    require_no_transaction(session, f"{statement.verb} {statement.subject}")
    if statement.subject is Subject.JOB:
        jobs.cancel(session, statement.number)
        return
    _answer(session, steer(session.database, statement.verb, statement.number, from_start=statement.from_start))


def steer(database: Database, verb: ControlVerb, plan_id: int, *, from_start: bool = False) -> Outcome:
    """The operation on a refresh, its outcome a value."""
    match verb:
        case ControlVerb.PAUSE:
            return operations.pause(database, plan_id)
        case ControlVerb.RESUME:
            return operations.resume(database, plan_id)
        case ControlVerb.CANCEL:
            return operations.cancel(database, plan_id)
        case ControlVerb.RETRY:
            return operations.retry(database, plan_id, from_start=from_start)
        case ControlVerb.ROLLBACK:
            return operations.rollback(database, plan_id)
        case _:
            assert_never(verb)


def wait(session: Session, statement: Wait) -> None:
    """Waits until it is over, however it ends, and answers with its state. Errors: UnknownRelation; StateError (57014)
    where it takes longer than ``TIMEOUT``; OperationalError (57014) where the wait is interrupted."""
    require_no_transaction(session, f"WAIT {statement.subject or ''}".strip())
    number, timeout = statement.number, statement.timeout_seconds
    if statement.subject is Subject.JOB and number is not None:
        jobs.wait(session, number, timeout)
        return
    deadline = inf if timeout is None else monotonic() + timeout
    if statement.subject is None:
        jobs.wait_for_all(session, timeout)
    outcome = _wait_for_refreshes(session, number, deadline)
    if outcome.refusal is not None and _is_late(outcome):
        message = f"refresh {outcome.plan_id} is not over after {timeout:g} s"
        outcome = replace(outcome, refusal=replace(outcome.refusal, message=message))
    if statement.subject is None:
        outcome.raise_refused()
        answer.done(session)
    else:
        _answer(session, outcome)


def _wait_for_refreshes(session: Session, plan_id: int | None, deadline: float) -> Outcome:
    return patiently(
        session,
        lambda seconds: operations.wait(session.database, plan_id, seconds),
        is_late=_is_late,
        deadline=deadline,
        interrupted=lambda found: (f"the wait for refresh {found.plan_id} was interrupted", "the refresh goes on"),
    )


def _is_late(outcome: Outcome) -> bool:
    return outcome.refusal is not None and outcome.refusal.kind is RefusalKind.TIMEOUT


def _answer(session: Session, outcome: Outcome) -> None:
    if outcome.refusal is not None and outcome.refusal.kind is RefusalKind.UNKNOWN:
        raise unknown_refresh(session, outcome.plan_id)
    outcome.raise_refused()
    answer.answer(session, REFRESH_COLUMNS, [(outcome.plan_id, outcome.status)])
