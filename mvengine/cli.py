"""The command ``mvengine``: the shell on a database, unless the first argument names a subcommand.

Exit codes: 0 all well, 1 a statement failed or the database cannot be opened, 2 the command line is wrong, 141 nobody
reads the results any more.
Heavy libraries are imported where they are used, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

import mvengine
from mvengine.repl.display import Display
from mvengine.slt.command import run_command, with_options

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell

_debug_option = click.option("--debug", is_flag=True, help="Show tracebacks.")


class Face(click.Command):
    """A command that hands over to a subcommand if its first argument is the name of one.

    click's own groups cannot take an optional argument (DATABASE) beside subcommands.
    A database with the name of a subcommand is given as a path: ``mvengine ./demo``.
    """

    def __init__(self, *, subcommands: tuple[click.Command, ...], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.subcommands = {str(command.name): command for command in subcommands}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = next((index for index, arg in enumerate(args) if arg != "--debug"), None)
        command = self.subcommands.get(args[at]) if at is not None else None
        if at is None or command is None:
            return super().parse_args(ctx, args)
        rest = [*args[:at], *args[at + 1 :]]
        ctx.obj = command.make_context(f"{ctx.info_name} {command.name}", rest)
        return []

    def invoke(self, ctx: click.Context) -> Any:
        if not isinstance(ctx.obj, click.Context):
            return super().invoke(ctx)
        with ctx.obj:
            return ctx.obj.command.invoke(ctx.obj)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str()) for name, command in self.subcommands.items()])


def _version(ctx: click.Context, parameter: click.Parameter, is_wanted: bool) -> None:
    del parameter
    if is_wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"mvengine {mvengine.__version__} (DuckDB {version('duckdb')})")
        ctx.exit()


@click.command()
@with_options
@_debug_option
def slt(paths: tuple[str, ...], debug: bool, **options: object) -> None:
    """Run sqllogictest files, folders and globs."""
    with _errors_shown(is_debug=debug):
        run_command(paths, **options)


@click.command()
@click.option("--scale", type=click.FloatRange(min=0.01, max=100), default=0.3, show_default=True, help="TPC-H scale.")
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), help="An empty or new folder to use.")
@click.option("--keep", is_flag=True, help="Keep the Parquet files and the comparison's database, too.")
@_debug_option
def demo(scale: float, directory: Path | None, keep: bool, debug: bool) -> None:
    """Refresh TPC-H tables and views, against plain DuckDB."""
    from mvengine.demo import run

    with _errors_shown(is_debug=debug):
        run(scale=scale, directory=directory, is_kept=keep)


_MODES = ("csv", "json", "jsonlines", "markdown", "line", "box", "table", "tabs", "list", "insert")


def _mode_options(command: Callable[..., None]) -> Callable[..., None]:
    """``--csv`` and the like: each sets ``mode``."""
    for name in reversed(_MODES):
        command = click.option(f"--{name}", "mode", flag_value=name, help=f"Results in mode {name}.")(command)
    return command


@click.command(cls=Face, subcommands=(slt, demo))
@click.argument("database", default=":memory:", metavar="[DATABASE]")
@click.option("-c", "commands", multiple=True, metavar="SQL", help="Run statements, then leave. May be repeated.")
@click.option(
    "-f",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Run a file of statements (after those of -c), then leave. May be repeated.",
)
@_mode_options
@click.option("--no-headers", is_flag=True, help="Results without the names of their columns.")
@click.option("--nullvalue", metavar="TEXT", help="What stands for NULL.")
@click.option("--keep-going", is_flag=True, help="Go on after a statement that failed.")
@click.option(
    "--init", "init", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Run a file before all."
)
@click.option("--dialect", metavar="NAME", help="Of the statements: duckdb, postgres or risingwave.")
@click.option("--scheduler", is_flag=True, help="Refresh tables by their refresh_interval_sec while this runs.")
@_debug_option
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def main(
    database: str,
    commands: tuple[str, ...],
    files: tuple[Path, ...],
    mode: str | None,
    no_headers: bool,
    nullvalue: str | None,
    keep_going: bool,
    init: Path | None,
    dialect: str | None,
    scheduler: bool,
    debug: bool,
) -> None:
    """Materialized views for files and tables, on DuckDB.

    Opens a shell on DATABASE, a DuckDB file that is made if it is not there; without it, in memory. Statements come
    from -c and -f, or from standard input if that is not a terminal. Then nothing but results is printed.
    """
    is_prompt = not commands and not files and sys.stdin.isatty()
    # What is not said here is left to the environment and to mvengine.toml.
    settings = {"scheduler": scheduler or None, "dialect": dialect}
    is_well = True  # unless a statement fails; .quit ends a script well
    with _shell(database, settings={key: value for key, value in settings.items() if value}, is_debug=debug) as shell:
        shell.display = Display(mode=mode, has_header=not no_headers, null=nullvalue, goes_on=keep_going)
        if init is not None:
            is_well = shell.run_file(init)
        if is_prompt:
            _prompt(shell, database, has_init=init is not None)
        elif is_well or keep_going:
            is_well &= _run(shell, commands, files, goes_on=keep_going)
    if not is_well:
        sys.exit(1)


def _run(shell: Shell, commands: tuple[str, ...], files: tuple[Path, ...], *, goes_on: bool) -> bool:
    """Runs statements of -c, then files, else standard input; up to the first that fails, but where it ``goes_on``."""
    if not commands and not files:
        return _standard_input(shell)
    steps = [partial(shell.run, text) for text in commands] + [partial(shell.run_file, path) for path in files]
    is_well = True
    for step in steps:
        is_well &= step()
        if not is_well and not goes_on:
            break
    return is_well


@contextmanager
def _shell(database: str, *, settings: dict[str, Any], is_debug: bool) -> Iterator[Shell]:
    """A shell on the database, which is closed at the end. ``.quit`` in a script ends it well."""
    from rich.console import Console

    from mvengine.repl.commands import Quit
    from mvengine.repl.shell import Shell

    with _errors_shown(is_debug=is_debug), _connected(database, settings) as connection:
        shell = Shell(connection=connection, out=Console(), err=Console(stderr=True), is_debug=is_debug)
        try:
            with suppress(Quit):
                yield shell
            shell.flush()
        except BrokenPipeError:
            _stop_writing()
        finally:
            shell.output.close()


def _connected(database: str, settings: dict[str, Any]) -> mvengine.Connection:
    """A connection; what it warns of is told to people, not to programmers."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", mvengine.ForeignChangeWarning)
        connection = mvengine.connect(database, **settings)
    for warning in caught:
        click.echo(f"WARNING: {warning.message}", err=True)
    return connection


def _stop_writing() -> NoReturn:
    """Nobody reads the results any more (``| head``): the end, without a word, as for a program killed by SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed goes nowhere
    sys.exit(128 + signal.SIGPIPE)


def _prompt(shell: Shell, database: str, *, has_init: bool) -> None:
    from mvengine.repl.prompt import interact
    from mvengine.repl.startup import startup_file

    lost = " (in memory: nothing is kept)" if database == ":memory:" else ""
    shell.write(f"mvengine {mvengine.__version__} on {database}{lost}. Statements end with a semicolon; .help helps.")
    path = None if has_init else startup_file()
    if path is not None:
        shell.run(f".read {shlex.quote(str(path))}")
    interact(shell)


def _standard_input(shell: Shell) -> bool:
    from mvengine.repl.text_files import decode

    return shell.run(decode(sys.stdin.buffer.read(), origin="standard input"))


@contextmanager
def _errors_shown(*, is_debug: bool) -> Iterator[None]:
    """An error that comes out of the block goes to standard error, without a traceback, and ends with exit code 1."""
    from mvengine.errors import Error
    from mvengine.repl.failure import describe, unexpected

    try:
        yield
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception as error:
        if is_debug:
            raise
        known = error if isinstance(error, Error) else unexpected(error)
        click.secho(describe(known), fg="red", err=True)
        sys.exit(1)
