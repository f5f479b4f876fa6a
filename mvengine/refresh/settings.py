"""Session settings that a query's meaning depends on: a view keeps those of its CREATE, whoever refreshes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvengine.engines.base import Engine
from mvengine.planner.logical import Setting
from mvengine.schema import literal

KEPT = ("TimeZone", "Calendar", "search_path", "default_null_order", "default_order", "integer_division",
        "default_collation", "ieee_floating_point_ops", "old_implicit_casting")  # fmt: skip


def current_settings(engine: Engine) -> tuple[Setting, ...]:
    """The kept settings as they are now, those that this engine knows."""
    names = ", ".join(literal(name) for name in KEPT)
    rows = engine.query(f"SELECT name, value FROM duckdb_settings() WHERE name IN ({names}) ORDER BY name")
    return tuple(Setting(name=name, value=value or "") for name, value in rows)


@contextmanager
def settings_of(engine: Engine, wanted: tuple[Setting, ...]) -> Iterator[None]:
    """Runs a block under a view's settings. Nothing is read or set for a session that never changed one."""
    if not getattr(engine, "has_custom_settings", False):
        yield
        return
    present = {setting.name: setting.value for setting in current_settings(engine)}
    changed = [setting for setting in wanted if present.get(setting.name) != setting.value]
    try:
        for setting in changed:
            engine.query(f"SET {setting.name} = {literal(setting.value)}")
        yield
    finally:
        for setting in changed:
            engine.query(f"SET {setting.name} = {literal(present[setting.name])}")
