"""Refreshable tables, R01 to R06: declared, loaded, kept equal to their files at a cost that follows what changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from behaviour_world import Files, check_views, declare, epoch, one, refreshed, rows

import mvengine
from mvengine.testing.faults import inject

# -- R01: declaration --------------------------------------------------------------------------------------------------


def test_r01_creation_loads_nothing_and_the_catalog_names_staging_and_source(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("CREATE TABLE plain (id INTEGER)")
    assert rows(con, "t") == []
    con.execute("SELECT refreshable, staging_table, source FROM mv_catalog.tables ORDER BY name")
    (plain, (refreshable, staging, source)) = con.fetchall()
    assert plain == (False, None, None)
    assert refreshable
    assert "staging" in staging
    assert str(files.folder) in source
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10)]


# -- R02: equal to the files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [True, False], ids=["keyed", "bag"])
def test_r02_the_table_equals_its_files_whatever_happens_to_them(
    con: mvengine.Connection, files: Files, key: bool
) -> None:
    declare(con, "t", files, key=key)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT x, count(*) AS n FROM t GROUP BY x")

    def refresh() -> list[tuple[object, ...]]:
        con.execute("REFRESH TABLE t")
        check_views(con)
        return rows(con, "t")

    assert refresh() == []
    files.write(a="1,10 2,20", b="3,30")
    assert refresh() == [(1, 10), (2, 20), (3, 30)]
    files.write(a="1,11 4,400")
    assert refresh() == [(1, 11), (3, 30), (4, 400)]
    files.path("a.csv").rename(files.path("z.csv"))
    assert refresh() == [(1, 11), (3, 30), (4, 400)]
    files.remove("b")
    files.write(c="5,50")
    assert refresh() == [(1, 11), (4, 400), (5, 50)]
    files.remove("z", "c")
    assert refresh() == []
    files.write(d="1,1")
    assert refresh() == [(1, 1)]


def test_r02_of_rows_with_one_key_the_last_in_path_and_row_order_wins(con: mvengine.Connection, files: Files) -> None:
    files.write(b="1,200 1,201", a="1,100 2,2", c="3,3")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 201), (2, 2), (3, 3)]
    files.write(c="3,3 1,300")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 300), (2, 2), (3, 3)]


def test_r02_a_row_that_lost_its_key_comes_back_without_its_file_being_read(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,100", b="1,200", c="1,300")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    for gone, back in (("c", 200), ("b", 100)):
        files.remove(gone)
        found = refreshed(con, "REFRESH TABLE t")
        assert rows(con, "t") == [(1, back)]
        assert found["files_read"] == 0


def test_r02_on_conflict_do_nothing_keeps_the_stored_row_while_any_file_has_its_key(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(b="1,200")
    declare(con, "t", files, more="ON CONFLICT DO NOTHING")
    con.execute("REFRESH TABLE t")
    files.write(a="1,100", c="1,300 2,2")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 200), (2, 2)]
    files.remove("b")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 200), (2, 2)]  # its own file is gone, others have the key still
    files.remove("a", "c")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == []


def test_r02_a_table_without_a_key_is_a_bag(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10 1,10", b="1,10")
    declare(con, "t", files, key=False)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t")
    for expected in (3, 2):
        con.execute("REFRESH TABLE t")
        assert rows(con, "v") == [(expected,)]
        files.path("b.csv").unlink(missing_ok=True)


# -- R03: unchanged costs nothing --------------------------------------------------------------------------------------


def meta_rows(con: mvengine.Connection) -> dict[str, object]:
    """What a refresh may write, but for the time at which the source was looked at."""
    tables = ("epochs", "maintenance_history", "source_files", "state_history", "fragments")
    found: dict[str, object] = {name: rows(con, f"mv_catalog.{name}") for name in tables}
    found["refresh_jobs"] = rows(con, "SELECT * EXCLUDE (last_checked_time) FROM mv_catalog.refresh_jobs")
    return found


def test_r03_nothing_changed_reads_no_file_and_writes_only_when_it_looked(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10", b="2,20")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    before, checked = meta_rows(con), one(con, "SELECT last_checked_time FROM mv_catalog.refresh_jobs")
    found = refreshed(con, "REFRESH TABLE t")
    changes = ("files_read", "rows_inserted", "rows_updated", "rows_deleted")
    assert {name: found[name] for name in changes} == dict.fromkeys(changes, 0)
    assert found["files_skipped"] == 2
    assert found["epoch"] == epoch(con)
    assert meta_rows(con) == before
    assert one(con, "SELECT last_checked_time FROM mv_catalog.refresh_jobs") > checked  # type: ignore[operator]


def test_r03_only_changed_files_are_read_and_full_heals_what_size_and_time_hide(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10", b="2,20", c="3,30")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    hidden = files.path("a.csv").stat()
    files.write(a="1,99")
    os.utime(files.path("a.csv"), ns=(hidden.st_atime_ns, hidden.st_mtime_ns))
    files.write(b="2,2000")
    found = refreshed(con, "REFRESH TABLE t")
    assert (found["files_read"], found["files_skipped"], found["rows_updated"]) == (1, 2, 1)
    assert rows(con, "t") == [(1, 10), (2, 2000), (3, 30)]
    found = refreshed(con, "REFRESH TABLE t FULL")
    assert (found["files_read"], found["files_skipped"], found["rows_updated"]) == (3, 0, 1)
    assert rows(con, "t") == [(1, 99), (2, 2000), (3, 30)]


# -- R04: differences only ---------------------------------------------------------------------------------------------


def test_r04_a_file_written_again_with_the_same_rows_reaches_no_view(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10 2,20")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT x, count(*) AS n FROM t GROUP BY x")
    con.execute("REFRESH TABLE t")
    before = epoch(con), rows(con, "SELECT epoch FROM mv_catalog.maintenance_history WHERE name = 'v'")
    files.write(a="2,20 1,10")
    os.utime(files.path("a.csv"), ns=(1, 1))
    found = refreshed(con, "REFRESH TABLE t")
    assert (found["files_read"], found["rows_inserted"], found["rows_updated"], found["rows_deleted"]) == (1, 0, 0, 0)
    assert (epoch(con), rows(con, "SELECT epoch FROM mv_catalog.maintenance_history WHERE name = 'v'")) == before


def test_r04_dml_on_a_refreshable_table_is_undone_by_its_next_refresh(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10 2,20", b="3,30")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    con.execute("REFRESH TABLE t")
    con.execute("INSERT INTO t VALUES (9, 900)")
    con.execute("UPDATE t SET x = 11 WHERE id = 1")
    con.execute("DELETE FROM t WHERE id = 3")
    assert rows(con, "v") == [(931,)]
    assert one(con, "SELECT is_dirty FROM mv_catalog.refresh_jobs") is True
    assert refreshed(con, "REFRESH TABLE t")["files_read"] == 2
    assert rows(con, "t") == [(1, 10), (2, 20), (3, 30)]
    assert rows(con, "v") == [(60,)]
    assert one(con, "SELECT is_dirty FROM mv_catalog.refresh_jobs") is False


# -- R05: one consistent state -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point", ["refresh.after_trigger", "refresh.after_split", "refresh.after_staged", "refresh.after_merge",
              "maintain.view", "publish.before_commit"],
)  # fmt: skip
def test_r05_a_reader_during_a_refresh_sees_all_of_the_old_epoch(
    con: mvengine.Connection, files: Files, point: str
) -> None:
    files.write(a="1,10 2,20")
    for table, key in (("t", True), ("u", False)):
        declare(con, table, files, key=key)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT t.id, u.x FROM t JOIN u USING (id)")
    con.execute("CREATE MATERIALIZED VIEW w AS SELECT count(*) AS n FROM v")
    con.execute("REFRESH ALL")
    reader = con.cursor()
    everything = ("t", "u", "v", "w")
    before, seen = {name: rows(con, name) for name in everything}, []
    files.write(a="1,11", b="3,30")
    with inject(point, lambda: seen.append({name: rows(reader, name) for name in everything})):
        con.execute("REFRESH TABLE t, u")
    assert seen
    assert all(state == before for state in seen)
    assert {name: rows(reader, name) for name in everything} == {
        "t": [(1, 11), (3, 30)],
        "u": [(1, 11), (3, 30)],
        "v": [(1, 11), (3, 30)],
        "w": [(2,)],
    }
    reader.close()


def test_r05_a_transaction_that_reads_stays_at_its_epoch_across_a_refresh(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    con.execute("REFRESH TABLE t")
    with con.cursor() as reader:
        reader.execute("BEGIN")
        assert rows(reader, "v") == [(10,)]
        files.write(a="1,10", b="2,20")
        con.execute("REFRESH TABLE t")
        assert (rows(reader, "t"), rows(reader, "v")) == ([(1, 10)], [(10,)])
        reader.execute("COMMIT")
        assert rows(reader, "v") == [(30,)]


def test_r05_delete_refresh_add_refresh_with_distinct_downstream_is_exact(
    con: mvengine.Connection, files: Files
) -> None:
    declare(con, "t", files, key=False)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT DISTINCT x FROM t")
    for texts, expected in (
        ({"a": "1,10 2,10", "b": "3,10"}, [(10,)]),
        ({"a": "1,10"}, [(10,)]),
        ({"a": "", "b": ""}, []),
        ({"b": "3,10 3,10"}, [(10,)]),
        ({"b": "3,10"}, [(10,)]),
        ({"b": "3,11"}, [(11,)]),
    ):
        files.write(**texts)
        con.execute("REFRESH TABLE t")
        assert rows(con, "v") == expected


# -- R06: the staging table travels ------------------------------------------------------------------------------------


def test_r06_the_staging_table_is_in_catalog_explain_and_fragment_also_after_a_restart(
    tmp_path: Path, files: Files
) -> None:
    files.write(a="1,10")
    database = str(tmp_path / "staging.db")
    with mvengine.connect(database) as con:
        declare(con, "t", files)
    with mvengine.connect(database) as con:
        staging = one(con, "SELECT staging_table FROM mv_catalog.tables WHERE name = 't'")
        fragment = json.loads(str(one(con, "SELECT fragment FROM mv_catalog.fragments WHERE name = 't'")))
        assert json.dumps(staging) in json.dumps(fragment)
        statement = f"CREATE TABLE t2 (id INT, x INT) REFRESHABLE FROM '{files.folder}' FORMAT PLAIN ENCODE CSV"
        for stage in ("LOGICAL", "OPTIMIZED", "FRAGMENT"):
            con.execute(f"EXPLAIN ({stage}) {statement}")
            assert "t2$staging" in "\n".join(line for (line,) in con.fetchall()), stage
        con.execute("REFRESH TABLE t")
        assert rows(con, "t") == [(1, 10)]
        assert one(con, f"SELECT count(*) FROM {staging}") == 0
