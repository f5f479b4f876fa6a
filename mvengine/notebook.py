"""Magics for IPython and Jupyter: ``%load_ext mvengine`` gives ``%mv`` and ``%%mv``.

    %mv --connect sales.db            open a database (without: one in memory), or --use a connection of the notebook
    %mv SELECT count(*) FROM orders   run a line; the result is a relation, which shows itself as a table
    %%mv totals                       run a cell; its relation is kept in the variable totals, too
    SELECT customer, sum(amount) FROM orders GROUP BY customer

Statements read DataFrames and Arrow tables among the notebook's variables. Errors are shown without a traceback.
"""

from __future__ import annotations

import shlex
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class

from mvengine.connection import Connection, connect
from mvengine.errors import Error
from mvengine.relation import Relation, Variables


@magics_class
class MvMagics(Magics):  # type: ignore[misc]  # IPython has no types
    """One connection for all cells."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._connection: Connection | None = None
        self._is_own = False

    @line_cell_magic  # type: ignore[untyped-decorator]  # IPython has no types
    def mv(self, line: str, cell: str | None = None) -> Relation | None:
        """Runs SQL: ``%mv SELECT …`` a line, ``%%mv [variable]`` a cell. ``--connect PATH`` opens a database file for
        all further cells, ``--use VARIABLE`` takes the connection of a variable."""
        is_setup = line.lstrip().startswith("--")
        words = shlex.split(line) if is_setup or cell is not None else []
        try:
            while words and words[0].startswith("--"):
                self._set_up(words.pop(0), words.pop(0) if words else None)
            text = cell if cell is not None else "" if is_setup else line
            relation = self._run(text) if text.strip() else None
        except Error as error:
            raise UsageError(str(error)) from error
        for variable in words:
            self.shell.user_ns[variable] = relation
        return relation

    def _set_up(self, option: str, value: str | None) -> None:
        if option == "--connect" and value is not None:
            self._turn_to(connect(value), is_own=True)
        elif option == "--use" and value is not None:
            self._turn_to(self._variable(value), is_own=False)
        else:
            raise UsageError("write %mv --connect PATH, or %mv --use VARIABLE")

    def close(self) -> None:
        """Closes the connection, if it was opened here."""
        if self._connection is not None and self._is_own:
            self._connection.close()
        self._connection = None

    def _run(self, text: str) -> Relation | None:
        if self._connection is None:
            self._turn_to(connect(), is_own=True)
        assert self._connection is not None
        relation = Relation.of(self._connection, text, Variables(self.shell.user_ns))
        return None if relation.columns == ["Success"] else relation  # DuckDB's answer of what has none

    def _turn_to(self, connection: Connection, *, is_own: bool) -> None:
        self.close()
        self._connection, self._is_own = connection, is_own

    def _variable(self, name: str) -> Connection:
        found: Any = self.shell.user_ns.get(name)
        if not isinstance(found, Connection):
            raise UsageError(f"{name} is no connection of mvengine: make one by {name} = mvengine.connect(…)")
        return found


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext mvengine``."""
    magics = MvMagics(shell)
    shell.register_magics(magics)
    shell.mvengine_magics = magics


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """``%unload_ext mvengine``: the connection that ``%mv --connect`` has opened is closed."""
    shell.mvengine_magics.close()
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("mv", None)
