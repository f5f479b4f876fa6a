"""How options are checked: from a name and the value as written to the canonical value, or an error that says what is
allowed. Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from mvengine.errors import ProgrammingError, UnknownOption
from mvengine.sql.statements import Options

SECRETS = frozenset({"s3.credentials.access", "s3.credentials.secret", "s3.credentials.session_token"})

ALIASES = {
    "batch_posix_fs.root": "root",
    "posix_fs.root": "root",
    "s3.region_name": "s3.region",
    "delim": "delimiter",
    "sep": "delimiter",
    "null": "nullstr",
    "date_format": "dateformat",
    "timestamp_format": "timestampformat",
}

Check = Callable[[str, str], str]


def text(name: str, value: str) -> str:
    if not value:
        raise bad(name, value, "a text that is not empty")
    return value


def any_text(name: str, value: str) -> str:
    return value


def boolean(name: str, value: str) -> str:
    if value.lower() in ("true", "t", "on", "yes", "1"):
        return "true"
    if value.lower() in ("false", "f", "off", "no", "0"):
        return "false"
    raise bad(name, value, "true or false")


def count(least: int, most: int | None = None) -> Check:
    bounds = f"at least {least}" + (f" and at most {most}" if most is not None else "")

    def check(name: str, value: str) -> str:
        is_number = value.isascii() and value.isdigit() and len(value) <= 18
        if not is_number or int(value) < least or (most is not None and int(value) > most):
            raise bad(name, value, f"a whole number, {bounds}")
        return str(int(value))

    return check


def one_of(**spellings: str) -> Check:
    def check(name: str, value: str) -> str:
        if value.lower() not in spellings:
            raise bad(name, value, "allowed: " + ", ".join(dict.fromkeys(spellings.values())))
        return spellings[value.lower()]

    return check


def delimiter(name: str, value: str) -> str:
    value = "\t" if value == "\\t" else value
    if not 1 <= len(value.encode()) <= 4 or "\n" in value or "\r" in value:
        raise bad(name, value, "one to four bytes without a line break")
    return value


def character(name: str, value: str) -> str:
    if len(value.encode()) > 1:
        raise bad(name, value, "one ASCII character, or the empty string for none")
    return value


def separator(name: str, value: str) -> str:
    if value not in (".", ","):
        raise bad(name, value, "'.' or ','")
    return value


def canonical(options: Options, known: Mapping[str, Check]) -> dict[str, str]:
    """Options under their canonical names, values checked. ``without_header`` becomes ``header``, its contrary."""
    given: dict[str, str] = {}
    for spelling, value in options:
        name = ALIASES.get(spelling, spelling)
        if name not in known:
            raise unknown(spelling, known)
        checked = known[name](spelling, value)
        if name == "without_header":
            name, checked = "header", "false" if checked == "true" else "true"
        if name in given:
            raise error(f"option {spelling!r} is given twice", "give it once; it may have been given by another name")
        given[name] = checked
    return given


def unknown(name: str, known: Mapping[str, Check]) -> UnknownOption:
    spellings = sorted({*known, *(alias for alias, of in ALIASES.items() if of in known)})
    near = difflib.get_close_matches(name, spellings, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UnknownOption(f"unknown option {name!r}", hint=f"{hint}options are: {', '.join(sorted(known))}")


def bad(name: str, value: str, allowed: str) -> ProgrammingError:
    shown = "***" if ALIASES.get(name, name) in SECRETS else repr(value)
    return error(f"option {name!r} cannot be {shown}", allowed)


def error(message: str, hint: str) -> ProgrammingError:
    return ProgrammingError(message, hint=hint, code="22023")
