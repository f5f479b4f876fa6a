"""``--format``: scripts in one form, without a change of what they say.

Directives have one blank between words, records one empty line between them (two where a text ends with two), lines
end as on UNIX, and the last one ends.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mvengine.errors import InternalError
from mvengine.slt.directives import read_directive
from mvengine.slt.flavors import Flavor, flavor_of
from mvengine.slt.parser import parse_text, read_text
from mvengine.slt.reader import Reader
from mvengine.slt.records import Loop, Record, Source
from mvengine.slt.update import write_text


def tidy_file(path: Path | str, flavor: Flavor | None = None) -> bool:
    """Rewrites a script in its form; whether that has changed it. Errors: ``ScriptError``."""
    source = Source(file=str(path), included_from=None)
    before = read_text(source)
    flavor = flavor or flavor_of(before, source.file)
    after = tidied(before, source, flavor)
    if _meaning(parse_text(before, source, flavor)) != _meaning(parse_text(after, source, flavor)):
        raise InternalError(f"{path}: its form cannot be changed without a change of what it says")
    if after == before:
        return False
    write_text(source.file, after)
    return True


def tidied(text: str, source: Source, flavor: Flavor) -> str:
    """The text in its form. Errors: ``ScriptError``."""
    reader = Reader(text, source, flavor)
    lines = reader.lines
    written: list[str] = []
    at = 0
    while reader.next_directive():
        _add_between(written, lines[at : reader.line - 1])
        written.append(_directive(reader))
        reader.forget_expected()
        start = reader.at
        read_directive(reader)
        body = lines[start : reader.at]
        while body and body[-1] == "":
            body.pop()
        written.extend(body)
        written.extend([""] * min(2, reader.at - start - len(body)))
        at = reader.at
    _add_between(written, lines[at : reader.count])
    while written and written[-1] == "":
        written.pop()
    return "".join(f"{line}\n" for line in written)


def _directive(reader: Reader) -> str:
    is_spaced = "error" in reader.words[:2] or reader.name in ("set", "subtest")  # blanks may mean something there
    line = reader.lines[reader.line - 1]
    return line.strip() if is_spaced else " ".join(reader.words)


def _add_between(written: list[str], between: list[str]) -> None:
    """Comments and empty lines between records; of several empty ones one stays."""
    for line in between:
        text = line.rstrip()
        if text or (written and written[-1] != ""):
            written.append(text)


def _meaning(records: tuple[Record, ...]) -> list[object]:
    """All but where it stands."""
    found: list[object] = []
    for record in records:
        directive = record.directive
        said = directive
        if isinstance(directive, Loop):
            said = replace(directive, records=())
            found += _meaning(directive.records)
        found.append((record.conditions, record.connection, record.times, repr(said)))
    return found
