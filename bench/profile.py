"""Shows where mvengine's time goes: every SQL statement that it runs, with its milliseconds, and the rest as Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from mvengine.engines.duckdb import DuckDbEngine

WIDTH = 160  # characters of a statement


class Profile:
    """The statements of the last watched block."""

    def __init__(self) -> None:
        self.statements: list[tuple[float, str]] = []
        self.seconds = 0.0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Listens to all engines of the process until the block ends."""
        query, execute = DuckDbEngine.query, DuckDbEngine.execute
        self.statements = []
        DuckDbEngine.query = self._listen(query)  # type: ignore[method-assign]
        DuckDbEngine.execute = self._listen(execute)  # type: ignore[method-assign]
        started = perf_counter()
        try:
            yield
        finally:
            self.seconds = perf_counter() - started
            DuckDbEngine.query, DuckDbEngine.execute = query, execute  # type: ignore[method-assign]

    def _listen(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def listened(engine: DuckDbEngine, sql: str, *parameters: Any) -> Any:
            started = perf_counter()
            try:
                return method(engine, sql, *parameters)
            finally:
                self.statements.append((perf_counter() - started, " ".join(sql.split())))

        return listened

    def lines(self) -> list[str]:
        """A line a statement, and the sums."""
        inside = sum(seconds for seconds, _ in self.statements)
        found = [f"{seconds * 1000:8.2f} ms  {sql[:WIDTH]}" for seconds, sql in self.statements]
        found.append(f"{inside * 1000:8.2f} ms  in {len(self.statements)} statements")
        found.append(f"{(self.seconds - inside) * 1000:8.2f} ms  in Python")
        return found
