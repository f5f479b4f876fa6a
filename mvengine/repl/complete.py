"""Completion at the prompt: keywords, tables, columns, functions, settings, files, commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from mvengine.errors import ProgrammingError
from mvengine.repl.commands import COMMANDS, Argument, find
from mvengine.repl.context import Context, context
from mvengine.schema import quote

if TYPE_CHECKING:
    from mvengine.repl.names import Names, Relation

_SETTING_WORDS = frozenset({"SET", "RESET", "SHOW", "GLOBAL", "SESSION"})


class ShellCompleter(Completer):
    """Offers what may stand at the cursor, the likeliest first."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        line = document.current_line_before_cursor
        if line.startswith((".", "\\")):
            return self._of_command(line, complete_event)
        at = context(document.text_before_cursor, document.text_after_cursor)
        if at.quote == "'":
            return self._paths.get_completions(Document(at.prefix), complete_event)
        return self._of_statement(at)

    def _of_command(self, line: str, event: CompleteEvent) -> Iterator[Completion]:
        name, space, argument = line[1:].partition(" ")
        if not space:
            known = [each for command in COMMANDS for each in command.names]
            helps = {each: command.help for command in COMMANDS for each in command.names}
            for each in _beginning(name, sorted(known)):
                yield Completion(each, -len(name), display_meta=helps[each])
            return
        try:
            command, _ = find(line)
        except ProgrammingError:
            return
        prefix = argument.rpartition(" ")[2]
        match command.argument:
            case Argument.FILE:
                yield from self._paths.get_completions(Document(prefix.lstrip("'\"")), event)
            case Argument.RELATION:
                schema, dot, start = prefix.rpartition(".")
                yield from self._relations(start, schema if dot else None)
            case Argument.FUNCTION:
                yield from _all(prefix, self._names.functions, "function")
            case Argument.COMMAND:
                yield from _all(prefix.lstrip(".\\"), [command.name for command in COMMANDS], "command")
            case Argument(value=tuple(choices)):
                yield from _all(prefix, [str(choice) for choice in choices], "")

    def _of_statement(self, at: Context) -> Iterator[Completion]:
        if at.quote == '"':
            names = {each.name for each in self._names.relations} | {name for name, _ in self._columns(at)}
            for name in _beginning(at.prefix, sorted(names)):
                yield Completion(name.replace('"', '""') + '"', -len(at.prefix), display=name)
        elif at.qualifier:
            yield from self._qualified(at)
        elif at.leading in _SETTING_WORDS and at.previous in _SETTING_WORDS:
            yield from _all(at.prefix, self._names.settings, "setting")
            yield from self._keywords(at.prefix)
        elif at.wants_relation:
            yield from self._relations(at.prefix, None)
            schemas = dict.fromkeys(each.schema for each in self._names.relations)
            yield from _all(at.prefix, [quote(schema) for schema in schemas], "schema", tail=".")
            yield from _functions(at.prefix, self._names.functions)
            yield from self._keywords(at.prefix)
        else:
            for name, type_ in _beginning_pairs(at.prefix, self._columns(at)):
                yield Completion(quote(name), -len(at.prefix), display=name, display_meta=type_)
            yield from _all(at.prefix, [quote(alias) for alias, _ in at.sources], "table")
            yield from self._keywords(at.prefix)
            yield from _functions(at.prefix, self._names.functions)
            if at.prefix:
                yield from self._relations(at.prefix, None)

    def _qualified(self, at: Context) -> Iterator[Completion]:
        """Columns of the table or alias before the dot, or what a schema of that name holds."""
        known = {alias.lower(): parts for alias, parts in at.sources}
        parts = known.get(at.qualifier.lower())
        for relation in self._names.relations:
            if parts is not None and _is_named(relation, parts):
                for name, type_ in _beginning_pairs(at.prefix, relation.columns):
                    yield Completion(quote(name), -len(at.prefix), display=name, display_meta=type_)
        yield from self._relations(at.prefix, at.qualifier)

    def _columns(self, at: Context) -> list[tuple[str, str]]:
        found: dict[str, str] = {}
        for _, parts in at.sources:
            for relation in self._names.relations:
                if _is_named(relation, parts):
                    found.update(relation.columns)
        return list(found.items())

    def _relations(self, prefix: str, schema: str | None) -> Iterator[Completion]:
        for relation in self._names.relations:
            is_meant = (
                relation.schema.lower() == schema.lower() if schema is not None else relation.schema != "mv_catalog"
            )
            if is_meant and relation.name.lower().startswith(prefix.lower()):
                path = relation.name if schema is not None or relation.schema == "main" else None
                text = quote(path) if path is not None else f"{quote(relation.schema)}.{quote(relation.name)}"
                yield Completion(text, -len(prefix), display_meta=f"{len(relation.columns)} columns")

    def _keywords(self, prefix: str) -> Iterator[Completion]:
        if prefix:
            keywords = _beginning(prefix, self._names.keywords)
            yield from (Completion(_as(prefix, each), -len(prefix), display_meta="keyword") for each in keywords)


def _is_named(relation: Relation, parts: tuple[str, ...]) -> bool:
    """Whether a path in a statement (``orders``, ``main.orders``) may mean the relation."""
    path = (relation.schema.lower(), relation.name.lower())
    return path[-len(parts[-2:]) :] == tuple(part.lower() for part in parts[-2:])


def _functions(prefix: str, functions: Iterable[str]) -> Iterator[Completion]:
    if prefix:
        yield from _all(prefix, functions, "function", tail="(")


def _all(prefix: str, names: Iterable[str], kind: str, *, tail: str = "") -> Iterator[Completion]:
    for name in _beginning(prefix, names):
        yield Completion(_as(prefix, name) + tail, -len(prefix), display=name, display_meta=kind)


def _beginning(prefix: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.lower().startswith(prefix.lower())]


def _beginning_pairs(prefix: str, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for pair in pairs if pair[0].lower().startswith(prefix.lower())]


def _as(prefix: str, word: str) -> str:
    """The word in capitals if that is how it was begun."""
    return word.upper() if prefix.isupper() else word
