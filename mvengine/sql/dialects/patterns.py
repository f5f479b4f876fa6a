"""Patterns of PostgreSQL, as DuckDB's RE2 reads them."""

from __future__ import annotations

import re

from mvengine.errors import NotSupportedError

_ESCAPES = {r"\y": r"\b", r"\Y": r"\B", r"\m": r"\b", r"\M": r"\b", r"\Z": r"\z"}
_FOREIGN = re.compile(r"\\[1-9]|\(\?<?[=!]|\[\[[.=<>:][^:\]]*[.=<>]\]")


def native_regex(pattern: str, flags: str) -> tuple[str, str]:
    """The pattern and the options of RE2. A dot is any character, the end of a line too, unless a flag says otherwise.

    Errors: NotSupportedError at back references and at look-arounds, which RE2 does not have.
    """
    if found := _FOREIGN.search(pattern):
        raise NotSupportedError(f"{found[0]} in the pattern '{pattern}'", hint="RE2, DuckDB's matcher, has none")
    options = "".join(flag for flag in flags if flag in "gic")
    if unknown := set(flags) - set("gicns"):
        raise NotSupportedError(f"the flag {min(unknown)} of a pattern", hint="g, i, c, n and s are supported")
    regex = re.sub(r"\\.", lambda m: _ESCAPES.get(m[0], m[0]), pattern, flags=re.S)
    return regex, options + ("" if "n" in flags else "s")


def group_count(regex: str) -> int:
    """How many groups capture."""
    without_classes = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "", regex, flags=re.S)
    return len(re.findall(r"\((?!\?)", without_classes))


def regex_of_similar(pattern: str) -> str:
    """The regular expression of a pattern of SIMILAR TO: ``%`` and ``_`` stand for text; ``. ^ $`` for themselves."""
    parts, index = list[str](), 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\" and index + 1 < len(pattern):
            index += 1
            parts.append(re.escape(pattern[index]))
        else:
            parts.append({"%": ".*", "_": ".", ".": r"\.", "^": r"\^", "$": r"\$", "\\": r"\\"}.get(char, char))
        index += 1
    return "".join(parts)
