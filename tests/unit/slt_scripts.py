"""Scripts given as text, run on plain DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mvengine.slt import Engine, Failure, FileResult, Options, run_file
from mvengine.slt.engines import DbApiEngine, duckdb_engine
from mvengine.slt.flavors import FLAVORS


class Scripts:
    """Writes a script into a folder of its own and runs it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "script.slt"

    def __call__(
        self, text: str, *, flavor: str | None = "rs", engine: Engine | None = None, **options: Any
    ) -> FileResult:
        self.path.write_text(text)
        wanted = Options(
            labels=frozenset(options.pop("labels", ())),
            flavor=FLAVORS[flavor] if flavor else None,
            timeout=options.pop("timeout", None),
            is_fail_fast=options.pop("is_fail_fast", False),
            is_update=options.pop("is_update", False),
            has_records=options.pop("has_records", False),
        )
        return run_file(self.path, engine or duckdb_engine(), wanted, **options)

    def updated(self, text: str, **options: Any) -> str:
        """The text that ``--update`` makes of a script, which then passes."""
        self(text, is_update=True, **options)
        after = self.path.read_text()
        assert self(after, **options).failures == ()
        return after


def engine_of(connect: Any, *labels: str) -> Engine:
    """An engine of what a function without arguments opens."""
    return DbApiEngine(connect=lambda path, is_read_only: connect(), labels=labels, is_duckdb=False)


def passes(result: FileResult, passed: int) -> bool:
    assert result.failures == ()
    return result.passed == passed


def only_failure(result: FileResult) -> Failure:
    (failure,) = result.failures
    return failure
