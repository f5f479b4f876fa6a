"""The repository's documents, with what is in them that can be made from the program.

* A ``sql`` block is run; all blocks of a document share a database. Where a ``text`` block comes next, it is the result
  of the last statement. ``text lines=N`` shows the first N lines only.
* A ``python`` block behind ``<!-- run -->`` is run before all of that, to get the data.
* A ``console`` block is typed into the shell, on a screen of 80 cells; what does not stand behind a prompt is what the
  shell says.
* What stands between ``<!-- states: TABLE -->`` and ``<!-- end -->`` is the transition table of that name; between
  ``<!-- diagram: TABLE … -->`` and ``<!-- end -->``, the diagram of one or several.
* What stands between ``<!-- constructs -->`` and ``<!-- end -->`` is the table of constructs with their strategies.

``python tests/docs/documents.py`` writes all of it anew; a test compares.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from enum import StrEnum
from io import StringIO
from pathlib import Path

from constructs import table_of_strategies
from rich.console import Console

import mvengine
from mvengine.meta import states
from mvengine.repl.display import Display
from mvengine.repl.formats.aligned import render
from mvengine.repl.result import columns_of, rows_of
from mvengine.repl.script import is_ready
from mvengine.repl.shell import Shell

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md")))
DATABASE = "sales.db"  # by which name the documents open theirs

_SQL = re.compile(
    r"^```sql\n(?P<sql>.*?)^```\n(?P<result>\n?^```text(?: lines=(?P<lines>\d+))?\n(?P<text>.*?)^```\n)?", re.M | re.S
)
_PREPARING = re.compile(r"^<!-- run -->\n```python\n(.*?)^```", re.M | re.S)
_CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.M | re.S)
_PROMPTS = ("mvengine> ", "     ...> ")
_STATES = re.compile(r"(?<=<!-- states: )(\w+)( -->\n).*?(?=<!-- end -->)", re.S)
_DIAGRAM = re.compile(r"(?<=<!-- diagram: )([\w ]+?)( -->\n).*?(?=<!-- end -->)", re.S)
_CONSTRUCTS = re.compile(r"(?<=<!-- constructs -->\n).*?(?=<!-- end -->)", re.S)
_ELIDED = re.compile(r"(?<=settings=)\[Setting.*\]")  # eight settings that no example depends on, one of the machine


def written_anew(document: str) -> str:
    """A document with its results as they are now. Runs its SQL in the current directory, which should be empty."""
    for code in _PREPARING.findall(document):
        exec(code, {})
    with mvengine.connect(DATABASE) as connection:
        document = _SQL.sub(lambda block: _with_result(connection, block), document)
        screen = Console(file=StringIO(), width=80, height=24, force_terminal=True, color_system=None)
        shell = Shell(
            connection=connection, out=screen, err=screen, is_debug=False, display=Display(has_progress=False)
        )
        document = _CONSOLE.sub(lambda block: _typed(shell, block[0]), document)
    document = _DIAGRAM.sub(
        lambda found: found[1] + found[2] + _diagram([getattr(states, name) for name in found[1].split()]), document
    )
    document = _CONSTRUCTS.sub(lambda _: table_of_strategies(), document)
    return _STATES.sub(lambda found: found[1] + found[2] + _table(getattr(states, found[1])), document)


def _with_result(connection: mvengine.Connection, block: re.Match[str]) -> str:
    connection.execute(block["sql"])
    if block["result"] is None:
        return block[0]
    lines = _result(connection)
    if block["lines"] and len(lines) > int(block["lines"]):
        lines = [*lines[: int(block["lines"])], "…"]
    start, end = block.start("text") - block.start(), block.end("text") - block.start()
    return block[0][:start] + "".join(line + "\n" for line in lines) + block[0][end:]


def _typed(shell: Shell, block: str) -> str:
    """What the screen shows when the lines behind the prompts of a block are typed."""
    screen, lines = StringIO(), ""
    shell.out.file = screen
    for line in block.splitlines():
        if line.startswith(_PROMPTS):
            screen.write(line + "\n")
            lines = lines + line[len(_PROMPTS[0]) :] + "\n"
            if is_ready(lines):
                shell.run(lines)
                lines = ""
    return screen.getvalue()


def _result(connection: mvengine.Connection) -> list[str]:
    """The result as the shell prints it into a file."""
    columns = columns_of(connection)
    if [column.name for column in columns] == ["explain"]:
        return [_ELIDED.sub("[…]", str(row[0])).rstrip() for row in connection.fetchall()]
    return list(render(columns, rows_of(connection)))


def _table(transitions: Mapping[tuple[StrEnum, StrEnum], StrEnum]) -> str:
    """A transition table in Markdown: a row per state, a column per event that the table has."""
    (origin, event), *_ = transitions
    events = [it for it in type(event) if any(it is known for _, known in transitions)]
    rows = [["state", *events], ["---"] * (len(events) + 1)]
    rows += [[state, *(transitions.get((state, event), "–") for event in events)] for state in type(origin)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _diagram(tables: Sequence[Mapping[tuple[StrEnum, StrEnum], StrEnum]]) -> str:
    """Transition tables as one diagram, an arrow per pair of states; it begins with the first state of its type."""
    arrows: dict[tuple[StrEnum, StrEnum], list[str]] = {}
    for table in tables:
        for (origin, event), target in table.items():
            arrows.setdefault((origin, target), []).append(event)
    first = next(iter(type(next(iter(arrows))[0])))
    lines = [f"    {origin} --> {target}: {', '.join(events)}" for (origin, target), events in arrows.items()]
    last = {target for _, target in arrows} - {origin for origin, _ in arrows}
    ends = [f"    {state} --> [*]" for state in type(first) if state in last]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, *ends, "```", ""])


def main() -> None:
    """Writes every document anew, in place."""
    for path in DOCUMENTS:
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            path.write_text(written_anew(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
