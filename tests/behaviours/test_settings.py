"""Settings over the life of a database file: what is stored, who wins, and what connections of one process share."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import mvengine
from mvengine.errors import LockTimeout, StateError


def shown(con: mvengine.Connection, name: str) -> object:
    ((value,),) = con.execute(f"SHOW {name}").fetchall()
    return value


def test_what_alter_database_stored_counts_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with mvengine.connect(path) as con:
        for name, value in {"max_attempts": 9, "lock_timeout": 2, "TimeZone": "Asia/Tokyo", "threads": 1}.items():
            con.execute(f"ALTER DATABASE SET {name} = '{value}'")

    with mvengine.connect(path, max_attempts=4) as con:
        assert [shown(con, name) for name in ("max_attempts", "lock_timeout")] == ["4", "2.0"]
        assert con.execute("SELECT current_setting('TimeZone'), current_setting('threads')").fetchall() == [
            ("Asia/Tokyo", 1)
        ]
        con.execute("ALTER DATABASE RESET TimeZone")
    with mvengine.connect(path) as con:
        assert con.execute("SELECT current_setting('TimeZone')").fetchall() != [("Asia/Tokyo",)]


def test_a_stored_setting_that_duckdb_does_not_take_is_a_warning(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    mvengine.connect(path).close()
    with duckdb.connect(path) as raw:
        raw.execute("INSERT INTO mv_meta.database_settings VALUES ('of_another_version', '1')")
    with pytest.warns(UserWarning, match="of_another_version = 1 is left out.*ALTER DATABASE RESET"):
        mvengine.connect(path).close()


def test_a_second_connection_with_other_settings_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with mvengine.connect(path, max_attempts=2):
        with pytest.raises(StateError, match="open in this process with max_attempts = 2, and cannot be opened with 3"):
            mvengine.connect(path, max_attempts=3)
        mvengine.connect(path, max_attempts=2).close()
        mvengine.connect(path).close()


def test_each_connection_has_its_own_settings_of_a_session(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with mvengine.connect(path, lock_timeout=30) as first, mvengine.connect(path, lock_timeout=0) as second:
        first.execute("CREATE TABLE t (x INTEGER)").execute("BEGIN").execute("INSERT INTO t VALUES (1)")
        assert (shown(first, "lock_timeout"), shown(second, "lock_timeout")) == ("30.0", "0.0")
        assert shown(second.cursor(), "lock_timeout") == "0.0"
        first.execute("ROLLBACK").execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t")
        first.execute("BEGIN").execute("INSERT INTO t VALUES (1)")
        with pytest.raises(LockTimeout):
            second.execute("INSERT INTO t VALUES (2)")


def test_reset_goes_back_to_what_the_connection_was_opened_with() -> None:
    with mvengine.connect(lock_timeout=3, max_concurrency=2) as con:
        con.execute("SET lock_timeout = 4").execute("SET max_concurrency = 5").execute("RESET ALL")
        con.execute("RESET max_concurrency")
        assert (shown(con, "lock_timeout"), shown(con, "max_concurrency")) == ("3.0", "2")


def test_show_all_has_the_settings_of_both() -> None:
    with mvengine.connect() as con:
        rows = {name: value for name, value, _ in con.execute("SHOW ALL").fetchall()}
        assert rows["dialect"] == "duckdb"
        assert rows["TimeZone"]
        assert sorted(rows, key=str.lower) == list(rows)
