"""What statements an engine runs and what they take, by the step of the work that they belong to.

Whoever wants to see it opens a trace; it is of the thread that did. Code that does a step names it, which costs next to
nothing where nobody looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class TracedStatement:
    """``steps`` from the outermost in; ``rows`` are those that it returned, or wrote."""

    steps: tuple[str, ...]
    sql: str
    rows: int
    ms: float


@dataclass
class Trace:
    statements: list[TracedStatement] = field(default_factory=list)
    steps: tuple[str, ...] = ()

    def add(self, sql: str, rows: list[tuple[object, ...]], ms: float) -> None:
        self.statements.append(TracedStatement(steps=self.steps, sql=sql, rows=_rows_of(sql, rows), ms=ms))


TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""The trace of this thread, if somebody looks."""

_WRITES = ("CREATE", "INSERT", "UPDATE", "DELETE", "MERGE")


def _rows_of(sql: str, rows: list[tuple[object, ...]]) -> int:
    """DuckDB answers a write with the number of its rows."""
    is_count = sql.lstrip().startswith(_WRITES) and len(rows) == 1 and isinstance(rows[0][0], int)
    return int(str(rows[0][0])) if is_count else len(rows)


@contextmanager
def tracing() -> Iterator[Trace]:
    """Keeps what this thread's engines run in the block."""
    trace = Trace()
    token = TRACE.set(trace)
    try:
        yield trace
    finally:
        TRACE.reset(token)


@contextmanager
def step(name: str) -> Iterator[None]:
    """A step of the work, perhaps inside another one."""
    trace = TRACE.get()
    if trace is None:
        yield
        return
    outer, trace.steps = trace.steps, (*trace.steps, name)
    try:
        yield
    finally:
        trace.steps = outer
