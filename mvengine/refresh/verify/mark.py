"""A view that was found wrong is marked, until REFRESH MATERIALIZED VIEW … FULL has rebuilt it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import VerificationFailed
from mvengine.refresh.database import Database
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.transaction import Transaction
from mvengine.refresh.verify.check import Finding, Verdict, check_view

WRONG = "wrong"
"""The state of such a view in ``mv_catalog.materialized_views``."""


def failure_of(findings: Iterable[Finding]) -> VerificationFailed | None:
    """The error that says what is wrong with a view, or None. ``findings`` are those of one view."""
    wrong = [finding for finding in findings if finding.verdict is Verdict.WRONG]
    if not wrong:
        return None
    first = wrong[0]
    return VerificationFailed(
        f"materialized view {first.view.name}: {first.reason} ({first.comparison})",
        hint=f"REFRESH MATERIALIZED VIEW {first.view.name} FULL rebuilds it; please report this, it is a bug",
    )


def confirm_and_mark(database: Database, engine: DuckDbEngine, views: Iterable[ViewDefinition]) -> None:
    """Compares views again, as the writer, and marks those that are wrong: between a reader's finding and this, one may
    have been rebuilt or dropped. ``engine`` is in no transaction."""
    with _writing(database, engine) as transaction:
        for view in views:
            if transaction.graph.views.get(view.name) == view:
                failure = failure_of(check_view(engine, view))
                if failure is not None:
                    _mark(transaction, view, failure)


def mark_wrong(database: Database, engine: DuckDbEngine, view: ViewDefinition, failure: VerificationFailed) -> None:
    """Marks a view whose maintenance went wrong in a refresh that was not published. ``engine`` as above."""
    with _writing(database, engine) as transaction:
        if view.name in transaction.graph.views:
            _mark(transaction, view, failure)


@contextmanager
def _writing(database: Database, engine: DuckDbEngine) -> Iterator[Transaction]:
    """A writer's transaction, committed at the end of the block."""
    transaction = Transaction(database, engine, is_explicit=False)
    transaction.lock("marking a view that was found wrong")
    try:
        transaction.begin()
        yield transaction
        transaction.commit()
    except BaseException:
        transaction.rollback()
        raise


def _mark(transaction: Transaction, view: ViewDefinition, failure: VerificationFailed) -> None:
    transaction.database.store(transaction.engine).set_view_state(view.relation_id, WRONG, failure.message)
