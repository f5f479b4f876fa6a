"""From a directive's line to its value: one function a directive, listed in ``DIRECTIVES``.

A record is framed by hand: the directive's line, then, where the directive has one, a body up to an empty line or
``----``, then what is expected. Rows end at one empty line; errors and outputs, which may contain empty lines, end at
two.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from mvengine.slt.records import (
    AnyError,
    Condition,
    ControlSort,
    ControlSubstitution,
    Directive,
    ErrorCode,
    ErrorPattern,
    ErrorText,
    ExpectedError,
    ExpectedRows,
    ExpectedSuccess,
    Halt,
    HashThreshold,
    Include,
    Location,
    Query,
    ScriptError,
    Sleep,
    Sort,
    Statement,
    Subtest,
    System,
    UseConnection,
)

_SEPARATOR = "----"
_SORTS = {str(mode): mode for mode in Sort}
_SQLSTATE = re.compile(r"\(([0-9A-Z]{5})\)")
_DURATION_PART = re.compile(r"(\d+)(ns|us|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Lines:
    """The lines of a script, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
        self.taken = 0

    def take(self) -> str | None:
        """The next line, or None at the end."""
        if self.taken == len(self._lines):
            return None
        self.taken += 1
        return self._lines[self.taken - 1]

    def take_body(self) -> tuple[str, bool]:
        """The lines up to an empty one, ``----`` or the end; and whether it was ``----``."""
        body: list[str] = []
        while (line := self.take()) not in (None, "", _SEPARATOR):
            body.append(line or "")
        return "\n".join(body), line == _SEPARATOR

    def take_rows(self) -> tuple[str, ...]:
        """The lines up to an empty one."""
        rows: list[str] = []
        while line := self.take():
            rows.append(line)
        return tuple(rows)

    def take_output(self) -> str:
        """The lines up to two empty ones, without the white space around them."""
        output: list[str] = []
        while (line := self.take()) is not None and not (line == "" and output[-1:] == [""]):
            output.append(line)
        return "\n".join(output).strip()


@dataclass(frozen=True, kw_only=True)
class Line:
    """A directive's line: its first word, the text after it as written, and the lines that follow."""

    location: Location
    name: str
    rest: str
    following: Lines

    @property
    def words(self) -> list[str]:
        return self.rest.split()

    def error(self, message: str, *, hint: str | None = None) -> ScriptError:
        return ScriptError(message, location=self.location, hint=hint)

    def only_word(self, meaning: str) -> str:
        if len(self.words) != 1:
            raise self.error(f"{self.name!r} takes one word, {meaning}; found {self.rest!r}")
        return self.words[0]

    def output(self) -> str:
        output = self.following.take_output()
        if _SEPARATOR in output.splitlines():
            raise self.error("the text under '----' runs into the next record", hint="end it with two empty lines")
        return output

    def body(self) -> tuple[str, bool]:
        body, has_result = self.following.take_body()
        if not body.strip():
            raise self.error(
                f"{self.name!r} is followed by nothing to run", hint="write it on the next lines, none empty"
            )
        return body, has_result


def read_directive(line: Line) -> Directive | Include | Condition | UseConnection:
    """The directive that begins on ``line``; takes its body from the following lines. Errors: ``ScriptError``."""
    read = DIRECTIVES.get(line.name)
    if read is None:
        near = difflib.get_close_matches(line.name, DIRECTIVES, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise line.error(
            f"unknown directive {line.name!r}",
            hint=f"{guess}An empty line ends a record; directives are {', '.join(DIRECTIVES)}",
        )
    return read(line)


def _statement(line: Line) -> Statement:
    match line.words:
        case ["ok"]:
            rows = None
        case ["count", count] if count.isdecimal():
            rows = int(count)
        case ["error", *_]:
            sql, has_text = line.body()
            return Statement(sql=sql, expected=_error(line, has_text))
        case _:
            raise line.error(f"'statement' takes ok, count N or error [regex | (SQLSTATE)]; found {line.rest!r}")
    sql, has_result = line.body()
    if has_result:
        raise line.error("a statement has no rows to expect", hint="use 'query' to compare rows")
    return Statement(sql=sql, expected=ExpectedSuccess(rows=rows))


def _query(line: Line) -> Query:
    if line.words[:1] == ["error"]:
        sql, has_text = line.body()
        return Query(sql=sql, expected=_error(line, has_text))
    types, sort, label = _columns(line)
    sql, has_rows = line.body()
    rows = line.following.take_rows() if has_rows else ()
    return Query(sql=sql, expected=ExpectedRows(types=types, sort=sort, label=label, lines=rows))


def _columns(line: Line) -> tuple[str, Sort | None, str | None]:
    """``[types [sort] [label]]``."""
    types, *words = line.words or [""]
    if types and not re.fullmatch(r"[A-Za-z?]+", types):
        raise line.error(f"'query' takes one letter a column, as in 'query IT rowsort'; found {types!r}")
    sort = _SORTS[words.pop(0)] if words and words[0] in _SORTS else None
    label = words.pop(0) if words else None
    if words:
        raise line.error(f"unexpected {' '.join(words)!r} after the label {label!r}")
    return types, sort, label


def _error(line: Line, has_text: bool) -> ExpectedError:
    """``error [regex | (SQLSTATE)]``, or the text under ``----``."""
    regex = line.rest.removeprefix("error").strip()
    if has_text and regex:
        raise line.error("the expected error is given twice: after 'error' and under '----'")
    if has_text:
        return ErrorText(text=line.output())
    if not regex:
        return AnyError()
    if code := _SQLSTATE.fullmatch(regex):
        return ErrorCode(sqlstate=code[1])
    try:
        return ErrorPattern(pattern=re.compile(regex))
    except re.error as cause:
        raise line.error(f"{regex!r} is not a regular expression: {cause}") from cause


def _system(line: Line) -> System:
    if line.words != ["ok"]:
        raise line.error(f"'system' takes ok; found {line.rest!r}")
    command, has_output = line.body()
    return System(command=command, output=line.output() if has_output else None)


def _sleep(line: Line) -> Sleep:
    duration = line.only_word("a duration such as 500ms")
    parts = _DURATION_PART.findall(duration)
    if not parts or "".join(count + unit for count, unit in parts) != duration:
        raise line.error(f"{duration!r} is not a duration", hint="write 1s, 500ms or 1m30s")
    return Sleep(seconds=sum(int(count) * _UNIT_SECONDS[unit] for count, unit in parts))


def _control(line: Line) -> ControlSort | ControlSubstitution:
    match line.words:
        case ["sortmode", mode] if mode in _SORTS:
            return ControlSort(sort=_SORTS[mode])
        case ["substitution", ("on" | "off") as switch]:
            return ControlSubstitution(is_on=switch == "on")
    raise line.error(
        f"unknown control {line.rest!r}",
        hint=f"control sortmode {' | '.join(_SORTS)}, control substitution on | off",
    )


def _hash_threshold(line: Line) -> HashThreshold:
    values = line.only_word("a number of values")
    if not values.isdecimal():
        raise line.error(f"{values!r} is not a number of values")
    return HashThreshold(values_max=int(values))


def _halt(line: Line) -> Halt:
    if line.rest:
        raise line.error(f"'halt' takes nothing; found {line.rest!r}")
    return Halt()


DIRECTIVES: dict[str, Callable[[Line], Directive | Include | Condition | UseConnection]] = {
    "statement": _statement,
    "query": _query,
    "system": _system,
    "skipif": lambda line: Condition(label=line.only_word("a label"), is_wanted=False),
    "onlyif": lambda line: Condition(label=line.only_word("a label"), is_wanted=True),
    "connection": lambda line: UseConnection(name=line.only_word("a name")),
    "include": lambda line: Include(pattern=line.only_word("a path or glob")),
    "sleep": _sleep,
    "halt": _halt,
    "subtest": lambda line: Subtest(name=line.only_word("a name")),
    "control": _control,
    "hash-threshold": _hash_threshold,
}
