"""Commands that read and write files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mvengine.errors import ProgrammingError
from mvengine.repl.arguments import one, words
from mvengine.schema import literal, quote

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell


def read(shell: Shell, argument: str) -> bool:
    """Runs the statements and commands of a file."""
    return shell.run_file(Path(one(argument, command=".read", what="FILE")).expanduser())


def output(shell: Shell, argument: str) -> bool:
    """Results go to a file from now on, or to the screen again."""
    shell.output.redirect(_target(argument, ".output"))
    return True


def once(shell: Shell, argument: str) -> bool:
    """The next result goes to a file."""
    path = _target(argument, ".once")
    if path is None:
        raise ProgrammingError(".once needs FILE", code="42601", hint="write .once FILE")
    shell.output.redirect(path, is_once=True)
    return True


def import_file(shell: Shell, argument: str) -> bool:
    """The rows of a CSV, Parquet or JSON file go into a table, which is made if it is not there."""
    found = words(argument)
    if len(found) != 2:
        raise ProgrammingError(".import needs FILE and TABLE", code="42601", hint="write .import FILE TABLE")
    path, name = str(Path(found[0]).expanduser()), found[1]
    table = ".".join(quote(part) for part in name.split("."))
    if shell.query("SELECT 1 FROM duckdb_columns() WHERE lower(table_name) = lower($1)", [name.rpartition(".")[2]]):
        shell.execute(f"INSERT INTO {table} BY NAME FROM {literal(path)}")
    else:
        shell.execute(f"CREATE TABLE {table} AS FROM {literal(path)}")
    return True


def echo(shell: Shell, argument: str) -> bool:
    """Writes a line, for scripts."""
    shell.write(" ".join(words(argument)))
    return True


def _target(argument: str, command: str) -> Path | None:
    found = words(argument)
    if len(found) > 1:
        raise ProgrammingError(f"{command} has one FILE", code="42601", hint="put quotes around spaces")
    return Path(found[0]) if found else None
