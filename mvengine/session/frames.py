"""DataFrames and Arrow tables of the caller as tables: only what stands in the caller's own scope, never in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import InterfaceError

_STRINGS = re.compile(r"'(?:[^']|'')*'")
_WORDS = re.compile(r"[A-Za-z_]\w*")
_LIBRARIES = ("pandas", "polars", "pyarrow")


class Frames:
    """Registers the caller's frames for one statement at a time, and by request for longer."""

    def __init__(self, engine: DuckDbEngine) -> None:
        self._engine = engine
        self._registered: list[str] = []
        self._kept: dict[str, str] = {}  # name in lower case -> as it was given

    def keep(self, name: str, data: object) -> None:
        """Makes data readable under a name until ``forget``. Errors: InterfaceError where it is no table."""
        table = _as_table(data)
        if table is None and hasattr(data, "__arrow_c_stream__"):
            import pyarrow

            table = pyarrow.table(data)  # a stream could be read only once; its buffers are shared, not copied
        if table is None:
            raise InterfaceError(
                f"{name} cannot be a {type(data).__name__}",
                hint="register a DataFrame of pandas or polars, a table of pyarrow, or another Arrow stream",
                code="42804",
            )
        self.forget(name)
        self._engine.raw.register(name, table)
        self._kept[name.lower()] = name

    def forget(self, name: str) -> None:
        """Undoes ``keep``, if there was one."""
        kept = self._kept.pop(name.lower(), None)
        if kept is not None:
            self._engine.raw.unregister(kept)

    def bind(self, text: str, scope: Mapping[str, Any]) -> None:
        """Makes variables that the text names, and that no table or view is called by, readable as tables."""
        if not scope:
            return
        words = set(_WORDS.findall(_STRINGS.sub("''", text)))
        for name in sorted(name for name in words if name in scope):
            table = _as_table(scope[name])
            if table is not None and not self._is_relation(name):
                self._engine.raw.register(name, table)
                self._registered.append(name)

    def release(self) -> None:
        """Forgets the frames of the statement before, and the rows that were not fetched: DuckDB still reads them."""
        if self._registered:
            self._engine.raw.abort()
        while self._registered:
            self._engine.raw.unregister(self._registered.pop())

    def _is_relation(self, name: str) -> bool:
        return bool(
            self._engine.query(
                "SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = $1 "
                "UNION ALL SELECT 1 FROM duckdb_views() WHERE lower(view_name) = $1 LIMIT 1",
                [name.lower()],
            )
        )


def _as_table(value: Any) -> Any:
    """The value if DuckDB can read it as a table, else None."""
    library = type(value).__module__.partition(".")[0]
    kind = type(value).__name__
    if library not in _LIBRARIES:
        return None
    if library == "polars":
        if kind == "LazyFrame":
            value = value.collect()
        return value.to_arrow() if kind in ("DataFrame", "LazyFrame") else None
    return value if kind in ("DataFrame", "Table", "RecordBatch", "RecordBatchReader", "Dataset") else None
