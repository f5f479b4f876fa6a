"""Settings: those given in code win over the environment, that over ``mvengine.toml``, that over what ``ALTER DATABASE
SET`` has stored in the file, that over the defaults. ``SETTINGS`` is the table of them."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from mvengine.errors import ProgrammingError, UnknownOption

ENVIRONMENT_PREFIX = "MVENGINE_"
FILE_NAME = "mvengine.toml"
SECONDS_MAX = 1e9  # thirty years; threads cannot wait much longer
_NOT_SETTINGS = frozenset({"MVENGINE_FAULT", "MVENGINE_HISTORY", "MVENGINE_INIT", "MVENGINE_PAGER"})  # the shell's
DIALECTS = ("duckdb", "postgres", "risingwave")


@dataclass(frozen=True, kw_only=True)
class Config:
    """How a database is opened; ``SETTINGS`` has what each means. Sizes are written as DuckDB writes them (``4GB``)."""

    lock_timeout: float = 60.0
    threads: int | None = None
    memory_limit: str | None = None
    temp_directory: str | None = None
    staging_batch_bytes: int = 64 * 1024 * 1024
    max_concurrency: int = 4
    max_attempts: int = 3
    retry_pause: float = 1.0
    recovery: str = "resume"
    checkpoint_age_max: float = 7 * 86_400.0
    scheduler: bool = False
    background_ddl: bool = False
    dialect: str = "duckdb"
    explicit: frozenset[str] = frozenset()  # the settings that code, environment or file have given


class Scope(StrEnum):
    """Whose a setting is."""

    SESSION = "session"  # each connection has its own
    DATABASE = "database"  # all connections of the process to the database have one
    OPENING = "opening"  # it counts when the database is opened
    DUCKDB = "duckdb"  # DuckDB's own, which mvengine can be given, too


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting: how its values are read, and what it means."""

    name: str
    read: Callable[[Any], Any]  # raises KeyError, TypeError or ValueError
    form: str  # what a value has to be
    scope: Scope
    meaning: str

    def value_of(self, value: object, where: str = "") -> Any:
        """The value as it is kept. Errors: ProgrammingError (22023), naming the setting and ``where`` it stands."""
        try:
            return self.read(value)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ProgrammingError(
                f"setting {self.name}{where} must be {self.form}, not {value!r}",
                hint="SHOW PARAMETERS says what it means",
                code="22023",
            ) from None


_BOOLEANS = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


def _boolean(value: object) -> bool:
    return value if isinstance(value, bool) else _BOOLEANS[str(value).lower()]


def _one_of(*words: str) -> Callable[[object], str]:
    return lambda value: {word: word for word in words}[str(value).lower()]


def _positive(value: Any) -> int:
    if int(value) < 1:
        raise ValueError(value)
    return int(value)


def _seconds(value: Any) -> float:
    if not 0 <= float(value) <= SECONDS_MAX:
        raise ValueError(value)
    return float(value)


def _table(*settings: tuple[str, Callable[[Any], Any], str, Scope, str]) -> dict[str, Setting]:
    return {
        name: Setting(name=name, read=read, form=form, scope=scope, meaning=meaning)
        for name, read, form, scope, meaning in settings
    }


_SECONDS = "a number of seconds from 0 on"
_COUNT = "a whole number from 1 on"
SETTINGS: Mapping[str, Setting] = _table(
    ("lock_timeout", _seconds, _SECONDS, Scope.SESSION, "seconds that a writer waits for another one"),
    ("threads", int, "a whole number", Scope.DUCKDB, "threads of DuckDB; one per core"),
    ("memory_limit", str, "a size", Scope.DUCKDB, "of DuckDB, such as `4GB`"),
    ("temp_directory", str, "a path", Scope.DUCKDB, "where DuckDB puts what does not fit"),
    (
        *("staging_batch_bytes", _positive, _COUNT, Scope.DATABASE),
        "a refresh stages files in durable steps of about this size; a crash loses at most one",
    ),
    ("max_concurrency", _positive, _COUNT, Scope.DATABASE, "tasks of one refresh that run at a time"),
    (
        *("max_attempts", _positive, _COUNT, Scope.DATABASE),
        "of a task of a refresh, the first one included; per table and view: `ALTER … SET (max_attempts = 5)`",
    ),
    (
        *("retry_pause", _seconds, _SECONDS, Scope.DATABASE),
        "seconds before the second attempt; it doubles with each, up to 60",
    ),
    (
        *("recovery", _one_of("resume", "restart", "reset"), "resume, restart or reset", Scope.OPENING),
        "of refreshes that a process left unfinished: `resume`, `restart` or `reset`; per table: `ALTER TABLE`",
    ),
    ("checkpoint_age_max", _seconds, _SECONDS, Scope.DATABASE, "seconds; what was staged longer ago is loaded again"),
    (
        *("scheduler", _boolean, "true or false", Scope.OPENING),
        "refresh tables by themselves, each by its `refresh_interval_sec`; the shell: `mvengine --scheduler`",
    ),
    ("background_ddl", _boolean, "true or false", Scope.SESSION, "`CREATE` of ours works in the background, as a job"),
    (
        *("dialect", _one_of(*DIALECTS), f"{', '.join(DIALECTS[:-1])} or {DIALECTS[-1]}", Scope.SESSION),
        "whose SQL statements are written in: `duckdb`, `postgres` or `risingwave`",
    ),
)


def load_config(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Config:
    """The settings in force but for stored ones. Errors: UnknownOption, naming the nearest known setting;
    ProgrammingError for a bad value, or a file that cannot be read."""
    environment = os.environ if environment is None else environment
    from_environment = {
        key[len(ENVIRONMENT_PREFIX) :].lower(): value
        for key, value in environment.items()
        if key.startswith(ENVIRONMENT_PREFIX) and key not in _NOT_SETTINGS
    }
    values = {
        **_checked(_file(Path(FILE_NAME)), FILE_NAME),
        **_checked(from_environment, "the environment", ENVIRONMENT_PREFIX),
        **_checked({key: value for key, value in given.items() if value is not None}, "connect()"),
    }
    return Config(**values, explicit=frozenset(values))


def with_stored(config: Config, stored: Mapping[str, str]) -> Config:
    """The settings with those that the database has stored, where nothing else was given."""
    known = {name: value for name, value in stored.items() if name in SETTINGS and name not in config.explicit}
    return replace(config, **_checked(known, "ALTER DATABASE"))


def unknown_setting(name: str, where: str = "", prefix: str = "") -> UnknownOption:
    """The error for a name that is no setting, with the nearest one that is."""
    near = difflib.get_close_matches(name.lower(), SETTINGS, 1)
    shown = [f"{prefix}{word.upper()}" if prefix else word for word in (name, *near)]
    hint = f"did you mean {shown[1]}?" if near else f"known settings: {', '.join(SETTINGS)}"
    return UnknownOption(f"unknown setting {shown[0]}{where}", hint=hint)


def _file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # bad TOML and bad UTF-8 are ValueErrors
        raise ProgrammingError(
            f"{path.resolve()} cannot be read: {error}", hint="correct the file, or remove it", code="F0000"
        ) from error


def _checked(values: Mapping[str, Any], where: str, prefix: str = "") -> dict[str, Any]:
    for name in values:
        if name not in SETTINGS:
            raise unknown_setting(name, f" in {where}", prefix)
    return {name: SETTINGS[name].value_of(value, f" in {where}") for name, value in values.items()}
