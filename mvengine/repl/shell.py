"""Runs scripts piece by piece: prints each result, stops at the first error."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from mvengine.errors import Error, OperationalError, ProgrammingError
from mvengine.repl import bar, highlight
from mvengine.repl.commands import Quit, find, run_command
from mvengine.repl.display import Display, PagerUse
from mvengine.repl.exact import exact_query, is_query
from mvengine.repl.failure import LINE_WIDTH, describe, painted, unexpected
from mvengine.repl.formats import FORMATS, Look, duckbox
from mvengine.repl.output import Output
from mvengine.repl.result import BATCH_ROWS, Result, Row, columns_of, rows_of
from mvengine.repl.script import Piece, pieces
from mvengine.repl.stopping import stoppable
from mvengine.repl.text_files import decode
from mvengine.schema import Columns

if TYPE_CHECKING:
    from rich.console import Console

    from mvengine.lineage import Lineage
    from mvengine.meta.progress import Progress

# The columns of DuckDB's answer to a write, and to a statement without a result: then there is no row.
_ANSWERS_OF_DUCKDB = (["Count"], ["Success"])
_EXPLAIN = (["explain"], ["explain_key", "explain_value"])  # ours and DuckDB's: text that is no table
READ_DEPTH_MAX = 16  # a file that .read-s itself ends here
_FRAME_LINES = 12  # of the screen: a box without its rows, the prompt, and the statement
ROWS_MIN = 10  # are shown however low the screen is
PAGED = Look(rows_max=10_000, width=2_000)  # what a box has in a pager


class Database(Result, Protocol):
    """What of a connection the shell needs."""

    def execute(self, query: str, parameters: Sequence[Any] | None = None, /) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def cursor(self) -> Self: ...
    def interrupt(self) -> None: ...
    def progress(self) -> Sequence[Progress]: ...
    def report_query_progress(self) -> None: ...
    def query_progress(self) -> float | None: ...
    def lineage(self, name: str | None = None, /) -> Lineage: ...


@dataclass(kw_only=True)
class Shell:
    """A connection with a screen. ``out`` gets results, ``err`` what went wrong, with tracebacks if ``is_debug``.

    ``last`` is the latest statement, ``draft`` what the next prompt begins with.
    """

    connection: Database
    out: Console
    err: Console
    is_debug: bool
    display: Display = field(default_factory=Display)
    last: str = ""
    draft: str = ""
    _depth: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.output = Output(self.out)
        if self.err.is_terminal:
            self.connection.report_query_progress()

    @property
    def is_interactive(self) -> bool:
        """Whether somebody sits at a prompt."""
        return self.output.is_paged

    # -- scripts -----------------------------------------------------------------------------------------------------

    def run(self, script: str, *, origin: str = "") -> bool:
        """Run all pieces of a script that came from the file ``origin``; False where one failed, which is printed.

        The first one that fails ends the script, but where ``.bail off`` was said. Raises ``Quit`` where the script
        says so, and BrokenPipeError where nobody reads the results any more.
        """
        is_well = True
        for piece in pieces(script):
            if not self._run_piece(piece, origin):
                is_well = False
                if not self.display.goes_on:
                    break
        return is_well

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

    def _run_piece(self, piece: Piece, origin: str) -> bool:
        try:
            if piece.is_command:
                return run_command(self, piece.text)
            return self._run_statement(piece)
        except (Quit, BrokenPipeError):
            raise
        except Error as error:
            width = self.err.width if self.err.is_terminal else LINE_WIDTH
            text = describe(error, statement=piece.text, origin=origin, first_line=piece.line, width=width)
            return self._fail(error, text)
        except Exception as error:
            return self._fail(error, describe(unexpected(error), origin=origin, first_line=piece.line))
        finally:
            if not piece.is_command:
                self.output.done()

    def _run_statement(self, piece: Piece) -> bool:
        if not piece.ending.startswith("\\"):
            self.execute(piece.text)
            return True
        command, argument = find(piece.ending)
        if not command.is_ending:
            raise ProgrammingError(
                f"{piece.ending.split()[0]} cannot end a statement", code="42601", hint="write a semicolon before it"
            )
        self.last = piece.text
        return command.run(self, argument)

    def _fail(self, error: Exception, text: str) -> bool:
        if self.is_debug:
            self.err.out("".join(traceback.format_exception(error)), highlight=False, end="")
        self.err.print(painted(text), soft_wrap=True)
        return False

    # -- statements --------------------------------------------------------------------------------------------------

    def execute(self, statement: str, *, is_expanded: bool = False) -> None:
        """Run one statement of the user's, and print its result. Errors: ``mvengine.Error``."""
        self.last = statement
        start = time.perf_counter()
        self._run_and_show(statement, None, is_expanded=is_expanded)
        if self.display.is_timed:
            self.out.file.write(f"{time.perf_counter() - start:.3f} s\n")

    def answer(self, query: str, parameters: Sequence[Any]) -> None:
        """Answer a command with a query. Errors: ``mvengine.Error``."""
        self._run_and_show(query, parameters, has_types=False)

    def _run_and_show(
        self, statement: str, parameters: Sequence[Any] | None, *, is_expanded: bool = False, has_types: bool = True
    ) -> None:
        with stoppable(self.connection):
            with bar.shown(self.err if self.display.has_progress else None, statement, self.connection):
                self.connection.execute(statement, parameters)
                changed, columns = self.connection.rowcount, columns_of(self.connection)
                exact = exact_query(statement, columns) if changed < 0 and not parameters else None
                if exact is not None:
                    self.connection.execute(exact)
                rows = rows_of(self.connection)
                first = list(islice(rows, BATCH_ROWS))  # with a query, this is where the time goes
            is_data = changed < 0 and is_query(statement)
            self._show(
                columns, chain(first, rows), changed, is_data=is_data, is_expanded=is_expanded, has_types=has_types
            )

    def query(self, query: str, parameters: Sequence[Any] | None = None) -> list[Row]:
        """The rows of a query of the shell's own."""
        self.connection.execute(query, parameters)
        return self.connection.fetchall()

    def _show(
        self,
        columns: Columns,
        rows: Iterator[Row],
        changed: int,
        *,
        is_data: bool,
        is_expanded: bool,
        has_types: bool,
    ) -> None:
        names = [column.name for column in columns]
        if names in _ANSWERS_OF_DUCKDB and not is_data:
            counted = [row[0] for row in rows if type(row[0]) is int]
            if changed >= 0:
                self._say(changed, " changed")
            elif counted:
                self._say(counted[0], "")
        elif names in _EXPLAIN:
            text = (line.rstrip() for row in rows for line in str(row[-1]).rstrip().split("\n"))
            self.write_lines(highlight.explained(text, self.out) if self.output.is_terminal else text)
        elif names:
            self._print(columns, rows, is_expanded=is_expanded, has_types=has_types)

    def _say(self, rows: int, what: str) -> None:
        if self.output.is_terminal:
            self.write(f"{rows:,} {'row' if rows == 1 else 'rows'}{what}")

    def _print(self, columns: Columns, rows: Iterator[Row], *, is_expanded: bool, has_types: bool) -> None:
        mode = self.display.mode or ("duckbox" if self.output.is_terminal else "aligned")
        if is_expanded or self.display.is_expanded:
            mode = "line"
        fits = mode == "duckbox" and self.display.rows_max is None and self.display.pager is PagerUse.AUTO
        lines = FORMATS[mode].render(columns, rows, replace(self._look(), has_types=has_types))
        self.write_lines(lines, pager=PagerUse.OFF if fits else self.display.pager)

    def _look(self) -> Look:
        look = Look(null=self.display.null, has_header=self.display.has_header)
        if not self.output.is_terminal:
            return replace(look, rows_max=self.display.rows_max, width=self.display.width_max)
        look = replace(look, console=self.out)
        if self.is_interactive and self.display.pager is PagerUse.ON:
            return replace(look, rows_max=PAGED.rows_max, width=PAGED.width)
        fitting = max(ROWS_MIN, min(duckbox.ROWS_MAX, self.out.height - _FRAME_LINES))
        return replace(look, rows_max=self.display.rows_max or fitting, width=self.display.width_max)

    # -- the screen --------------------------------------------------------------------------------------------------

    def write(self, line: str) -> None:
        """One line of text, as it is, where results go."""
        self.output.write([line])

    def write_lines(self, lines: Iterable[str], *, pager: PagerUse = PagerUse.AUTO) -> None:
        """Lines where results go; in a pager, if they are more than the screen holds and there is somebody."""
        if pager is PagerUse.AUTO:
            pager = self.display.pager if self.display.pager is PagerUse.OFF else PagerUse.AUTO
        self.output.write(lines, pager=pager)

    def write_lineage(self, name: str | None) -> None:
        """The trees of what follows from what. Raises ``UnknownRelation``."""
        lines = self.connection.lineage(name).to_text().splitlines()
        self.write_lines(highlight.lineage(lines, self.out) if self.output.is_terminal else lines)

    def flush(self) -> None:
        """What was written is seen. Raises BrokenPipeError where nobody reads it."""
        self.out.file.flush()
