"""From files to records: what stands before a record is attached to it, includes are followed, loops are nested."""

from __future__ import annotations

import gc
import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mvengine.slt.directives import read_directive
from mvengine.slt.directives_duckdb import EndLoop
from mvengine.slt.flavors import Flavor, flavor_of
from mvengine.slt.reader import Reader
from mvengine.slt.records import (
    DEFAULT_CONNECTION,
    Condition,
    Conditions,
    Include,
    Location,
    Loop,
    Query,
    Record,
    Repeat,
    ScriptError,
    Source,
    Statement,
    UseConnection,
)

_NESTING_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A file's records, in the order they run in, with those of the files that it includes."""

    file: str
    flavor: Flavor
    records: tuple[Record, ...]


def parse_file(path: Path | str, flavor: Flavor | None = None) -> Script:
    """A script and the scripts it includes. ``flavor``: None is found by itself.

    Errors: ``ScriptError`` with file and line, also where a file is missing or includes itself.
    """
    source = Source(file=str(path), included_from=None)
    text = read_text(source)
    flavor = flavor or flavor_of(text, source.file)
    return Script(file=source.file, flavor=flavor, records=parse_text(text, source, flavor))


def parse_text(text: str, source: Source, flavor: Flavor) -> tuple[Record, ...]:
    """The records of a script's text and of what it includes. Errors: ``ScriptError``."""
    with _uncollected():
        return tuple(_Parser(Reader(text, source, flavor)).records(depth=0))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look at all records again and again: they are in no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def read_text(source: Source) -> str:
    """The text of a file. Errors: ``ScriptError``, where it cannot be read or is not UTF-8."""
    try:
        with open(source.file, encoding="utf-8-sig", newline="") as file:  # line ends stay, for --update
            return file.read()
    except (OSError, UnicodeDecodeError) as cause:
        location = source.included_from or Location(file=source.file, line=1, included_from=None)
        raise ScriptError(f"{source.file} cannot be read: {cause}", location=location) from cause


class _Parser:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._forget()

    def _forget(self) -> None:
        self._conditions: tuple[Condition, ...] = ()
        self._connection = DEFAULT_CONNECTION
        self._times = 1
        self._has_prefix = False

    def records(self, depth: int) -> Iterator[Record]:
        """The records up to the end of the file, or up to the loop's."""
        reader = self._reader
        begins = reader.location
        while reader.next_directive():
            reader.connection = None
            reader.forget_expected()
            match read_directive(reader):
                case Statement() | Query() as check:  # most are one of these
                    yield self._record(check, reader.line)
                    if self._has_prefix:
                        self._forget()
                case Condition() as condition:
                    self._conditions += (condition,)
                    self._has_prefix = True
                case Conditions(each=conditions):
                    self._conditions += conditions
                    self._has_prefix = True
                case UseConnection(name=name):
                    self._connection = name
                    self._has_prefix = True
                case Repeat(times=times):
                    self._times = times
                    self._has_prefix = True
                case Include() as include:
                    yield from self._included(include)
                case EndLoop():
                    if depth == 0:
                        raise reader.error("'endloop' ends no loop")
                    return
                case Loop() as loop:
                    yield self._looped(loop, depth)
                case directive:
                    yield self._record(directive, reader.line)
                    if self._has_prefix:
                        self._forget()
        if depth:
            raise ScriptError("the loop has no 'endloop'", location=begins)
        if self._has_prefix:
            raise reader.error("no record follows to which this applies")

    def _record(self, directive: object, line: int) -> Record:
        reader = self._reader
        return Record(
            source=reader.source,
            line=line,
            expected_from=reader.expected_from,
            expected_to=reader.expected_to,
            has_separator=reader.has_separator,
            conditions=self._conditions,
            connection=reader.connection or self._connection,
            times=self._times,
            directive=directive,  # type: ignore[arg-type]  # what is no record has been dealt with
        )

    def _looped(self, loop: Loop, depth: int) -> Record:
        if depth >= _NESTING_MAX:
            raise self._reader.error(f"more than {_NESTING_MAX} loops in each other")
        record = self._record(loop, self._reader.line)
        self._forget()
        return replace(record, directive=replace(loop, records=tuple(self.records(depth + 1))))

    def _included(self, include: Include) -> Iterator[Record]:
        conditions = self._conditions
        self._forget()
        for record in _included(include, self._reader):
            yield replace(record, conditions=conditions + record.conditions) if conditions else record


def _included(include: Include, reader: Reader) -> Iterator[Record]:
    location = reader.location
    pattern = Path(location.file).parent / include.pattern
    files = sorted(glob.glob(str(pattern), recursive=True))
    if not files:
        raise ScriptError(f"no file matches {include.pattern!r}", location=location)
    for file in files:
        _refuse_cycle(file, location)
        source = Source(file=file, included_from=location)
        yield from parse_text(read_text(source), source, reader.flavor)


def _refuse_cycle(file: str, location: Location) -> None:
    above: Location | None = location
    while above:
        if Path(above.file).resolve() == Path(file).resolve():
            raise ScriptError(f"{file} includes itself", location=location)
        above = above.included_from
