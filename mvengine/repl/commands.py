"""The dot commands: rows of one table. What they answer comes from SQL over ``mv_catalog``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from mvengine.errors import ProgrammingError

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell


class Quit(Exception):  # noqa: N818 - not an error: the shell is left
    """The user leaves the shell."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """``run`` gets the shell and the rest of the line, and says whether all went well."""

    name: str
    argument: str
    help: str
    run: Callable[[Shell, str], bool]


_TABLES = """
SELECT schema_name AS schema, name, kind, coalesce(source, strategy) AS "kept by"
FROM mv_catalog.tables LEFT JOIN mv_catalog.materialized_views USING (schema_name, name)
ORDER BY ALL
"""


def run_command(shell: Shell, line: str) -> bool:
    """Run ``.name argument``. Raises ``ProgrammingError`` for a command that does not exist, ``Quit`` for ``.quit``."""
    name, _, argument = line.partition(" ")
    command = next((command for command in COMMANDS if command.name == name), None)
    if command is None:
        near = get_close_matches(name, [command.name for command in COMMANDS], n=1)
        raise ProgrammingError(
            f"unknown command {name!r}", code="42601", hint=f"did you mean {near[0]!r}?" if near else "try .help"
        )
    return command.run(shell, argument.strip().rstrip(";").strip("'\""))


def _help(shell: Shell, argument: str) -> bool:
    del argument
    for command in COMMANDS:
        shell.write(f"{f'{command.name} {command.argument}':<16} {command.help}")
    shell.write("Everything else is SQL and ends with a semicolon.")
    return True


def _tables(shell: Shell, argument: str) -> bool:
    del argument
    return shell.run(_TABLES)


def _timer(shell: Shell, argument: str) -> bool:
    if argument not in ("on", "off"):
        raise ProgrammingError(".timer is 'on' or 'off'", code="42601", hint="write .timer on")
    shell.is_timed = argument == "on"
    return True


def _read(shell: Shell, argument: str) -> bool:
    if not argument:
        raise ProgrammingError(".read needs a file", code="42601", hint="write .read FILE")
    return shell.run_file(Path(argument))


def _quit(shell: Shell, argument: str) -> bool:
    raise Quit


COMMANDS = (
    Command(name=".help", argument="", help="this list", run=_help),
    Command(name=".quit", argument="", help="leave the shell (Ctrl-D)", run=_quit),
    Command(name=".read", argument="FILE", help="run the statements of a file", run=_read),
    Command(name=".tables", argument="", help="tables and materialized views", run=_tables),
    Command(name=".timer", argument="on|off", help="say how long each statement takes", run=_timer),
)
