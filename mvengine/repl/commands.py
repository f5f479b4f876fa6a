r"""The commands of the shell: rows of one table. What they answer comes from SQL over the catalog.

A command begins with a dot or a backslash, which mean the same: ``.tables`` is ``\tables``, ``\d`` is ``.d``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING

from mvengine.errors import ProgrammingError
from mvengine.repl import again, catalog, files, settings
from mvengine.repl.display import Keys, PagerUse
from mvengine.repl.formats import FORMATS

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell


class Quit(Exception):  # noqa: N818 - not an error: the shell is left
    """The user leaves the shell."""


class Argument(Enum):
    """What the Tab key offers behind a command."""

    NOTHING = ()
    RELATION = "relation"
    FUNCTION = "function"
    FILE = "file"
    COMMAND = "command"
    SWITCH = ("on", "off")
    MODE = tuple(FORMATS)
    PAGER = tuple(PagerUse)
    KEYS = tuple(Keys)


@dataclass(frozen=True, kw_only=True)
class Command:
    """``run`` gets the shell and the rest of the line, and says whether all went well.

    ``names`` stand without their dot, the first one is the one that help shows with it; ``short`` has the backslash
    ones.
    """

    name: str
    short: tuple[str, ...] = ()
    usage: str = ""
    help: str
    run: Callable[[Shell, str], bool]
    argument: Argument = Argument.NOTHING

    @property
    def is_ending(self) -> bool:
        """Whether it may end a statement in the place of a semicolon."""
        return self.run in ENDINGS

    @property
    def names(self) -> tuple[str, ...]:
        """All names, without dot or backslash."""
        return (self.name, *self.short)


def run_command(shell: Shell, line: str) -> bool:
    """Run ``.name argument``. Raises ``ProgrammingError`` for a command that does not exist, ``Quit`` for ``.quit``."""
    command, argument = find(line)
    return command.run(shell, argument)


def find(line: str) -> tuple[Command, str]:
    """The command of a line, and its argument. Raises ``ProgrammingError`` (42601), which names the nearest one."""
    name, _, argument = line[1:].strip().partition(" ")
    name = name.rstrip(";+") or name[:1]  # psql's \d+ is \d here
    command = _BY_NAME.get(name)
    if command is None:
        near = get_close_matches(name, _BY_NAME, n=1)
        raise ProgrammingError(
            f"unknown command '{line[0]}{name}'",
            code="42601",
            hint=f"did you mean '{line[0]}{near[0]}'?" if near else "try .help",
        )
    return command, argument.strip().removesuffix(";").rstrip()


def _help(shell: Shell, argument: str) -> bool:
    if argument:
        name = argument if argument[0] in ".\\" else "." + argument
        _help_on(shell, find(name)[0])
        return True
    width = max(len(_usage(command)) for command in COMMANDS)
    lines = [
        f"{_usage(command):<{width}}  {_shorts(command):<9}  {command.help}".rstrip()
        for command in sorted(COMMANDS, key=lambda command: command.name)
    ]
    shell.write_lines([*lines, "Everything else is SQL and ends with a semicolon. .help COMMAND says more."])
    return True


def _help_on(shell: Shell, command: Command) -> None:
    short = f", also {_shorts(command)}" if command.short else ""
    lines = [f"{_usage(command)}{short}: {command.help}"]
    if command.argument is Argument.MODE:
        lines += [f"  {each.name:<10} {each.help}" for each in FORMATS.values()]
    if command.is_ending:
        lines.append(f"It may end a statement in the place of a semicolon: SELECT 1 {_shorts(command).split()[0]}")
    shell.write_lines(lines)


def _usage(command: Command) -> str:
    return f".{command.name} {command.usage}".rstrip()


def _shorts(command: Command) -> str:
    return " ".join("\\" + name for name in command.short)


def _quit(shell: Shell, argument: str) -> bool:
    del shell, argument
    raise Quit


def _row(
    name: str,
    shorts: str,
    usage: str,
    help_: str,
    run: Callable[[Shell, str], bool],
    argument: Argument = Argument.NOTHING,
) -> Command:
    return Command(name=name, short=tuple(shorts.split()), usage=usage, help=help_, run=run, argument=argument)


COMMANDS = (
    _row("help", "? h", "[COMMAND]", "this list, or more about one", _help, Argument.COMMAND),
    _row("quit", "q", "", "leave the shell (Ctrl-D)", _quit),
    _row("exit", "", "", "leave the shell", _quit),
    # what there is
    _row(
        "describe",
        "d",
        "[NAME]",
        "columns and state of a table or view, or all of them",
        catalog.describe,
        Argument.RELATION,
    ),
    _row("tables", "", "[PATTERN]", "tables and views, with states and rows", catalog.relations, Argument.RELATION),
    _row("dt", "dt", "[PATTERN]", "tables", catalog.tables, Argument.RELATION),
    _row("materialized", "dm", "[PATTERN]", "materialized views", catalog.materialized_views, Argument.RELATION),
    _row("sources", "ds", "[PATTERN]", "files that are queried in place", catalog.sources, Argument.RELATION),
    _row("views", "dv", "[PATTERN]", "plain views", catalog.views, Argument.RELATION),
    _row(
        "functions",
        "df",
        "[PATTERN]",
        "your functions, or built-in ones like the pattern",
        catalog.functions,
        Argument.FUNCTION,
    ),
    _row("schemas", "dn", "[PATTERN]", "schemas", catalog.schemas),
    _row("indexes", "di", "[PATTERN]", "indexes", catalog.indexes),
    _row("types", "dT", "[PATTERN]", "your types", catalog.types),
    _row("databases", "l", "[PATTERN]", "this database, and those attached", catalog.databases),
    _row("refreshes", "dr", "[PATTERN]", "refreshes, and how far they are", catalog.refreshes),
    _row("jobs", "dj", "[PATTERN]", "tables and views that were made or are being made", catalog.jobs),
    _row("settings", "", "[PATTERN]", "settings of the database", catalog.settings),
    _row("schema", "", "[PATTERN]", "the statements that make what there is", catalog.definitions, Argument.RELATION),
    _row("lineage", "lineage", "[NAME]", "which view reads which table, as a tree", catalog.lineage, Argument.RELATION),
    # files
    _row("read", "i", "FILE", "run a file of statements and commands", files.read, Argument.FILE),
    _row(
        "output",
        "o",
        "[FILE]",
        "write results into a file; without it, to the screen again",
        files.output,
        Argument.FILE,
    ),
    _row("once", "", "FILE", "write the next result into a file", files.once, Argument.FILE),
    _row("import", "", "FILE TABLE", "put a CSV, Parquet or JSON file into a table", files.import_file, Argument.FILE),
    _row("echo", "echo", "TEXT", "write a line", files.echo),
    # how results are shown
    _row("mode", "", "[MODE]", "how results are written; .help mode lists the modes", settings.mode, Argument.MODE),
    _row("expanded", "x", "[on|off]", "a line for each value", settings.expanded, Argument.SWITCH),
    _row("timer", "timing", "[on|off]", "say how long each statement takes", settings.timer, Argument.SWITCH),
    _row("headers", "", "[on|off]", "names of columns above results", settings.headers, Argument.SWITCH),
    _row("nullvalue", "", "[TEXT]", "what stands for NULL", settings.null_value),
    _row("maxrows", "", "N|auto", "rows that are drawn of a longer result", settings.rows_max),
    _row("maxwidth", "", "N|auto", "cells that a box may be wide", settings.width_max),
    _row(
        "pager",
        "",
        "on|off|auto",
        "a pager for all results, or for those longer than the screen",
        settings.pager,
        Argument.PAGER,
    ),
    _row("progress", "", "[on|off]", "bars while something takes long", settings.progress, Argument.SWITCH),
    _row("keys", "", "emacs|vi", "how the line is edited", settings.keys, Argument.KEYS),
    _row("bail", "", "[on|off]", "end a script at its first error", settings.bail, Argument.SWITCH),
    _row("show", "", "", "how all of these are set", settings.show),
    # the latest statement
    _row("edit", "e", "[FILE]", "open it, or a file, in your editor", again.edit, Argument.FILE),
    _row("watch", "watch", "[SECONDS [TIMES]]", "run it again and again, until Ctrl-C", again.watch),
    _row("go", "g", "", "run it again", again.go),
    _row("gx", "gx", "", "run it again, with a line for each value", again.go_expanded),
)
_BY_NAME = {name: command for command in COMMANDS for name in command.names}
ENDINGS = frozenset({again.watch, again.go, again.go_expanded})
