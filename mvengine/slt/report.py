"""What a person reads of a run: a line a file, each failure with its difference, and the sum."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mvengine.slt.results import Failure, FileResult

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def print_file(console: Console, result: FileResult) -> None:
    """One line for the file, then its failures. Colours appear where the console is a terminal."""
    from rich.text import Text

    line = Text(f"{result.path}  ")
    line.append(counts(result.passed, result.failed, result.skipped), style="red" if result.failures else "green")
    line.append(f"  {result.seconds:.2f} s", style="dim")
    console.print(line, soft_wrap=True)
    for failure in result.failures:
        console.print(describe(failure), soft_wrap=True)


def print_summary(console: Console, results: Sequence[FileResult]) -> None:
    """The last line: how many records passed, failed and were skipped, in all files."""
    failed = sum(result.failed for result in results)
    passed = sum(result.passed for result in results)
    skipped = sum(result.skipped for result in results)
    console.print(counts(passed, failed, skipped), style="bold red" if failed else "bold green", soft_wrap=True)


def counts(passed: int, failed: int, skipped: int) -> str:
    """``12 passed, 1 failed``, and ``, 2 skipped`` where some were."""
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def describe(failure: Failure) -> Text:
    """A failure in full: where, what, the SQL, and the difference of what was expected to what came."""
    from rich.text import Text

    subtest = f" [{failure.subtest}]" if failure.subtest else ""
    lines = [Text(f"  {failure.location}{subtest}: {failure.reason}", style="bold")]
    lines += [Text(f"    {line}", style="cyan") for line in failure.sql.splitlines()]
    lines += [Text(f"  {line}", style=style) for line, style in _difference(failure.expected, failure.actual)]
    return Text("\n").join(lines)


def _difference(expected: str, actual: str) -> Iterator[tuple[str, str]]:
    """``- expected`` and ``+ actual`` lines with their style, and the lines that agree between them."""
    styles = {"-": "red", "+": "green", " ": "dim"}
    for line in _without_hints(difflib.ndiff(expected.splitlines(), actual.splitlines())):
        yield line, styles[line[0]]


def _without_hints(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if not line.startswith("?"))
