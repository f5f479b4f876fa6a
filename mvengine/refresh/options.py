"""Settings of tables, as they were set or by default, and those that tables and views have in common.

    ALTER TABLE t SET (refresh_interval_sec = 60, max_attempts = 5, recovery = 'restart')

What may be set, and to what, stands with the other options of CREATE TABLE in ``planner.options``. They are kept in
meta and not in the fragment: they say how a plan is carried out, not what it means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mvengine.config import Config
from mvengine.meta.store import Store
from mvengine.planner.options import TABLE_SETTINGS, bind_setting
from mvengine.refresh.graph import TableDefinition

INTERVAL = "refresh_interval_sec"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the tasks of one table or view are carried out."""

    max_attempts: int  # of a task, the first one included
    recovery: str  # resume, restart or reset: what start-up does to a refresh that was interrupted
    on_schema_change: str  # ignore, fail, add_columns or widen, where files have other columns than the table


def in_force(set_: Mapping[str, str], config: Config) -> Settings:
    """What was set for a relation; else what is set for the database."""
    attempts = set_.get("max_attempts")
    return Settings(
        max_attempts=config.max_attempts if attempts is None else int(attempts),
        recovery=set_.get("recovery", config.recovery),
        on_schema_change=set_.get("on_schema_change", "ignore"),
    )


def settings_in_force(store: Store, relation_ids: Sequence[int], config: Config) -> dict[int, Settings]:
    """The settings of these relations, by id."""
    return {relation_id: in_force(set_, config) for relation_id, set_ in store.settings(relation_ids).items()}


def change(store: Store, relation: TableDefinition, options: Sequence[tuple[str, str | None]]) -> None:
    """Sets options, or resets those whose value is None. Checks all before it writes one.

    Errors: UnknownOption with the nearest known name; ProgrammingError 22023 for a value that is not allowed.
    """
    for name, value in [(name, _checked(name, value)) for name, value in options]:
        if name == INTERVAL:
            store.set_interval(relation.relation_id, None if value is None else int(value))
        elif value is None:
            store.reset_setting(relation.relation_id, name)
        else:
            store.set_setting(relation.relation_id, name, value)


def _checked(name: str, value: str | None) -> str | None:
    if value is None and name in TABLE_SETTINGS:
        return None
    return bind_setting(name, value or "")
