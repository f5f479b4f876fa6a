"""From files to records: conditions and connections are attached to the record they precede, includes are followed."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mvengine.slt.directives import Line, Lines, read_directive
from mvengine.slt.records import DEFAULT_CONNECTION, Condition, Include, Location, Record, ScriptError, UseConnection


def parse_file(path: Path | str, *, included_from: Location | None = None) -> tuple[Record, ...]:
    """All records of a script and of the scripts it includes, in the order they run in.

    Errors: ``ScriptError`` with file and line, also where a file is missing or includes itself.
    """
    location = Location(file=str(path), line=1, included_from=included_from)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise ScriptError(f"cannot be read: {cause}", location=included_from or location) from cause
    return tuple(parse_text(text, file=str(path), included_from=included_from))


def parse_text(text: str, *, file: str, included_from: Location | None = None) -> Iterator[Record]:
    """The records of a script's text and of what it includes. Errors: ``ScriptError``."""
    lines = Lines(text)
    conditions: tuple[Condition, ...] = ()
    connection = DEFAULT_CONNECTION
    location = None
    while (line := lines.take()) is not None:
        if line.startswith("#") or not line.strip():
            continue
        location = Location(file=file, line=lines.taken, included_from=included_from)
        name, _, rest = line.strip().partition(" ")
        match read_directive(Line(location=location, name=name, rest=rest.strip(), following=lines)):
            case Condition() as condition:
                conditions += (condition,)
            case UseConnection() as use:
                connection = use.name
            case Include() as include:
                for record in _included(include, location):
                    yield replace(record, conditions=conditions + record.conditions)
                conditions, connection = (), DEFAULT_CONNECTION
            case directive:
                yield Record(location=location, conditions=conditions, connection=connection, directive=directive)
                conditions, connection = (), DEFAULT_CONNECTION
    if location and (conditions or connection != DEFAULT_CONNECTION):
        raise ScriptError("no record follows to which this applies", location=location)


def _included(include: Include, location: Location) -> Iterator[Record]:
    pattern = Path(location.file).parent / include.pattern
    files = sorted(glob.glob(str(pattern), recursive=True))
    if not files:
        raise ScriptError(f"no file matches {include.pattern!r}", location=location)
    for file in files:
        _refuse_cycle(file, location)
        yield from parse_file(file, included_from=location)


def _refuse_cycle(file: str, location: Location) -> None:
    above: Location | None = location
    while above:
        if Path(above.file).resolve() == Path(file).resolve():
            raise ScriptError(f"{file} includes itself", location=location)
        above = above.included_from
