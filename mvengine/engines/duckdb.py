"""DuckDB, embedded: the default engine. The only place outside ``meta`` that imports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb

from mvengine.engines.base import Capabilities, Parameters, Rows
from mvengine.engines.duckdb_errors import translate
from mvengine.errors import Error, InterfaceError
from mvengine.schema import Column, Columns

LOCAL_ROW_IDS = 36_028_797_018_960_000
"""Rows appended by the running transaction have row ids from here on (DuckDB's MAX_ROW_ID), until it commits."""


def open_database(path: str, config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Opens or creates a database file, or one in memory. Raises DatabaseLocked, naming the holder where known."""
    try:
        return duckdb.connect(path, config=config)
    except duckdb.Error as error:
        raise translate(error, "") from error


class DuckDbEngine:
    """One DuckDB connection: a transaction context and at most one open result."""

    capabilities = Capabilities(has_multi_table_transactions=True, has_row_ids=True, has_temporary_tables=True)

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._is_closed = False
        self.in_transaction = False
        self.has_custom_settings = False  # the user has changed a setting: views run under those of their CREATE

    @property
    def raw(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection, for results and relations."""
        if self._is_closed:
            raise InterfaceError("the connection is closed", hint="open another with mvengine.connect()")
        return self._connection

    def execute(self, sql: str, parameters: Parameters = None, /) -> duckdb.DuckDBPyConnection:
        """Runs statements and leaves the result open, to be fetched."""
        try:
            return self.raw.execute(sql, parameters if parameters else None)
        except duckdb.Error as error:
            raise translate(error, sql) from error
        except RuntimeError as error:
            raise translate(error, sql) from error

    def query(self, sql: str, parameters: Parameters = None) -> Rows:
        try:
            return self.raw.execute(sql, parameters if parameters else None).fetchall()
        except (duckdb.Error, RuntimeError) as error:
            raise translate(error, sql) from error

    def begin(self) -> None:
        self.query("BEGIN")
        self.in_transaction = True

    def commit(self) -> None:
        """DuckDB's COMMIT returns normally from an aborted transaction; a read before it does not."""
        self.query("SELECT 1")
        self.in_transaction = False
        self.query("COMMIT")

    def rollback(self) -> None:
        if self.in_transaction:
            self.in_transaction = False
            self.query("ROLLBACK")

    def fork(self) -> DuckDbEngine:
        """Another connection to the same database: its own transactions, settings and temporary tables."""
        return DuckDbEngine(self.raw.cursor())

    def describe(self, query: str) -> Columns:
        """Names and types of a query's columns, without running it."""
        prefix = "DESCRIBE "
        try:
            rows = self.query(f"{prefix}{query}")
        except Error as error:
            if error.position is not None and error.position.line == 1:
                error.position = replace(error.position, column=error.position.column - len(prefix))
            raise
        return tuple(Column(name=row[0], type=row[1]) for row in rows)

    def extract(self, sql: str) -> list[tuple[str, str]]:
        """DuckDB's own split and classification of statements: (kind, text)."""
        try:
            return [(statement.type.name, statement.query) for statement in duckdb.extract_statements(sql)]
        except duckdb.Error as error:
            raise translate(error, sql) from error

    def interrupt(self) -> None:
        """Stops the running statement from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        if not self._is_closed:
            self.rollback()
            self._is_closed = True
            self._connection.close()


Opener = Callable[[], DuckDbEngine]
