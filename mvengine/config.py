"""Settings: those given in code win over the environment, that over ``mvengine.toml``, that over the defaults."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mvengine.errors import ProgrammingError, UnknownOption

ENVIRONMENT_PREFIX = "MVENGINE_"
FILE_NAME = "mvengine.toml"
SECONDS_MAX = 1e9  # thirty years; threads cannot wait much longer
_NOT_SETTINGS = frozenset({"MVENGINE_FAULT", "MVENGINE_HISTORY", "MVENGINE_INIT", "MVENGINE_PAGER"})  # the shell's


@dataclass(frozen=True, kw_only=True)
class Config:
    """How a database is opened. Sizes are written as DuckDB writes them (``4GB``)."""

    lock_timeout: float = 60.0  # seconds that a writer waits for another one
    threads: int | None = None  # of DuckDB; None: one per core
    memory_limit: str | None = None
    temp_directory: str | None = None
    staging_batch_bytes: int = 64 * 1024 * 1024  # files are staged in durable stages of about this many bytes
    max_concurrency: int = 4  # tasks of one refresh that run at a time
    max_attempts: int = 3  # of a task, the first one included
    retry_pause: float = 1.0  # seconds before the second attempt; doubles with each, at most 60
    recovery: str = "resume"  # of refreshes that a process left unfinished: resume, restart, reset
    checkpoint_age_max: float = 7 * 86_400.0  # seconds; what was staged longer ago is loaded again
    dialect: str = "duckdb"  # in which statements are read: duckdb, postgres, risingwave
    scheduler: bool = False  # refresh tables by themselves, every refresh_interval_sec


_BOOLEANS = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


def _boolean(value: object) -> bool:
    return value if isinstance(value, bool) else _BOOLEANS[str(value).lower()]


def _recovery(value: object) -> str:
    if str(value) not in ("resume", "restart", "reset"):
        raise ValueError(value)
    return str(value)


def _dialect(value: object) -> str:
    if str(value).lower() not in ("duckdb", "postgres", "risingwave"):
        raise ValueError(value)
    return str(value).lower()


def _positive(value: Any) -> int:
    if int(value) < 1:
        raise ValueError(value)
    return int(value)


def _seconds(value: Any) -> float:
    if not 0 <= float(value) <= SECONDS_MAX:
        raise ValueError(value)
    return float(value)


_TYPES: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "lock_timeout": (_seconds, "a number of seconds from 0 on"),
    "threads": (int, "a whole number"),
    "memory_limit": (str, "a size"),
    "temp_directory": (str, "a path"),
    "staging_batch_bytes": (_positive, "a whole number from 1 on"),
    "max_concurrency": (_positive, "a whole number from 1 on"),
    "max_attempts": (_positive, "a whole number from 1 on"),
    "retry_pause": (_seconds, "a number of seconds from 0 on"),
    "recovery": (_recovery, "resume, restart or reset"),
    "checkpoint_age_max": (_seconds, "a number of seconds from 0 on"),
    "dialect": (_dialect, "duckdb, postgres or risingwave"),
    "scheduler": (_boolean, "true or false"),
}


def load_config(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Config:
    """The settings in force. Errors: UnknownOption, naming the nearest known one; ProgrammingError for a bad value."""
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    path = Path(FILE_NAME)
    if path.is_file():
        values.update(_checked(tomllib.loads(path.read_text(encoding="utf-8")), str(path)))
    from_environment = {
        key[len(ENVIRONMENT_PREFIX) :].lower(): value
        for key, value in environment.items()
        if key.startswith(ENVIRONMENT_PREFIX) and key not in _NOT_SETTINGS
    }
    known = {key: value for key, value in from_environment.items() if key in _TYPES}
    values.update(_checked(known, "the environment"))
    values.update(_checked({key: value for key, value in given.items() if value is not None}, "connect()"))
    return Config(**values)


def _checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    names = [field.name for field in fields(Config)]
    checked = {}
    for name, value in values.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"known settings: {', '.join(names)}"
            raise UnknownOption(f"unknown setting {name} in {where}", hint=hint)
        try:
            checked[name] = _TYPES[name][0](value)
        except (KeyError, TypeError, ValueError):
            raise ProgrammingError(
                f"setting {name} in {where} must be {_TYPES[name][1]}, not {value!r}",
                hint="see the section on settings in the README",
            ) from None
    return checked
