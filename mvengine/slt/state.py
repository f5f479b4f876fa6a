"""What a script has said so far about how the rest of it runs: its settings and its variables."""

from __future__ import annotations

import os
import re
import time
from collections import ChainMap
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from uuid import NAMESPACE_URL, uuid5

from mvengine.slt.check import NEVER_EXPECTED
from mvengine.slt.compare import Comparison
from mvengine.slt.substitution import substitute, substitute_special

_LITERAL = re.compile(r"\$([A-Za-z]\w*)")
_REPLACED = re.compile(r"\$\{([^{}]*)\}|\{(\w+)\}|__(?:TEST_DIR|WORKING_DIRECTORY|BUILD_DIRECTORY)__")


@dataclass(kw_only=True)
class State:
    """The settings of one script; each iteration of a concurrent loop has its own copy."""

    labels: frozenset[str]
    comparison: Comparison
    directory: str  # what ``__TEST_DIR__`` stands for
    database: str  # what ``__DATABASE__`` stands for
    script: str
    ignored_errors: tuple[str, ...]
    never_expected: tuple[str, ...] = NEVER_EXPECTED
    is_substituting: bool = False
    subtest: str = ""
    skips: int = 0  # of ``mode skip``, without their ``mode unskip``
    ended: str | None = None  # why the rest is skipped
    is_halted: bool = False
    digests: dict[str, str] = field(default_factory=dict)  # of the answers of labelled queries
    variables: dict[str, str] = field(default_factory=dict)  # of ``let``
    literals: dict[str, str] = field(default_factory=dict)  # of CockroachDB's ``let``
    environment: dict[str, str] = field(default_factory=dict)  # of ``require-env`` and ``test-env``
    loops: dict[str, str] = field(default_factory=dict)  # the variables of the loops that run

    def copy(self) -> State:
        """For a thread: settings of its own, labels in common."""
        other = copy(self)
        other.loops = dict(self.loops)
        other.variables = dict(self.variables)
        return other

    def text(self, text: str) -> str:
        """A statement as it is sent. Errors: ``ProgrammingError``, for an unknown variable."""
        if self.comparison.flavor.replaces_always and ("$" in text or "__" in text or "{" in text):
            text = _REPLACED.sub(self._replaced, text)
        if self.literals and "$" in text:
            text = _LITERAL.sub(lambda found: self.literals.get(found[1], found[0]), text)
        return substitute(text, self.all_variables()) if self.is_substituting else text

    def command(self, command: str) -> str:
        """A shell command as it is run."""
        if self.comparison.flavor.replaces_always:
            command = _REPLACED.sub(self._replaced, command)
        return substitute_special(command, self.all_variables()) if self.is_substituting else command

    def all_variables(self) -> Mapping[str, str]:
        special = {
            "__TEST_DIR__": self.directory,
            "__DATABASE__": self.database,
            "__NOW__": str(time.time_ns()),
        }
        return ChainMap(special, self.variables, os.environ)

    def _replaced(self, found: re.Match[str]) -> str:
        """DuckDB's variables; what is none stays."""
        text = found[0]
        name = found[1] or found[2]
        if name is None:
            return {"__TEST_DIR__": self.directory}.get(text, os.getcwd())
        if found[1] is not None and name in self.loops:
            return self.loops[name]
        if name in self.environment:
            return self.environment[name]
        value = _SUITE_VARIABLES.get(name)
        return value(self) if value is not None else text


_SUITE_VARIABLES: dict[str, Callable[[State], str]] = {  # of DuckDB's test/README.md
    "TEST_DIR": lambda state: state.directory,
    "TEMP_DIR": lambda state: state.directory,
    "TEMP_BASE": lambda state: gettempdir(),
    "WORKING_DIR": lambda state: os.getcwd(),
    "WORKING_DIRECTORY": lambda state: os.getcwd(),
    "BUILD_DIR": lambda state: os.getcwd(),
    "DATA_DIR": lambda state: os.environ.get("DATA_DIR", f"{os.getcwd()}/data"),
    "TEST_NAME": lambda state: state.script,
    "TEST_NAME_NO_SLASH": lambda state: state.script.replace("/", "_"),
    "BASE_TEST_NAME": lambda state: Path(state.script).stem,
    "TEST_UUID": lambda state: str(uuid5(NAMESPACE_URL, state.directory)),
}
