"""What a person reads of a run: a line a file, each failure with both sides beside each other, and the sums."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from mvengine.slt.results import Counts, Failure, FileResult, Summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LINES_MAX = 60  # of a failure; more are counted
_LINE_MAX = 2000  # characters
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COMPARED_MAX = 2000  # lines: a difference of more costs too much
_WIDTH_LEAST = 60
_INDENT = "    "


def print_file(console: Console, result: FileResult) -> None:
    """One line for the file, then its failures. Colours appear where the console is a terminal."""
    from rich.text import Text

    line = Text(f"{result.path}  ")
    line.append(str(Counts.of([result])), style="red" if result.failures else "green")
    line.append(f"  {result.seconds:.2f} s", style="dim")
    if result.is_rewritten:
        line.append("  rewritten", style="yellow")
    console.print(line, soft_wrap=True)
    for reason, count in result.skip_reasons:
        console.print(Text(f"  skipped {count}: {reason}", style="yellow"), soft_wrap=True)
    for failure in result.failures:
        console.print(describe(failure, console.width), soft_wrap=True)


def print_summary(console: Console, summary: Summary) -> None:
    """A line a folder where there are several, and the sum last."""
    from rich.text import Text

    folders = summary.folders()
    if len(folders) > 1:
        width = max(map(len, folders))
        for folder, counts in folders.items():
            line = Text(f"{folder.ljust(width)}  {_files(counts.files)}  ")
            line.append(str(counts), style="red" if counts.failed else "green")
            line.append(f"  {counts.seconds:.2f} s", style="dim")
            console.print(line, soft_wrap=True)
    if summary.views is not None:
        for text in summary.views.lines():
            console.print(Text(text), style="red" if summary.views.different else "", soft_wrap=True)
    total = summary.counts
    console.print(str(total), style="bold red" if total.failed else "bold green", soft_wrap=True)


def describe(failure: Failure, width: int = 100) -> Text:
    """A failure in full: where, what, the SQL, and what was expected beside what came."""
    from rich.text import Text

    subtest = f" [{failure.subtest}]" if failure.subtest else ""
    lines = [Text(f"  {failure.location}{subtest}: {failure.reason}", style="bold")]
    if not failure.sql:  # nothing was run
        lines += [Text(f"{_INDENT}{line}") for line in _lines(failure.actual)]
    else:
        lines += [Text(f"{_INDENT}{line}", style="cyan") for line in _first(_lines(failure.sql))]
        lines += _sides(_lines(failure.expected), _lines(failure.actual), width)
    return Text("\n").join(lines)


def _files(count: int) -> str:
    return f"{count:,} file" + ("s" if count != 1 else "")


def _lines(text: str) -> list[str]:
    """The lines of a text as they may be shown: without what moves a terminal's cursor, and none of them endless."""
    return [
        line if len(line) <= _LINE_MAX else f"{line[:_LINE_MAX]}… ({len(line):,} characters)"
        for line in _CONTROLS.sub("�", text).split("\n")
    ]


def _first(lines: list[str]) -> list[str]:
    if len(lines) <= _LINES_MAX:
        return lines
    return [*lines[:_LINES_MAX], f"… and {len(lines) - _LINES_MAX:,} more lines"]


def _sides(expected: list[str], actual: list[str], width: int) -> list[Text]:
    """Both sides in two columns; one below the other where the terminal is too narrow for that.

    Lines that agree stand beside each other with ``|`` between them; what differs has a ``-`` or ``+`` before it.
    """
    from rich.text import Text

    pairs = list(_aligned(expected, actual))
    half = max((len(left) for left, _ in pairs if left is not None), default=0)
    half = max(half, len("expected"))
    other = max((len(right) for _, right in pairs if right is not None), default=0)
    if len(_INDENT) + half + other + 7 > max(width, _WIDTH_LEAST):
        return _below(pairs)
    lines = [Text(f"{_INDENT}  {'expected'.ljust(half)} |   actual", style="dim")]
    for left, right in pairs[:_LINES_MAX]:
        is_same = left == right
        line = Text(_INDENT)
        line.append(_side(left, "-", is_same).ljust(half + 2), style="" if is_same else "red")
        line.append(" | ", style="dim")
        line.append(_side(right, "+", is_same), style="" if is_same else "green")
        line.rstrip()
        lines.append(line)
    return lines + _more(pairs)


def _side(text: str | None, mark: str, is_same: bool) -> str:
    if text is None:
        return ""
    return f"{' ' if is_same else mark} {text}"


def _below(pairs: list[tuple[str | None, str | None]]) -> list[Text]:
    from rich.text import Text

    lines: list[Text] = []
    for left, right in pairs[:_LINES_MAX]:
        if left == right:
            lines.append(Text(f"{_INDENT}  {left}"))
            continue
        if left is not None:
            lines.append(Text(f"{_INDENT}- {left}", style="red"))
        if right is not None:
            lines.append(Text(f"{_INDENT}+ {right}", style="green"))
    return lines + _more(pairs)


def _more(pairs: list[tuple[str | None, str | None]]) -> list[Text]:
    from rich.text import Text

    hidden = len(pairs) - _LINES_MAX
    return [Text(f"{_INDENT}… and {hidden:,} more lines", style="dim")] if hidden > 0 else []


def _aligned(expected: list[str], actual: list[str]) -> Iterator[tuple[str | None, str | None]]:
    """Lines in pairs: those that agree, and those that stand in their place; None where one side has none."""
    if max(len(expected), len(actual)) > _COMPARED_MAX:
        yield from _paired(expected, actual)
        return
    matcher = SequenceMatcher(None, expected, actual, autojunk=False)
    for _, left, left_end, right, right_end in matcher.get_opcodes():
        yield from _paired(expected[left:left_end], actual[right:right_end])


def _paired(left: list[str], right: list[str]) -> Iterator[tuple[str | None, str | None]]:
    for index in range(max(len(left), len(right))):
        yield left[index] if index < len(left) else None, right[index] if index < len(right) else None
