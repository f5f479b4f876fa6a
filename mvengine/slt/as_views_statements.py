"""What a statement is to the views that lie over the file's tables: it reads, writes, defines, or opens a transaction.

A look at words, in the dialects that scripts are written in. Where it cannot tell, it says that everything is touched:
then views are created later than they might be, never wrongly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | '(?:[^']|'')*' | \$(\w*)\$.*?\$\1\$ | "(?P<quoted>(?:[^"]|"")*)"
    | (?P<word>[^\W\d][\w$]*) | (?P<mark>[;(),.])""",
    re.X | re.S,
)
_READS = frozenset(
    ("select", "from", "values", "table", "show", "describe", "desc", "summarize", "explain", "pivot", "unpivot")
)
_QUERIES = frozenset(("select", "from", "values", "table", "with", "pivot", "unpivot"))
_WRITES = frozenset(
    ("insert", "update", "delete", "merge", "copy", "truncate", "replace", "upsert", "refresh", "execute", "call")
)
_IDLE = frozenset(
    ("prepare", "deallocate", "analyze", "vacuum", "checkpoint", "force", "comment", "flush", "wait", "verify")
)
_SETTINGS = frozenset(("set", "reset", "pragma"))
_HARMLESS = re.compile(
    r"threads|(?:worker|external)_threads|(?:memory|max)_(?:limit|memory)|(?:enable|disable)_\w+|verify_\w+|no_verify_\w+"
    r"|explain_output|force_\w+|debug_\w+|rw_\w+|streaming_\w+|create_\w+|\w*profil\w*|temp_directory|immediate_checkpoint"
    r"|implicit_flush|background_ddl|checkpoint_threshold|wal_autocheckpoint|default_block_size|perfect_ht_threshold"
)
_NAMED = frozenset(("table", "view", "macro", "function", "sequence", "type", "source", "index"))
_EMPTY = re.compile(  # what no table is likely to be called; in quotes it is a name
    r"[(),.]|create|alter|drop|table|view|materialized|if|not|exists|or|replace|cascade|restrict|column|add|to|set|type"
    r"|int|integer|bigint|varchar|text|double|float|real|primary|key|null|default|unique|index|on|as|select|from|where"
    r"|group|by|order|and|in"
)
_DEFINING = re.compile(r"create|or|replace|temp|temporary|recursive|unique|materialized|if|not|exists")


class Kind(StrEnum):
    """Those that do more come first."""

    BEGIN = "begins"
    ROLLBACK = "rolls back"
    COMMIT = "commits"
    DEFINE = "defines"
    WRITE = "writes"
    READ = "reads"
    IDLE = "changes nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A text that was sent, looked at.

    ``touches`` are the names whose definition it changes, in small letters; None: it may be any. ``defines`` is the one
    that it gives a definition made of ``words``, which are all identifiers of the text. ``is_query``: it is one SELECT.
    """

    kind: Kind
    words: frozenset[str]
    touches: frozenset[str] | None
    defines: str
    is_query: bool


def look_at(text: str) -> Sent:
    """A text of one or more statements; of several the kind of the one that does most, or of the last that opens or
    ends a transaction."""
    statements = [found for found in _split(text) if found]
    if len(statements) == 1:
        return _statement(statements[0])
    parts = [_statement(found) for found in statements]
    touches = [part.touches for part in parts]
    controls = [part.kind for part in parts if part.kind in (Kind.BEGIN, Kind.COMMIT, Kind.ROLLBACK)]
    kinds = {part.kind for part in parts}
    return Sent(
        kind=controls[-1] if controls else next((kind for kind in Kind if kind in kinds), Kind.IDLE),
        words=frozenset[str]().union(*(part.words for part in parts)),
        touches=None if None in touches else frozenset[str]().union(*filter(None, touches)),
        defines=next((part.defines for part in parts if part.defines), ""),
        is_query=False,
    )


def _split(text: str) -> list[list[str]]:
    """The words and marks of each statement: identifiers in small letters, those in quotes with a quote before them."""
    found: list[list[str]] = [[]]
    for token in _TOKEN.finditer(text):
        if token["word"]:
            found[-1].append(token["word"].lower())
        elif token["quoted"] is not None:
            found[-1].append('"' + token["quoted"].lower())
        elif token["mark"] == ";":
            found.append([])
        elif token["mark"]:
            found[-1].append(token["mark"])
    return found


def _statement(tokens: list[str]) -> Sent:
    words = frozenset(token.lstrip('"') for token in tokens if not _EMPTY.fullmatch(token))
    first = next((token for token in tokens if token != "("), "")
    is_writing = first in ("with", "explain") and not words.isdisjoint(("insert", "update", "delete", "merge"))
    is_query = first in _QUERIES and not is_writing

    def sent(kind: Kind, touches: frozenset[str] | None = frozenset(), defines: str = "") -> Sent:
        return Sent(kind=kind, words=words, touches=touches, defines=defines, is_query=is_query)

    if is_query or (first in _READS and not is_writing):
        return sent(Kind.READ)
    if first in _WRITES or is_writing:
        return sent(Kind.WRITE)
    match first:
        case "begin" | "start":
            return sent(Kind.BEGIN)
        case "commit" | "end":
            return sent(Kind.COMMIT)
        case "rollback" | "abort":
            return sent(Kind.ROLLBACK)
        case "create":
            name, touches = _created(tokens)
            return sent(Kind.DEFINE, touches, name)
        case "drop" | "alter":
            is_whole = not {"schema", "database", "system"}.isdisjoint(tokens[1:3])
            return sent(Kind.DEFINE, None if is_whole else words)
        case _ if first in _SETTINGS:
            name = next((token for token in tokens[1:] if token not in ("session", "local", "global")), "")
            return sent(Kind.IDLE) if _HARMLESS.fullmatch(name) else sent(Kind.DEFINE, None)
    return sent(Kind.IDLE) if first in _IDLE or not first else sent(Kind.DEFINE, None)


def _created(tokens: list[str]) -> tuple[str, frozenset[str] | None]:
    """The name that CREATE gives, and what it touches: itself; of an index nothing, unless it is unique."""
    at = next((index for index, token in enumerate(tokens) if token in _NAMED), None)
    if at is None or any(not _DEFINING.fullmatch(token) for token in tokens[:at]):
        return "", None  # a schema, a secret …
    if tokens[at] == "index":
        return "", frozenset(token.lstrip('"') for token in tokens) if "unique" in tokens[:at] else frozenset()
    at += 1
    while at < len(tokens) and tokens[at] in ("if", "not", "exists"):
        at += 1
    while at + 2 < len(tokens) and tokens[at + 1] == ".":
        at += 2
    name = tokens[at].lstrip('"') if at < len(tokens) else ""
    return name, frozenset((name,))
