"""EXPLAIN ANALYZE REFRESH …: carries it out, and tells of each step its statements, rows and time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from mvengine.engines.trace import TracedStatement, tracing
from mvengine.errors import ProgrammingError
from mvengine.schema import Column
from mvengine.session import answer, refresh
from mvengine.sql.classify import parse
from mvengine.sql.statements import ExplainAnalyze, RefreshTable, RefreshView

if TYPE_CHECKING:
    from mvengine.session import Session

COLUMNS = (
    Column(name="step", type="VARCHAR"),
    Column(name="rows", type="BIGINT"),
    Column(name="milliseconds", type="DOUBLE"),
    Column(name="detail", type="VARCHAR"),
)

_LOADS = """
SELECT relation, rows, coalesce(epoch_ms(finished_at) - epoch_ms(started_at), 0), stages_total
FROM mv_catalog.tasks WHERE kind = 'load' AND plan_id > $1 ORDER BY plan_id, task_id
"""
_HISTORY = """
SELECT name, mode, reason, output_rows FROM mv_catalog.maintenance_history WHERE epoch > $1
"""
_TARGET = re.compile(
    r"[\s(]*(CREATE|INSERT|DELETE|UPDATE|MERGE|DROP|ALTER|SELECT|FROM|WITH|SET)\b"
    r"(?: OR REPLACE| TEMP| TABLE| VIEW| IF EXISTS| INTO| FROM)*(?: ([\w.]*(?:\"[^\"]+\"|[\w.$#])+))?"
)


@dataclass(frozen=True)
class Line:
    step: str
    rows: int | None
    ms: float
    detail: str


def run(session: Session, statement: ExplainAnalyze) -> None:
    """Answers with a row for each step, steps of a step below it. Errors: those of the refresh."""
    (inner,) = parse(statement.statement, session.engine.extract)
    if not isinstance(inner, RefreshTable | RefreshView) or (isinstance(inner, RefreshTable) and inner.is_background):
        raise ProgrammingError(
            "EXPLAIN ANALYZE of a refresh in the background: it would show how it was begun",
            hint="leave out BACKGROUND; SHOW TASKS tells of one in the background",
        )
    epoch = session.database.epoch
    plan_id = int(session.engine.query("SELECT coalesce(max(plan_id), 0) FROM mv_meta.plans")[0][0])
    started = perf_counter()
    with tracing() as trace:
        refresh.run(session, inner)
    total = (perf_counter() - started) * 1000
    lines = [Line("refresh", None, total, f"epoch {session.database.epoch}")]
    lines += _loads(session, plan_id)
    lines += _steps(session, trace.statements, epoch)
    others = [statement.ms for statement in trace.statements if not statement.steps]
    lines.append(Line("  list, record and commit", None, sum(others), f"{len(others)} statements"))
    answer.answer(session, COLUMNS, [(line.step, line.rows, round(line.ms, 3), line.detail) for line in lines])


def _loads(session: Session, plan_id: int) -> Iterator[Line]:
    for relation, rows, ms, stages in session.engine.query(_LOADS, [plan_id]):
        yield Line(f"  load {relation}", rows, ms, f"{stages} stages")


def _steps(session: Session, statements: Sequence[TracedStatement], epoch: int) -> Iterator[Line]:
    """Each step with its statements and its inner steps, in the order in which they began."""
    history = {
        name: (f"{mode}: {reason}", rows) for name, mode, reason, rows in session.engine.query(_HISTORY, [epoch])
    }
    shown: set[tuple[str, ...]] = set()
    for statement in statements:
        for depth in range(1, len(statement.steps) + 1):
            steps = statement.steps[:depth]
            if steps not in shown:
                shown.add(steps)
                ms = sum(each.ms for each in statements if each.steps[:depth] == steps)
                detail, rows = history.get(_subject(steps), ("", None))
                yield Line("  " * depth + steps[-1], rows, ms, detail)
        if statement.steps:
            indent = "  " * (len(statement.steps) + 1)
            yield Line(indent + _purpose(statement.sql), statement.rows, statement.ms, "")


def _subject(steps: tuple[str, ...]) -> str:
    """The relation that an outer step is about, but for its verification: what the history tells of it stands there."""
    verb, _, name = steps[-1].partition(" ")
    return name if len(steps) == 1 and verb in ("merge", "view") else ""


def _purpose(sql: str) -> str:
    """What a statement does, in its own words: its verb, and the table that it makes or changes."""
    found = _TARGET.match(sql)
    if found is None:
        return " ".join(sql.split())[:60]
    return (
        f"{found[1].lower()} {found[2]}" if found[2] and found[1] not in ("SELECT", "FROM", "WITH", "SET") else "look"
    )
