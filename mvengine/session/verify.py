"""VERIFY MATERIALIZED VIEW … | ALL: computes views again and compares, without keeping anybody waiting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mvengine.refresh.graph import ViewDefinition, decode
from mvengine.refresh.verify import Finding, Verdict, check_view, confirm_and_mark, not_compared
from mvengine.schema import Column, Name
from mvengine.session import answer
from mvengine.session.refresh import require_no_transaction, view_of
from mvengine.sql.statements import Verify

if TYPE_CHECKING:
    from mvengine.session import Session

COLUMNS = (
    Column(name="view_name", type="VARCHAR"),
    Column(name="rows", type="BIGINT"),
    Column(name="missing", type="BIGINT"),
    Column(name="unexpected", type="BIGINT"),
    Column(name="milliseconds", type="DOUBLE"),
    Column(name="verdict", type="VARCHAR"),
    Column(name="reason", type="VARCHAR"),
)
ROW_COLUMNS = (
    Column(name="view_name", type="VARCHAR"),
    Column(name="stage", type="VARCHAR"),
    Column(name="difference", type="VARCHAR"),
    Column(name="copies", type="BIGINT"),
    Column(name="row", type="VARCHAR"),
)

_BEHIND = """
SELECT schema_name, name, CASE state WHEN 'stale' THEN 'stale: it has followed up to epoch ' || followed_epoch
                                     ELSE 'suspended: ' || failure END
FROM mv_catalog.materialized_views WHERE state IN ('stale', 'suspended')
"""


def run(session: Session, statement: Verify) -> None:
    """Answers with a row for each view, and for each state that is wrong; with SHOW ROWS, with differing rows instead.
    All is read in one snapshot. Views that are wrong are marked; that alone waits for the writer lock."""
    require_no_transaction(session, "VERIFY")
    names = [view_of(session, ref, "VERIFY").name for ref in statement.views]
    session.require_unhidden(session.database.graph)
    engine = session.engine
    engine.begin()
    try:
        graph = decode(session.database.store(engine).load_relations())
        behind = {Name(schema=schema, name=name): reason for schema, name, reason in engine.query(_BEHIND)}
        views = [graph.views[name] for name in dict.fromkeys(names)] if names else list(graph.views.values())
        findings = [finding for view in views for finding in _found(session, view, behind, statement.rows_shown)]
    finally:
        engine.rollback()
    wrong = {finding.view.name: finding.view for finding in findings if finding.verdict is Verdict.WRONG}
    if wrong:
        confirm_and_mark(session.database, engine, wrong.values())
    if statement.rows_shown is None:
        answer.answer(session, COLUMNS, [_row(finding) for finding in findings])
    else:
        answer.answer(session, ROW_COLUMNS, [row for finding in findings for row in _examples(finding)])


def _found(
    session: Session, view: ViewDefinition, behind: Mapping[Name, str], rows_shown: int | None
) -> Iterable[Finding]:
    if view.name in behind:
        return [not_compared(view, behind[view.name])]
    return check_view(session.engine, view, examples_max=rows_shown or 1)


def _row(finding: Finding) -> tuple[object, ...]:
    found = finding.comparison
    counts = (found.rows, found.missing, found.unexpected) if found is not None else (None, None, None)
    milliseconds = round(finding.milliseconds, 3)
    return (str(finding.view.name), *counts, milliseconds, str(finding.verdict), finding.reason or None)


def _examples(finding: Finding) -> Iterator[tuple[object, ...]]:
    for example in finding.comparison.examples if finding.comparison is not None else ():
        yield str(finding.view.name), finding.stage, example.side, example.copies, example.row
