"""Settings of tables, views and the database: those that differ from the default. What they mean is not known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mvengine.meta.store.base import StoreBase
from mvengine.schema import Name


class SettingStore(StoreBase):
    def settings(self, relation_ids: Sequence[int]) -> dict[int, dict[str, str]]:
        """What was set, by relation id and name; for every one of these relations, also where it is nothing."""
        found: dict[int, dict[str, str]] = {relation_id: {} for relation_id in relation_ids}
        sql = "SELECT relation_id, name, value FROM mv_meta.settings WHERE list_contains($1::BIGINT[], relation_id)"
        for relation_id, name, value in self._rows(sql, [list(relation_ids)]):
            found[relation_id][name] = value
        return found

    def set_setting(self, relation_id: int, name: str, value: str) -> None:
        """Records a setting in place of what was set before."""
        self.reset_setting(relation_id, name)
        self._rows("INSERT INTO mv_meta.settings VALUES (?, ?, ?)", [relation_id, name, value])

    def reset_setting(self, relation_id: int, name: str) -> None:
        """Forgets a setting: the default counts again."""
        self._rows("DELETE FROM mv_meta.settings WHERE relation_id = ? AND name = ?", [relation_id, name])

    def set_interval(self, relation_id: int, seconds: int | None) -> None:
        """How often a table is refreshed by itself; None: never. It writes no other column: see ``move_refreshes``."""
        self._rows("UPDATE mv_meta.refresh_jobs SET interval_sec = $1 WHERE relation_id = $2", [seconds, relation_id])

    def add_settings(self, name: Name, settings: Mapping[str, str]) -> None:
        """Records the settings of a new relation, which has none yet."""
        for setting, value in settings.items():
            self._rows(
                """INSERT INTO mv_meta.settings
                SELECT relation_id, $1, $2 FROM mv_meta.relations WHERE schema_name = $3 AND name = $4""",
                [setting, value, name.schema, name.name],
            )

    def database_settings(self) -> dict[str, str]:
        """What is stored for all connections, by name."""
        return dict(self._rows("SELECT name, value FROM mv_meta.database_settings ORDER BY name", []))

    def store_database_setting(self, name: str | None, value: str | None) -> None:
        """Stores a setting in place of what was stored before; without a value forgets it, without a name all."""
        self._rows("DELETE FROM mv_meta.database_settings WHERE name = coalesce($1, name)", [name])
        if name is not None and value is not None:
            self._rows("INSERT INTO mv_meta.database_settings VALUES ($1, $2)", [name, value])
