"""SET, RESET, SHOW of mvengine's settings, and ALTER DATABASE SET, which stores one for later connections.

Settings of DuckDB go to DuckDB; what ALTER DATABASE has stored of them, each new session sets.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mvengine.config import SETTINGS, Config, Scope, Setting
from mvengine.errors import Error, NotSupportedError, StateError
from mvengine.schema import Column, literal, quote
from mvengine.session import answer, native
from mvengine.sql.setting_statements import AlterDatabase, ResetAll, SetSetting, ShowSetting, read_value
from mvengine.sql.statements import Native

if TYPE_CHECKING:
    from mvengine.refresh.database import Database
    from mvengine.session import Session

_SET = re.compile(r"\s*SET\s+(?:SESSION\s+|GLOBAL\s+)?(\w+)\s*(?:=|\s+TO\s)", re.I)
_PARAMETERS = (
    Column(name="name", type="VARCHAR"),
    Column(name="value", type="VARCHAR"),
    Column(name="default", type="VARCHAR"),
    Column(name="form", type="VARCHAR"),
    Column(name="scope", type="VARCHAR"),
    Column(name="meaning", type="VARCHAR"),
)
_ALL = (*_PARAMETERS[:2], Column(name="description", type="VARCHAR"))


class SessionSettings:
    """The settings of one session: what it was opened with, and what SET has changed."""

    def __init__(self, opened: Mapping[str, Any]) -> None:
        self._opened = dict(opened)
        self._set: dict[str, Any] = {}
        self.native: set[str] = set()  # settings of DuckDB that SET has changed

    def get(self, database: Database, name: str) -> Any:
        """The value in force."""
        return self._set.get(name, self.opened(database, name))

    def opened(self, database: Database, name: str) -> Any:
        """What RESET goes back to."""
        return self._opened.get(name, getattr(database.config, name))

    def set(self, name: str, value: Any) -> None:
        self._set[name] = value

    def reset(self, names: Iterable[str]) -> None:
        for name in names:
            self._set.pop(name, None)

    def note_native(self, text: str) -> None:
        """Remembers which setting of DuckDB a statement has changed."""
        if (found := _SET.match(text)) is not None:
            self.native.add(found[1].lower())


def run(session: Session, statement: SetSetting | ResetAll | ShowSetting | AlterDatabase) -> None:
    """Errors: ProgrammingError 22023 for a value, 55P02 for a setting that cannot be changed by SET."""
    match statement:
        case SetSetting():
            _set(session, statement)
            answer.done(session)
        case ResetAll():
            _reset_all(session)
            answer.done(session)
        case ShowSetting(name=None):
            _show_all(session)
        case ShowSetting(name=str(name)):
            value = _text(session.setting(name))
            answer.answer(session, (Column(name=name, type="VARCHAR"),), [(value,)])
        case AlterDatabase():
            _alter_database(session, statement)
            answer.done(session)


def parameters(session: Session, pattern: str | None) -> None:
    """SHOW PARAMETERS: mvengine's settings, their values here and now, and what they mean."""
    default = Config()
    rows = [
        (it.name, _text(_value(session, it)), _text(getattr(default, it.name)), it.form, str(it.scope), it.meaning)
        for it in SETTINGS.values()
    ]
    answer.filtered(session, _PARAMETERS, rows, pattern)


def apply_stored(session: Session) -> None:
    """Sets what is stored of DuckDB's settings. One that this DuckDB does not take is a warning: else nobody could open
    the database to reset it."""
    for name, value in session.database.stored_settings.items():
        if name in SETTINGS and (SETTINGS[name].scope is not Scope.DUCKDB or name in session.database.config.explicit):
            continue
        try:
            native.run(session, Native(kind="SET", text=_setting_text(name, value)), None, {})
        except Error as error:
            hint = f"ALTER DATABASE RESET {name}"
            warnings.warn(f"the stored setting {name} = {value} is left out: {error.message}; {hint}", stacklevel=2)


def _set(session: Session, statement: SetSetting) -> None:
    setting = SETTINGS[statement.name]
    if setting.scope is Scope.OPENING:
        raise StateError(
            f"{setting.name} counts when the database is opened",
            hint=f"connect({setting.name} = …), or ALTER DATABASE SET {setting.name} = …",
            code="55P02",
            position=statement.position,
        )
    of_session = setting.scope is Scope.SESSION
    if statement.scope and (statement.scope == "GLOBAL") is of_session:
        raise NotSupportedError(
            f"{setting.name} is a setting of {'each session' if of_session else 'the whole database'}",
            hint=f"SET {setting.name} = …, or for later connections ALTER DATABASE SET {setting.name} = …",
            position=statement.position,
        )
    value = read_value(statement)
    if not of_session:
        database = session.database
        held = getattr(database.opened_with, setting.name) if value is None else value
        database.config = replace(database.config, **{setting.name: held})
    elif value is None:
        session.settings.reset([setting.name])
    else:
        session.settings.set(setting.name, value)


def _reset_all(session: Session) -> None:
    session.settings.reset(SETTINGS)
    for name in sorted(session.settings.native):
        native.run(session, Native(kind="SET", text=f"RESET {quote(name)}"), None, {})
    session.settings.native.clear()
    apply_stored(session)


def _show_all(session: Session) -> None:
    ours = [
        (it.name, _text(_value(session, it)), it.meaning) for it in SETTINGS.values() if it.scope is not Scope.DUCKDB
    ]
    theirs = session.engine.query("SELECT name, value, description FROM duckdb_settings()")
    answer.answer(session, _ALL, sorted([*ours, *theirs], key=lambda row: row[0].lower()))


def _alter_database(session: Session, statement: AlterDatabase) -> None:
    """Stored at once, in a transaction of its own. DuckDB says whether it knows a setting and takes the value."""
    database, name = session.database, statement.name
    if statement.database is not None and statement.database.lower() != database.name.lower():
        raise NotSupportedError(
            f"ALTER DATABASE {statement.database}: settings are stored in {database.name}",
            hint="leave the name out",
            position=statement.position,
        )
    if session.transaction is not None:
        raise StateError("ALTER DATABASE inside BEGIN … COMMIT", hint="COMMIT or ROLLBACK first", code="25001")
    if statement.value is not None and name is not None:
        if name in SETTINGS and SETTINGS[name].scope is not Scope.DUCKDB:
            read_value(statement)
        else:
            _try_native(session, name, statement.value)
    transaction = session.own_transaction()
    transaction.lock("ALTER DATABASE")
    try:
        store = database.store(session.engine)
        store.store_database_setting(name, statement.value)
        database.stored_settings = store.database_settings()
    finally:
        database.lock.release(transaction)


def _try_native(session: Session, name: str, value: str) -> None:
    """Errors as DuckDB's SET. The value stays set where it is one of the whole process."""
    engine = session.database.engine.fork()
    try:
        engine.query(_setting_text(name, value))
    finally:
        engine.close()


def _setting_text(name: str, value: str) -> str:
    return f"SET {quote(name)} = {literal(value)}"


def _value(session: Session, setting: Setting) -> Any:
    if setting.scope is Scope.DUCKDB:
        return session.engine.query(f"SELECT current_setting({literal(setting.name)})")[0][0]
    return session.setting(setting.name)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
