"""DuckDB, embedded: the default engine. The only place outside ``meta`` that imports it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING, Any

import duckdb

from mvengine.engines.base import Capabilities, Parameters, Rows
from mvengine.engines.duckdb_errors import translate
from mvengine.engines.duckdb_names import Path, query_of, tables_in
from mvengine.engines.trace import TRACE
from mvengine.errors import Error, InterfaceError, NotSupportedError, OperationalError
from mvengine.schema import Column, Columns

if TYPE_CHECKING:
    import pyarrow

LOCAL_ROW_IDS = 36_028_797_018_960_000
"""Rows appended by the running transaction have row ids from here on (DuckDB's MAX_ROW_ID), until it commits."""


def open_database(path: str, config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Opens or creates a database file, or one in memory. Raises DatabaseLocked, naming the holder where known."""
    try:
        return duckdb.connect(path, config=config)
    except duckdb.Error as error:
        raise translate(error, "") from error


@dataclass
class CommonSettings:
    """What a new connection to the database starts with. None: not looked at yet, or changed by SET GLOBAL."""

    values: tuple[tuple[str, str], ...] | None = None
    is_changed: bool = False


CLOSE_SECONDS_MAX = 30.0
CLOSE_PAUSE_SECONDS = 0.002


class DuckDbEngine:
    """One DuckDB connection: a transaction context and at most one open result."""

    capabilities = Capabilities(has_multi_table_transactions=True, has_row_ids=True, has_temporary_tables=True)

    def __init__(self, connection: duckdb.DuckDBPyConnection, common: CommonSettings | None = None) -> None:
        self._connection = connection
        self._is_closed = False
        self.in_transaction = False
        self.has_custom_settings = False  # the user has changed a setting: views run under those of their CREATE
        self.common = CommonSettings() if common is None else common
        self.restores: list[str] = []  # statements that set back what a failed transaction had set
        self._parsed: tuple[str, duckdb.Statement] | None = None  # a query that ``extract`` has read just now
        self._guard = Lock()  # of making cursors, and of closing: none is made of a closed one

    @property
    def raw(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection, for results and relations."""
        if self._is_closed:
            raise InterfaceError("the connection is closed", hint="open another with mvengine.connect()")
        return self._connection

    def execute(self, sql: str, parameters: Parameters = None, /) -> duckdb.DuckDBPyConnection:
        """Runs statements and leaves the result open, to be fetched."""
        try:
            return self.raw.execute(self._take_parsed(sql), parameters if parameters else None)
        except duckdb.Error as error:
            raise translate(error, sql) from error
        except RuntimeError as error:
            raise translate(error, sql) from error

    def arrow(self, sql: str) -> pyarrow.Table:
        """The result of a query as an Arrow table. No result is open afterwards."""
        try:
            self.raw.abort()  # the result that is open, if any
            table: pyarrow.Table = self.raw.sql(sql).to_arrow_table()
        except (duckdb.Error, RuntimeError) as error:
            raise translate(error, sql) from error
        return table

    def query(self, sql: str, parameters: Parameters = None) -> Rows:
        trace = TRACE.get()
        if trace is None:
            return self._rows(sql, parameters)
        started = perf_counter()
        rows = self._rows(sql, parameters)
        trace.add(sql, rows, (perf_counter() - started) * 1000)
        return rows

    def _rows(self, sql: str, parameters: Parameters) -> Rows:
        self._parsed = None  # it may be a SET that the parser goes by
        try:
            return self.raw.execute(sql, parameters if parameters else None).fetchall()
        except (duckdb.Error, RuntimeError) as error:
            raise translate(error, sql) from error

    def fetched(self, sql: str, parameters: Parameters = None, /) -> Rows:
        """``query``, for those who know DuckDB's own cursors, too, whose ``query`` is another."""
        return self.query(sql, parameters)

    def begin(self) -> None:
        self.in_transaction = True  # before: an interrupt behind BEGIN must not leave it open unseen
        self.query("BEGIN")

    def commit(self) -> None:
        """DuckDB's COMMIT returns normally from an aborted transaction; a read before it does not."""
        self.query("SELECT 1")
        self.query("COMMIT")
        self.in_transaction = False

    def rollback(self) -> None:
        if self.in_transaction:
            try:
                self.query("ROLLBACK")
            except OperationalError as error:
                if error.code != "25000":  # no transaction is active: BEGIN had not begun, or COMMIT had ended it
                    raise
            self.in_transaction = False
        while self.restores:
            self.query(self.restores.pop())

    def fork(self) -> DuckDbEngine:
        """Another connection to the same database: its own transactions, settings and temporary tables."""
        with self._guard:
            return DuckDbEngine(self.raw.cursor(), self.common)

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

    def table_names(self, query: str) -> list[Path]:
        """Catalog, schema and name of the tables that a query reads. NotSupportedError: that cannot be told."""
        serialized = self.query("SELECT json_serialize_sql($1)", [query_of(query)])
        document = json.loads(serialized[0][0])
        if document["error"]:
            raise NotSupportedError(
                f"a materialized view of a query whose tables cannot be told: {document['error_message']}",
                hint="write it without PIVOT and the like",
            )
        return list(dict.fromkeys(tables_in(document["statements"])))

    def extract(self, sql: str) -> list[tuple[str, str]]:
        """DuckDB's own split and classification of statements: (kind, text)."""
        try:
            statements = self.raw.extract_statements(sql)
        except duckdb.Error as error:
            raise translate(error, sql) from error
        if len(statements) == 1 and statements[0].type is duckdb.StatementType.SELECT:
            self._parsed = (sql, statements[0])
        return [(statement.type.name, statement.query) for statement in statements]

    def _take_parsed(self, sql: str) -> str | duckdb.Statement:
        """What ``extract`` has made of a query, if it is the next one to run: it need not be parsed twice."""
        parsed, self._parsed = self._parsed, None
        return parsed[1] if parsed is not None and parsed[0] == sql else sql

    def report_progress(self) -> None:
        """From now on ``progress`` tells something. One round trip; statements are not slower for it."""
        self.query("SET enable_progress_bar_print = false; SET enable_progress_bar = true")

    def progress(self) -> float | None:
        """The share of the running statement that is done, 0 to 1, as DuckDB estimates it; None: it cannot tell, or
        nothing runs. For any thread, while the connection is open."""
        percent = self._connection.query_progress()
        return percent / 100 if percent >= 0 else None

    def interrupt(self) -> None:
        """Stops the running statement from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        if not self._is_closed:
            self.rollback()
            with self._guard:
                self._is_closed = True
            self._close()

    def _close(self) -> None:
        """DuckDB closes the cursors of a connection with it, and refuses while one of them is in a call of another
        thread, who may wait for a refresh: calls end, and no new cursor is made any more."""
        deadline = monotonic() + CLOSE_SECONDS_MAX
        while True:
            try:
                return self._connection.close()
            except duckdb.ResourceInUseException as error:
                if monotonic() > deadline:
                    raise translate(error, "") from error
                sleep(CLOSE_PAUSE_SECONDS)
