"""Patterns of to_char, to_date and to_timestamp → formats of strftime and strptime."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mvengine.errors import NotSupportedError

_FIELDS = {
    "YYYY": "%Y", "YY": "%y", "IYYY": "%G", "MM": "%m", "MON": "%b", "MONTH": "%B", "DD": "%d", "DDD": "%j",
    "HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S", "MS": "%g", "US": "%f", "NS": "%n",
    "AM": "%p", "PM": "%p", "DY": "%a", "DAY": "%A", "IW": "%V", "ID": "%u", "TZ": "%Z", "FF3": "%g", "FF6": "%f",
    "TZH:TZM": "%z", "TZH": "%z",
}  # fmt: skip
_TOKEN = re.compile(
    r'FM|"(?P<quoted>[^"]*)"|(?P<field>TZH:TZM|TZH|YYYY|IYYY|HH24|HH12|MONTH|DDD|DAY|MON|FF[36]|YY|MM|DD|HH|MI|SS|MS|US'
    r"|NS|AM|PM|DY|IW|ID|TZ)|(?P<other>[A-Za-z]+)|(?P<text>.)",
    re.I | re.S,
)
_NUMBERED = frozenset({"MM", "DD", "HH24", "HH12", "HH", "MI", "SS", "DDD"})
_NAMES = frozenset({"MON", "MONTH", "DY", "DAY", "AM", "PM"})

Segment = tuple[str, str]
"""A format, and an expression of what it prints, ``s``; the empty one leaves it as it is."""


def printed_formats(pattern: str) -> list[Segment]:
    """The formats of strftime that print a pattern, one behind the other.

    Errors: NotSupportedError at a field that has none: ``Q``, ``CC``, ``J`` and the like.
    """
    segments = list[Segment]()
    for field, text in _parts(pattern):
        form, change = _printed(field) if field else (text.replace("%", "%%"), "")
        if change or not segments or segments[-1][1]:
            segments.append((form, change))
        else:
            segments[-1] = (segments[-1][0] + form, "")
    return segments


def read_format(pattern: str) -> str:
    """The format of strptime that reads a pattern. Errors: NotSupportedError."""
    return "".join(_FIELDS[field.upper().removeprefix("FM")] if field else text.replace("%", "%%")
                   for field, text in _parts(pattern))  # fmt: skip


def _parts(pattern: str) -> Iterator[tuple[str, str]]:
    """Fields, with the FM that stands before them, and text between them: one of the two is empty."""
    prefix = ""
    for match in _TOKEN.finditer(pattern):
        if match[0].upper() == "FM":
            prefix = "FM"
        elif match["field"] is not None:
            yield prefix + match["field"], ""
            prefix = ""
        elif match["quoted"] is not None:
            yield "", match["quoted"]
        elif match["other"] is not None and match[0] not in ("T", "Z"):
            raise NotSupportedError(
                f"{match[0]} in the pattern '{pattern}'",
                hint="YYYY MM DD HH24 HH12 MI SS MS US AM Mon Month Dy Day DDD IYYY IW TZ TZH:TZM are supported",
            )
        else:
            yield "", match[0]


def _printed(field: str) -> Segment:
    is_bare, name = field.startswith("FM"), field.removeprefix("FM")
    form = _FIELDS[name.upper()]
    if name.upper() in _NAMES:
        change = "s" if name.istitle() or name in ("AM", "PM") else "upper(s)" if name.isupper() else "lower(s)"
        if name.upper() in ("MONTH", "DAY") and not is_bare:
            change = f"rpad({change}, 9, ' ')"  # PostgreSQL pads it with blanks
        return form, "" if change == "s" else change
    if name.upper() == "TZH:TZM":
        return form, "CASE WHEN length(s) = 3 THEN s || ':00' ELSE s END"
    if name.upper() == "TZH":
        return form, "s[1:3]"
    return (form.replace("%", "%-") if is_bare and name.upper() in _NUMBERED else form), ""
