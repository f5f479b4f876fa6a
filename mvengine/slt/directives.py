"""From a directive's line to its value: one function a directive, listed in ``DIRECTIVES``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from mvengine.slt import directives_cockroach as cockroach
from mvengine.slt import directives_duckdb as duckdb
from mvengine.slt.durations import seconds_of
from mvengine.slt.expectations import SORTS, read_error, read_error_text, read_header, read_retry
from mvengine.slt.reader import Reader
from mvengine.slt.records import (
    AnyError,
    Condition,
    Conditions,
    Directive,
    ExpectedEither,
    ExpectedRows,
    ExpectedSuccess,
    Halt,
    Include,
    Let,
    Prefix,
    Query,
    Statement,
    System,
    Unsupported,
    UseConnection,
)
from mvengine.slt.settings import (
    ControlResult,
    ControlSort,
    ControlSubstitution,
    HashThreshold,
    Nothing,
    Sleep,
    Subtest,
)

Read = Directive | Include | Prefix | duckdb.EndLoop

_OK = ExpectedSuccess(rows=None)
_NAME = re.compile(r"[A-Za-z_]\w*")
_COMPARISON = re.compile(r"(\w+)(<=|>=|<>|!=|=|<|>)(.+)")


def read_directive(reader: Reader) -> Read:
    """The directive that begins on the reader's line; takes its body from the lines that follow.

    Errors: ``ScriptError``, also for a directive that is not in the table.
    """
    read = DIRECTIVES.get(reader.name)
    if read is None:
        near = difflib.get_close_matches(reader.name, DIRECTIVES, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise reader.error(
            f"unknown directive {reader.name!r}",
            hint=f"{guess}An empty line ends a record; directives are {', '.join(DIRECTIVES)}",
        )
    return read(reader)


def _statement(reader: Reader) -> Statement | Unsupported:
    match reader.words[1:]:
        case ["ok" | "OK"]:
            return _success(reader, _OK, [])
        case ["ok" | "OK", *rest]:
            return _success(reader, _OK, rest)
        case ["count", count, *rest] if count.isdecimal():
            return _success(reader, ExpectedSuccess(rows=int(count)), rest)
        case ["error", *_]:
            return _failure(reader)
        case [("maybe" | "debug") as kind, *rest]:
            reader.connection = rest[0] if rest else None
            sql = reader.body()
            error = read_error_text(reader, AnyError()) if kind == "maybe" else AnyError()
            return Statement(sql=sql, expected=ExpectedEither(error=error), retry=None)
        case [("notice" | "async") as kind, *_]:
            return cockroach.unsupported(reader, f"'statement {kind}' needs CockroachDB")
    raise reader.error(f"'statement' takes ok, count N, error [regex | (SQLSTATE)] or maybe; found {reader.rest!r}")


def _success(reader: Reader, expected: ExpectedSuccess, rest: list[str]) -> Statement:
    if rest and rest[0] != "retry" and len(rest) == 1 and not rest[0].startswith("#"):
        reader.connection, rest = rest[0], []
    retry = read_retry(reader, rest) if rest else None
    sql = reader.body()
    if reader.has_separator:
        raise reader.error("a statement has no rows to expect", hint="use 'query' to compare rows")
    return Statement(sql=sql, expected=expected, retry=retry)


def _failure(reader: Reader) -> Statement:
    regex = reader.rest.removeprefix("error").strip()
    if reader.flavor.has_connection_word:
        reader.connection, regex = regex or None, ""
    error, retry = read_error(reader, regex)
    sql = reader.body()
    return Statement(sql=sql, expected=read_error_text(reader, error), retry=retry)


def _query(reader: Reader) -> Query | Unsupported:
    if reader.words[1:2] == ["error"]:
        error, retry = read_error(reader, reader.rest.removeprefix("error").strip())
        sql = reader.body()
        return Query(sql=sql, expected=read_error_text(reader, error), retry=retry)
    header = read_header(reader)
    if header.unsupported:
        return cockroach.unsupported(reader, f"'query … {header.unsupported}' needs CockroachDB")
    reader.connection = header.connection
    sql = reader.body()
    lines: tuple[str, ...] = ()
    if reader.has_separator:
        lines = (reader.up_to("EOF"),) if header.is_multiline else reader.rows()
    return Query(
        sql=sql,
        retry=header.retry,
        expected=ExpectedRows(
            types=header.types,
            sort=header.sort,
            sort_columns=header.sort_columns,
            label=header.label,
            has_names=header.has_names,
            lines=lines,
        ),
    )


def _system(reader: Reader) -> System:
    if reader.words[1:2] != ["ok"]:
        raise reader.error(f"'system' takes ok; found {reader.rest!r}")
    retry = read_retry(reader, reader.words[2:])
    command = reader.body()
    return System(command=command, output=reader.output() if reader.has_separator else None, retry=retry)


def _let(reader: Reader) -> Let:
    names = tuple(name.strip() for name in reader.rest.split(",") if name.strip())
    is_literal = len(names) == 1 and names[0].startswith("$")
    bare = tuple(name.removeprefix("$") for name in names)
    if not names or not all(_NAME.fullmatch(name) for name in (bare if is_literal else names)):
        raise reader.error(f"'let' takes names of variables, as in 'let a, b'; found {reader.rest!r}")
    return Let(names=bare, sql=reader.body(), is_literal=is_literal)


def _sleep(reader: Reader) -> Sleep:
    duration = " ".join(reader.arguments())
    seconds = seconds_of(duration)
    if seconds is None:
        raise reader.error(f"{duration!r} is not a duration", hint="write 1s, 500ms, 1m30s or 2 seconds")
    return Sleep(seconds=seconds)


def _condition(reader: Reader, *, is_wanted: bool) -> Condition | Conditions:
    words = reader.arguments()
    if len(words) == 2 and words[0] == "config":  # CockroachDB's
        words = words[1:]
    if len(words) != 1:
        raise reader.error(f"{reader.name!r} takes one word, a label; found {' '.join(words)!r}")
    if not reader.flavor.replaces_always:
        return Condition(label=words[0], is_wanted=is_wanted)
    return Conditions(each=tuple(_compared(part, is_wanted) for part in words[0].split("&&")))


def _compared(text: str, is_wanted: bool) -> Condition:
    """DuckDB's ``i=2``, or a label."""
    if found := _COMPARISON.fullmatch(text):
        return Condition(label=found[1], is_wanted=is_wanted, comparison=found[2], value=found[3])
    return Condition(label=text, is_wanted=is_wanted)


def _control(reader: Reader) -> ControlSort | ControlSubstitution | ControlResult:
    match reader.arguments():
        case ["sortmode", mode] if mode in SORTS:
            return ControlSort(sort=SORTS[mode])
        case ["substitution", ("on" | "off") as switch]:
            return ControlSubstitution(is_on=switch == "on")
        case ["resultmode", ("valuewise" | "rowwise") as mode]:
            return ControlResult(is_valuewise=mode == "valuewise")
    raise reader.error(
        f"unknown control {reader.rest!r}",
        hint=f"control sortmode {' | '.join(SORTS)}, control substitution on | off, control resultmode rowwise | "
        "valuewise",
    )


def _hash_threshold(reader: Reader) -> HashThreshold:
    values = reader.only_word("a number of values")
    if not values.isdecimal():
        raise reader.error(f"{values!r} is not a number of values")
    return HashThreshold(values_max=int(values))


def _halt(reader: Reader) -> Halt:
    if reader.arguments():
        raise reader.error(f"'halt' takes nothing; found {reader.rest!r}")
    return Halt()


def _subtest(reader: Reader) -> Subtest:
    name = " ".join(reader.arguments())
    if not name:
        raise reader.error("'subtest' takes a name")
    return Subtest(name="" if name == "end" else name)


def _nothing(reader: Reader) -> Nothing:
    del reader
    return Nothing()


DIRECTIVES: dict[str, Callable[[Reader], Read]] = {
    "statement": _statement,
    "query": _query,
    "system": _system,
    "let": _let,
    "skipif": lambda reader: _condition(reader, is_wanted=False),
    "onlyif": lambda reader: _condition(reader, is_wanted=True),
    "connection": lambda reader: UseConnection(name=reader.only_word("a name")),
    "include": lambda reader: Include(pattern=reader.only_word("a path or glob")),
    "sleep": _sleep,
    "halt": _halt,
    "subtest": _subtest,
    "control": _control,
    "hash-threshold": _hash_threshold,
    "require": duckdb.require,
    "require-env": duckdb.require_env,
    "test-env": duckdb.test_env,
    "loop": duckdb.loop,
    "foreach": duckdb.foreach,
    "concurrentloop": duckdb.loop,
    "concurrentforeach": duckdb.foreach,
    "endloop": duckdb.endloop,
    "mode": duckdb.mode,
    "load": duckdb.load,
    "restart": duckdb.restart,
    "reconnect": duckdb.reconnect,
    "set": duckdb.set_,
    "reset": duckdb.reset,
    "unzip": duckdb.unzip,
    "tags": _nothing,
    "repeat": cockroach.repeat,
    "user": cockroach.user,
    "simple": lambda reader: cockroach.unsupported(reader, "'simple' needs PostgreSQL's protocol"),
    "copy": cockroach.copy,
    "reset-server": lambda reader: cockroach.reset_server(reader),
    "kv-batch-size": _nothing,
    "traceon": _nothing,
    "traceoff": _nothing,
}
