"""What stands behind a command, taken apart."""

from __future__ import annotations

import shlex

from mvengine.errors import ProgrammingError


def words(argument: str) -> list[str]:
    """The words of an argument; quotes hold one together. Raises ``ProgrammingError`` where a quote is open."""
    try:
        return shlex.split(argument)
    except ValueError as error:
        raise ProgrammingError(
            f"an open quote in {argument!r}", code="42601", hint="close it, or put a backslash before it"
        ) from error


def one(argument: str, *, command: str, what: str) -> str:
    """The only word of an argument. Raises ``ProgrammingError`` where there is none, or another one."""
    found = words(argument)
    if len(found) != 1:
        raise ProgrammingError(f"{command} needs {what}", code="42601", hint=f"write {command} {what}")
    return found[0]


def choice(argument: str, choices: tuple[str, ...], *, command: str) -> str:
    """The argument, which must be one of these. Raises ``ProgrammingError``."""
    found = argument.lower()
    if found not in choices:
        raise ProgrammingError(
            f"{command} is one of {', '.join(choices)}, not {argument!r}",
            code="42601",
            hint=f"write {command} {choices[0]}",
        )
    return found


def switch(argument: str, before: bool, *, command: str) -> bool:
    """``on`` or ``off``; the other one of ``before`` where nothing is said. Raises ``ProgrammingError``."""
    return not before if not argument else choice(argument, ("on", "off"), command=command) == "on"


def number(argument: str, *, command: str) -> int | None:
    """A whole number from 1 on; None for ``auto``. Raises ``ProgrammingError``."""
    if argument == "auto":
        return None
    if not argument.isdecimal() or int(argument) < 1:
        raise ProgrammingError(
            f"{command} is a whole number from 1 on, or 'auto', not {argument!r}",
            code="42601",
            hint=f"write {command} 100",
        )
    return int(argument)
