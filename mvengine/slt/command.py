"""``mvengine slt PATHS…``: the command's options, run and print, and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

    from mvengine.slt.results import FileResult


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line asks for; the names are those of its options."""

    db: str | None = None
    engine: str = "mvengine"
    dialect: str | None = None
    jobs: int = 1
    update: bool = False
    format: bool = False
    junit: Path | None = None
    json_records: Path | None = None
    shuffle: bool = False
    seed: int | None = None
    filter: str | None = None
    label: tuple[str, ...] = ()
    as_views: bool = False
    flavor: str | None = None
    timeout: float | None = None
    fail_fast: bool = False


_OPTIONS = (
    click.option("--db", metavar="FILE", help="Run all files on this database, made if it is not there."),
    click.option("--engine", default="mvengine", show_default=True, help="mvengine, duckdb or python:module:factory."),
    click.option("--dialect", metavar="NAME", help="Of the statements: duckdb, postgres or risingwave."),
    click.option("-j", "--jobs", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes."),
    click.option("--update", is_flag=True, help="Rewrite what is expected to what came."),
    click.option("--format", is_flag=True, help="Rewrite files in one form, and run nothing."),
    click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit's XML."),
    click.option(
        "--json-records",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write a JSON object for each record.",
    ),
    click.option("--as-views", is_flag=True, help="Run each query as a materialized view, too, and compare."),
    click.option("--shuffle", is_flag=True, help="Run files in a random order; the seed is printed."),
    click.option("--seed", type=int, metavar="N", help="Shuffle with this seed."),
    click.option("--filter", metavar="REGEX", help="Only files whose path has a match."),
    click.option("--label", multiple=True, metavar="LABEL", help="For skipif and onlyif. May be repeated."),
    click.option("--flavor", metavar="NAME", help="rs, sqlite, duckdb or cockroach; else it is found."),
    click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Seconds a statement."),
    click.option(
        "--fail-fast/--keep-going", default=False, help="Stop at the first failure, or not.  [default: keep-going]"
    ),
)


def with_options(command: click.decorators.FC) -> click.decorators.FC:
    """Gives a command the options of ``Request``, and PATHS."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return click.argument("paths", nargs=-1, required=True)(command)


def main(paths: Iterable[Path | str], request: Request | None = None, *, console: Console | None = None) -> int:
    """Runs scripts, or formats them, and prints how it went; 0 if all passed, else 1.

    Errors: ``OperationalError`` if a path matches no file; ``UnknownOption``; ``ProgrammingError``.
    """
    from rich.console import Console

    request = request or Request()
    console = console or Console(highlight=False)
    return _format(paths, request, console) if request.format else _run(paths, request, console)


def _run(paths: Iterable[Path | str], request: Request, console: Console) -> int:
    from mvengine.slt.junit import write_junit
    from mvengine.slt.many import run
    from mvengine.slt.report import print_file, print_summary

    seed = request.seed
    if request.shuffle and seed is None:
        import random

        seed = random.randrange(10**6)
    if seed is not None:
        console.print(f"shuffled with --seed {seed}")
    records = _opened(request.json_records)
    junit = _opened(request.junit)

    def on_file(result: FileResult) -> None:
        print_file(console, result)
        if records is not None:
            records.writelines(f"{line}\n" for line in result.records)

    try:
        summary = run(
            paths,
            engine=request.engine,
            database=request.db,
            dialect=request.dialect,
            jobs=request.jobs,
            labels=request.label,
            flavor=request.flavor,
            pattern=request.filter,
            seed=seed,
            timeout=request.timeout,
            fail_fast=request.fail_fast,
            update=request.update,
            records=records is not None,
            as_views=request.as_views,
            on_file=on_file,
        )
    finally:
        if records is not None:
            records.close()
    print_summary(console, summary)
    if junit is not None:
        with junit:
            write_junit(junit, summary)
    return 0 if summary.is_ok else 1


def _opened(path: Path | None) -> TextIO | None:
    """A file to write, opened before anything runs. Errors: ``OperationalError``."""
    from mvengine.errors import OperationalError

    try:
        return path.open("w", encoding="utf-8") if path is not None else None
    except OSError as cause:
        raise OperationalError(f"{path} cannot be written: {cause.strerror}") from cause


def _format(paths: Iterable[Path | str], request: Request, console: Console) -> int:
    from mvengine.slt.files import find
    from mvengine.slt.flavors import flavor_named
    from mvengine.slt.records import ScriptError
    from mvengine.slt.tidy import tidy_file

    flavor = None if request.flavor is None else flavor_named(request.flavor)
    is_well = True
    for file in find(paths, request.filter):
        try:
            is_changed = tidy_file(file, flavor)
        except ScriptError as error:
            console.print(str(error), style="red", markup=False, soft_wrap=True)
            is_well = False
            continue
        console.print(f"{file}  {'formatted' if is_changed else 'unchanged'}", markup=False, soft_wrap=True)
    return 0 if is_well else 1


def run_command(paths: tuple[str, ...], **options: object) -> None:
    """What the subcommand does: ends the process with the exit code of ``main``."""
    sys.exit(main(paths, Request(**options)))  # type: ignore[arg-type]  # click has checked them
