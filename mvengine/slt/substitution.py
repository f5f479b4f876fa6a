"""Variables in scripts, under ``control substitution on``: the syntax of Rust's ``subst``, which sqllogictest-rs uses.

``$NAME``, ``${NAME}``, ``${NAME:default}`` with variables in the default, ``\\$`` and ``\\\\`` for the characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mvengine.errors import ProgrammingError

_TOKEN = re.compile(
    r"\\(?P<escaped>[\\$:{}])"
    r"|\$(?P<name>[A-Za-z_]\w*)"
    r"|\$\{(?P<braced>[A-Za-z_]\w*)(?::(?P<default>(?:[^{}]|\{[^{}]*\})*))?\}"
    r"|(?P<alone>[\\$])"
)
_SPECIAL = re.compile(r"\$(?:\{(__\w+__)\}|(__\w+__))")


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with its variables replaced. Errors: ``ProgrammingError``, 42704 for an unknown variable."""

    def value(token: re.Match[str]) -> str:
        name = token["name"] or token["braced"]
        if token["escaped"]:
            return token["escaped"]
        if token["alone"]:
            raise ProgrammingError(
                f"{token['alone']!r} stands alone at {text[token.start() :][:20]!r}",
                hint=f"under 'control substitution on' write '\\{token['alone']}'",
                code="42601",
            )
        if name in variables:
            return variables[name]
        if token["default"] is not None:
            return substitute(token["default"], variables)
        raise ProgrammingError(
            f"No such variable: ${name}", hint=f"set it in the environment, or write ${{{name}:default}}", code="42704"
        )

    return _TOKEN.sub(value, text)


def substitute_special(command: str, variables: Mapping[str, str]) -> str:
    """A shell command with only ``$__TEST_DIR__`` and its like replaced: the rest is the shell's own."""
    return _SPECIAL.sub(lambda found: variables.get(found[1] or found[2], found[0]), command)
