"""Session settings that a query's meaning depends on: a view keeps those of its CREATE, whoever refreshes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.planner.logical import Setting
from mvengine.schema import literal

KEPT = ("TimeZone", "Calendar", "search_path", "default_null_order", "default_order", "integer_division",
        "default_collation", "ieee_floating_point_ops", "old_implicit_casting")  # fmt: skip


def current_settings(engine: DuckDbEngine) -> tuple[Setting, ...]:
    """The kept settings as they are now, those that this engine knows."""
    names = ", ".join(literal(name) for name in KEPT)
    rows = engine.query(f"SELECT name, value FROM duckdb_settings() WHERE name IN ({names}) ORDER BY name")
    return tuple(Setting(name=name, value=value or "") for name, value in rows)


@contextmanager
def settings_of(engine: DuckDbEngine, wanted: tuple[Setting, ...]) -> Iterator[None]:
    """Runs a block under a view's settings. Nothing is read or set in a session that has those of the view's CREATE."""
    if not engine.has_custom_settings and not engine.common.is_changed and _common(engine) == wanted:
        yield
        return
    present = {setting.name: setting.value for setting in current_settings(engine)}
    changed = [setting for setting in wanted if present.get(setting.name) != setting.value]
    restores = [f"SET {setting.name} = {literal(present[setting.name])}" for setting in changed]
    for setting in changed:
        engine.query(f"SET {setting.name} = {literal(setting.value)}")
    try:
        yield
    except BaseException:
        engine.restores.extend(restores)  # nothing can be set in a failed transaction: its rollback does
        raise
    for restore in restores:
        engine.query(restore)


def _common(engine: DuckDbEngine) -> tuple[Setting, ...]:
    """The settings that sessions start with, looked up once."""
    if engine.common.values is None:
        engine.common.values = tuple((setting.name, setting.value) for setting in current_settings(engine))
    return tuple(Setting(name=name, value=value) for name, value in engine.common.values)
