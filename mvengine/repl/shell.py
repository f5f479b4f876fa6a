"""Runs scripts piece by piece: prints each result, stops at the first error."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from mvengine.errors import DataError, Error, OperationalError
from mvengine.repl import bar
from mvengine.repl.commands import Quit, run_command
from mvengine.repl.failure import describe, unexpected
from mvengine.repl.result import Result, Row, columns_of, read_page, rows_of
from mvengine.repl.script import pieces
from mvengine.schema import Columns

if TYPE_CHECKING:
    from rich.console import Console

    from mvengine.meta.progress import Progress

ROWS_SHOWN_MAX = 40
# The columns of DuckDB's answer to a write, and to a statement without a result: then there is no row.
_ANSWERS_OF_DUCKDB = (["Count"], ["Success"])
_EXPLAIN = (["explain"], ["explain_key", "explain_value"])  # ours and DuckDB's: text that is no table
READ_DEPTH_MAX = 16  # a file that .read-s itself ends here


class Database(Result, Protocol):
    """What of a connection the shell needs."""

    def execute(self, query: str, /) -> Any: ...
    def interrupt(self) -> None: ...
    def progress(self) -> Sequence[Progress]: ...


@dataclass(kw_only=True)
class Shell:
    """A connection with a screen. ``out`` gets results, ``err`` what went wrong, with tracebacks if ``is_debug``."""

    connection: Database
    out: Console
    err: Console
    is_debug: bool
    is_timed: bool = False
    _depth: int = field(default=0, init=False)

    def run(self, script: str, *, origin: str = "") -> bool:
        """Run all pieces of a script that came from the file ``origin``; False at the first error, which is printed.

        Raises ``Quit`` where the script says so.
        """
        for piece in pieces(script):
            try:
                is_well = run_command(self, piece.text) if piece.is_command else self._execute(piece.text)
            except Quit:
                raise
            except Error as error:
                self._fail(error, describe(error, statement=piece.text, origin=origin, first_line=piece.line))
                return False
            except Exception as error:
                self._fail(error, describe(unexpected(error), origin=origin, first_line=piece.line))
                return False
            if not is_well:
                return False
        return True

    def run_file(self, path: Path) -> bool:
        """Run a UTF-8 file. Raises ``OperationalError`` (cannot be read) or ``DataError`` (not text)."""
        if self._depth == READ_DEPTH_MAX:
            raise OperationalError(
                f"more than {READ_DEPTH_MAX} files read one another", hint="does a file .read itself?"
            )
        try:
            content = path.read_bytes()
        except OSError as error:
            raise OperationalError(f"cannot read {path}: {error.strerror}", code="58030") from error
        self._depth += 1
        try:
            return self.run(decode(content, origin=str(path)), origin=str(path))
        finally:
            self._depth -= 1

    def write(self, line: str) -> None:
        """One line of text on the screen, as it is."""
        self.out.file.write(line + "\n")

    def _execute(self, statement: str) -> bool:
        start = time.perf_counter()
        with _stoppable(self.connection):
            with bar.shown(self.err, statement, self.connection.progress):
                self.connection.execute(statement)
            self._show(columns_of(self.connection))
        if self.is_timed:
            self.write(f"{time.perf_counter() - start:.3f} s")
        return True

    def _show(self, columns: Columns) -> None:
        names = [column.name for column in columns]
        rows = rows_of(self.connection)
        if names in _ANSWERS_OF_DUCKDB:
            first = next(rows, None)
            if self.connection.rowcount >= 0:
                self._say_changed(self.connection.rowcount)
            elif first is not None:
                self._print(columns, chain([first], rows))
        elif names in _EXPLAIN:
            for row in rows:
                self.write(str(row[-1]).rstrip())
        elif names:
            self._print(columns, rows)

    def _say_changed(self, rows: int) -> None:
        if self.out.is_terminal:
            self.write(f"{rows:,} {'row' if rows == 1 else 'rows'} changed")

    def _print(self, columns: Columns, rows: Iterator[Row]) -> None:
        if self.out.is_terminal:
            from mvengine.repl import table

            page = read_page(columns, rows, rows_max=ROWS_SHOWN_MAX)
            self.out.print(table.render(page, width=self.out.width))
        else:
            from mvengine.repl import plain

            for line in plain.render(columns, rows):
                self.write(line)

    def _fail(self, error: Exception, text: str) -> None:
        if self.is_debug:
            self.err.out("".join(traceback.format_exception(error)), highlight=False, end="")
        self.err.out(text, style="red", highlight=False)


def decode(content: bytes, *, origin: str) -> str:
    """``content`` as UTF-8 text; ``DataError`` 22021 names the first byte that is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at, byte = error.start, content[error.start]
    else:
        if "\0" not in text:
            return text
        at, byte = content.index(0), 0
    raise DataError(
        f"{origin} is not text: byte 0x{byte:02x} at offset {at}", code="22021", hint="give SQL statements in UTF-8"
    )


@contextmanager
def _stoppable(database: Database) -> Iterator[None]:
    """Meanwhile the first Ctrl-C stops the statement; a second one is Python's KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        signal.signal(signal.SIGINT, signal.default_int_handler)
        database.interrupt()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
