"""Patterns of to_char, to_date and to_timestamp → formats of strftime and strptime."""

from __future__ import annotations

import re

from mvengine.errors import NotSupportedError

_FIELDS = {
    "YYYY": "%Y", "YY": "%y", "IYYY": "%G", "MM": "%m", "MON": "%b", "MONTH": "%B", "DD": "%d", "DDD": "%j",
    "HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S", "MS": "%g", "US": "%f", "NS": "%n",
    "AM": "%p", "PM": "%p", "DY": "%a", "DAY": "%A", "IW": "%V", "ID": "%u", "TZ": "%Z", "TZH:TZM": "%z", "FF3": "%g",
    "FF6": "%f",
}  # fmt: skip
_TOKEN = re.compile(
    r'FM|"(?P<quoted>[^"]*)"|(?P<field>TZH:TZM|YYYY|IYYY|HH24|HH12|MONTH|DDD|DAY|MON|FF[36]|YY|MM|DD|HH|MI|SS|MS|US|NS|AM|PM|DY'
    r"|IW|ID|TZ)|(?P<other>[A-Za-z]+)|(?P<text>.)",
    re.I | re.S,
)
_NUMBERED = frozenset({"MM", "DD", "HH24", "HH12", "HH", "MI", "SS", "DDD"})
_CASED = frozenset({"MON", "MONTH", "DY", "DAY", "AM", "PM"})


def native_format(pattern: str, *, is_read: bool) -> str:
    """The format of strftime, or of strptime where it ``is_read``.

    Errors: NotSupportedError at a field that has none: ``Q``, ``CC``, ``J`` and the like, and where letters would be
    printed in another case than the pattern's.
    """
    parts, is_bare = list[str](), False
    for match in _TOKEN.finditer(pattern):
        field = match["field"]
        if match[0].upper() == "FM":
            is_bare = True
        elif match["quoted"] is not None:
            parts.append(match["quoted"].replace("%", "%%"))
        elif field is not None:
            parts.append(_field(field, pattern, is_bare=is_bare, is_read=is_read))
            is_bare = False
        elif match["other"] is not None and match[0] not in ("T", "Z"):
            raise _refused(match[0], pattern)
        else:
            parts.append(match[0].replace("%", "%%"))
    return "".join(parts)


def _field(field: str, pattern: str, *, is_bare: bool, is_read: bool) -> str:
    name = field.upper()
    is_cased = name in _CASED and not is_read
    if is_cased and (field == name) != (name in ("AM", "PM")):  # strftime writes Jan, Monday, AM
        raise _refused(field, pattern)
    if name in ("MONTH", "DAY") and not is_bare and not is_read:
        raise _refused(f"{field} without FM", pattern)  # PostgreSQL pads it with blanks
    if is_bare and name in _NUMBERED and not is_read:
        return _FIELDS[name].replace("%", "%-")
    return _FIELDS[name]


def _refused(field: str, pattern: str) -> NotSupportedError:
    return NotSupportedError(
        f"{field} in the pattern '{pattern}'",
        hint="YYYY MM DD HH24 HH12 MI SS MS US AM Mon FMMonth Dy FMDay DDD IYYY IW TZ are supported",
    )
