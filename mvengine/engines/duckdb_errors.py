"""DuckDB's exceptions → the error tree, with SQLSTATE codes, positions and hints."""

from __future__ import annotations

import re

from mvengine.engines.duckdb_codes import rule_for
from mvengine.errors import DatabaseLocked, Error, Position

_LINE = re.compile(r"\n\nLINE (\d+): (.*)\n(\s*)\^", re.S)
_ADVICE = re.compile(r"\s*\n\s*((?:Candidate |Did you mean[ :]|Either add |Possible solution).*)", re.S)
_NAMED = re.compile(
    r"""(?:with\ name|update\ column|[Cc]olumn(?!\ with)(?:\ name)?|[Cc]onfiguration\ parameter|find\ key
        |duplicate\ alias|Referenced\ table|Cannot\ extract\ field\ from\ expression)\s"?([^\s"!]+)""",
    re.VERBOSE,
)
_TERM = re.compile(r"(GROUP BY|ORDER) term out of range - should be between 1 and (\d+)")
_OURS = re.compile(r"\bmv_(?:meta|state|catalog)\.")
_OWN_SWITCH = re.compile(
    r'\s*\n\s*Use "SET scalar_subquery_error_on_multiple_rows.*', re.S
)  # a random row is no answer
_HOLDER = re.compile(r"(?:in|by) (.+?) \(PID (\d+)\)")


def translate(error: Exception, sql: str) -> Error:
    """The error of this library that says the same. The position is that in ``sql``."""
    text = str(error)
    rule = rule_for(error, text)
    position = _position(text, sql) or _named(text, sql)
    shown_line = _LINE.search(text)
    message = _OWN_SWITCH.sub("", text[: shown_line.start()] if shown_line else text)
    advice = _ADVICE.search(message)
    message = message[: advice.start()] if advice else message
    if advice and _OURS.search(advice[1]):
        advice = None  # what we keep for ourselves was not meant
    if rule.error is DatabaseLocked:
        holder = _HOLDER.search(text)
        who = f"process {holder.group(2)} ({holder.group(1)})" if holder else "another process"
        path = re.search(r'file "([^"]+)"', text)
        return DatabaseLocked(
            f"the database {path.group(1) if path else 'file'} is in use by {who}",
            hint="one process at a time can hold a database; close it there first",
        )
    hint = advice[1].strip().replace(": : ", ": ") if advice else rule.hint
    return rule.error(message, hint=hint, code=rule.code, position=position)


def _position(text: str, sql: str) -> Position | None:
    """Where the caret stands. Of a long line DuckDB shows a part, between dots: that is looked for in the statement."""
    found = _LINE.search(text)
    if found is None:
        return None
    line, shown, spaces = found.groups()
    column = len(spaces.rsplit("\n", 1)[-1]) - len(f"LINE {line}: ") + 1
    lines = sql.split("\n")
    part = shown.removeprefix("...").removesuffix("...")
    if shown.startswith("..."):
        whole = lines[int(line) - 1] if int(line) <= len(lines) else ""
        if whole.count(part) != 1:
            return None
        column += whole.index(part) - len("...")
    return Position(line=int(line), column=max(column, 1))


def _named(text: str, sql: str) -> Position | None:
    """Where a message without a place means: the one occurrence of the name that it complains of, or the number."""
    if (term := _TERM.search(text)) is not None:
        last = int(term[2])
        behind = re.search(r"\bGROUP\s+BY\b" if term[1] == "GROUP BY" else r"\bORDER\s+BY\b", sql, re.I)
        start = behind.end() if behind else 0
        found = [it for it in re.finditer(r"(?<![\w.])\d+(?![\w.])", sql[start:]) if not 1 <= int(it[0]) <= last]
        return _at(sql, start + found[0].start()) if found else None
    if "Set operations can only" in text:
        places = [it.start() for it in re.finditer(r"\b(?:UNION|EXCEPT|INTERSECT)\b", sql, re.I)]
    elif (named := _NAMED.search(text)) is not None:
        places = [it.start() for it in re.finditer(rf"(?<!\w){re.escape(named[1])}(?!\w)", sql, re.I)]
    else:
        return None
    return _at(sql, places[-1]) if len(places) == 1 or ("uplicate" in text and places) else None


def _at(sql: str, offset: int) -> Position:
    return Position(line=sql.count("\n", 0, offset) + 1, column=offset - sql.rfind("\n", 0, offset))
