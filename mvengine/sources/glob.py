"""Globs over paths: what part of one is fixed, and which paths match.

``*`` and ``?`` match within a segment, ``[…]`` one character, ``**`` any number of segments. As in a shell, a
wildcard at the start of a segment does not match a leading ``.``; nor does it match a leading ``_``, by which Hadoop
and Spark mark files that are not data (``_SUCCESS``, ``_temporary``). ``**`` leaves such folders out altogether.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mvengine.errors import SourceError

_MAGIC = re.compile(r"[*?[]")
_NOT_HIDDEN = r"(?![._])"
_ANY_SEGMENTS = rf"(?:{_NOT_HIDDEN}[^/]+/)*"


@dataclass(frozen=True, kw_only=True)
class Glob:
    """Files below ``folder`` whose path relative to it matches ``regex``."""

    folder: str  # without a trailing slash
    regex: re.Pattern[str]
    depth_max: int | None  # segments that a matching relative path has; None: any number
    is_recursive_tail: bool  # the last segment is ``*`` or ``**``: folders among the matches are no mistake


def has_magic(path: str) -> bool:
    """Whether a path is a glob."""
    return _MAGIC.search(path) is not None


def split_glob(path: str) -> Glob:
    """A glob as its fixed folder and the pattern below it. A path without wildcards is everything below that folder."""
    if not has_magic(path):
        path = path.rstrip("/") + "/**"
    segments = path.split("/")
    fixed = next(i for i, segment in enumerate(segments) if has_magic(segment))
    pattern = segments[fixed:]
    return Glob(
        folder="/".join(segments[:fixed]),
        regex=compile_glob("/".join(pattern)),
        depth_max=None if "**" in pattern else len(pattern),
        is_recursive_tail=pattern[-1] in ("*", "**"),
    )


def compile_glob(pattern: str) -> re.Pattern[str]:
    """A relative glob as a regular expression for whole relative paths. Errors: ``SourceError`` (``[z-a]``)."""
    *folders, last = pattern.split("/")
    parts = [_ANY_SEGMENTS if segment == "**" else _segment(segment) + "/" for segment in folders]
    tail = _ANY_SEGMENTS + _segment("*") if last == "**" else _segment(last)
    try:
        return re.compile("".join(parts) + tail, re.DOTALL)
    except re.error as error:
        raise SourceError(f"{pattern!r} is not a glob: {error}", hint="[a-z] is a range", retryable=False) from error


def matches_name(pattern: re.Pattern[str], has_folders: bool, relative_path: str) -> bool:
    """Whether a file matches a ``match_pattern``: by name, or by relative path where the pattern has a ``/``."""
    return pattern.fullmatch(relative_path if has_folders else relative_path.rpartition("/")[2]) is not None


def _segment(glob: str) -> str:
    regex, rest = (_NOT_HIDDEN if glob[:1] in ("*", "?", "[") else ""), glob
    while rest:
        bracket = re.match(r"\[([!^]?)(\]?[^\]]*)\]", rest)
        if bracket:
            inner = bracket[2].replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace("^", "\\^")
            regex += f"[{'^/' if bracket[1] else ''}{inner}]"
            rest = rest[bracket.end() :]
            continue
        regex += {"*": "[^/]*", "?": "[^/]"}.get(rest[0]) or re.escape(rest[0])
        rest = rest[1:]
    return regex
