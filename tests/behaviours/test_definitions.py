"""Changes of definitions, seen by others: snapshots, readers, deferred views, what is being refreshed or built."""

from __future__ import annotations

import pytest
from behaviour_world import Files, declare, one, rows

import mvengine
from mvengine.errors import NotSupportedError, SerializationFailure, StateError
from mvengine.testing.faults import inject


def world(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (g INTEGER, x INTEGER)")
    con.execute("INSERT INTO t VALUES (1, 10), (2, 20)")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT g, sum(x) AS s FROM t GROUP BY g")
    con.execute("CREATE MATERIALIZED VIEW w AS SELECT g, s + 1 AS s FROM v")


REPLACE = "CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT g, -sum(x) AS s FROM t GROUP BY g"


def test_a_reader_sees_the_old_views_until_the_new_ones_are_there(con: mvengine.Connection) -> None:
    world(con)
    seen = []
    with con.cursor() as reader:
        for point in ("redefine.after_build", "redefine.before_commit"):
            with inject(point, lambda: seen.append((rows(reader, "v"), rows(reader, "w")))):
                con.execute(REPLACE)
            con.execute("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT g, sum(x) AS s FROM t GROUP BY g")
    assert seen == [([(1, 10), (2, 20)], [(1, 11), (2, 21)])] * 2


def test_a_transaction_from_before_a_replacement_reads_on_and_cannot_write(con: mvengine.Connection) -> None:
    world(con)
    with con.cursor() as other:
        other.execute("BEGIN")
        assert rows(other, "v") == [(1, 10), (2, 20)]
        con.execute(REPLACE)
        assert rows(other, "w") == [(1, 11), (2, 21)]
        with pytest.raises(SerializationFailure):
            other.execute("INSERT INTO t VALUES (3, 1)")
        other.execute("ROLLBACK")
        other.execute("INSERT INTO t VALUES (3, 1)")
    assert rows(con, "w") == [(1, -9), (2, -19), (3, 0)]


def test_nothing_is_handed_on_where_the_rows_stay(con: mvengine.Connection) -> None:
    world(con)
    con.execute("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT g, sum(x) + 0 AS s FROM t GROUP BY g")
    newest = "SELECT name FROM mv_catalog.maintenance_history WHERE epoch = (SELECT max(epoch) FROM mv_catalog.epochs)"
    assert rows(con, newest) == [("v",)]


def test_a_deferred_view_follows_a_replacement_at_its_refresh(con: mvengine.Connection) -> None:
    world(con)
    con.execute("CREATE MATERIALIZED VIEW later WITH (maintain = 'deferred') AS SELECT sum(s) AS s FROM v")
    con.execute(REPLACE)
    assert rows(con, "later") == [(30,)]
    con.execute("REFRESH MATERIALIZED VIEW later")
    assert rows(con, "later") == [(-30,)]


def test_a_deferred_view_that_is_replaced_is_up_to_date_and_stays_deferred(con: mvengine.Connection) -> None:
    world(con)
    con.execute("CREATE MATERIALIZED VIEW later WITH (maintain = 'deferred') AS SELECT sum(s) AS s FROM v")
    con.execute("INSERT INTO t VALUES (3, 1)")
    con.execute("CREATE OR REPLACE MATERIALIZED VIEW later AS SELECT sum(x) AS s FROM t")
    assert rows(con, "later") == [(31,)]
    con.execute("INSERT INTO t VALUES (4, 1)")
    assert rows(con, "later") == [(31,)]
    con.execute("REFRESH ALL")
    assert rows(con, "later") == [(32,)]


def test_settings_given_with_a_replacement_count_and_others_stay(con: mvengine.Connection) -> None:
    world(con)
    con.execute("ALTER MATERIALIZED VIEW v SET (max_attempts = 4, on_error = 'suspend')")
    con.execute(REPLACE.replace(" AS SELECT", " WITH (policy = 'full', max_attempts = 6) AS SELECT", 1))
    assert rows(con, "SELECT name, value FROM mv_catalog.settings") == [("max_attempts", "6"), ("on_error", "suspend")]
    con.execute(REPLACE)
    assert one(con, "SELECT policy FROM mv_catalog.materialized_views WHERE name = 'v'") == "full"


def test_a_logged_relation_is_renamed_with_its_log(con: mvengine.Connection) -> None:
    world(con)
    con.execute("CREATE MATERIALIZED VIEW later WITH (maintain = 'deferred') AS SELECT sum(x) AS s FROM t")
    con.execute("INSERT INTO t VALUES (3, 1)")
    con.execute("ALTER TABLE t RENAME TO renamed")
    con.execute("INSERT INTO renamed VALUES (4, 1)")
    with pytest.raises(NotSupportedError, match="wait in a log for later"):
        con.execute("ALTER TABLE renamed RENAME COLUMN x TO y")
    con.execute("REFRESH MATERIALIZED VIEW later")
    assert rows(con, "later") == [(32,)]
    assert rows(con, "v") == [(1, 10), (2, 20), (3, 1), (4, 1)]


def test_what_is_being_refreshed_is_not_altered(con: mvengine.Connection, files: Files) -> None:
    declare(con, "f", files)
    files.write(a="1,10")
    refused = []

    def alter() -> None:
        with con.cursor() as other, pytest.raises(StateError, match="is being refreshed") as caught:
            other.execute("ALTER TABLE f ADD COLUMN y INTEGER")
        refused.append(caught.value)

    with inject("refresh.after_trigger", alter):
        con.execute("REFRESH TABLE f")
    assert len(refused) == 1
    con.execute("ALTER TABLE f ADD COLUMN y INTEGER")
    con.execute("REFRESH TABLE f")
    assert rows(con, "f") == [(1, 10, None)]


def test_what_a_build_reads_is_not_altered(con: mvengine.Connection) -> None:
    world(con)
    refused = []

    def alter() -> None:
        with con.cursor() as other:
            for statement in ("ALTER TABLE t RENAME TO u", "ALTER TABLE t ADD COLUMN y INTEGER"):
                with pytest.raises(StateError, match="is building more") as caught:
                    other.execute(statement)
                refused.append(caught.value)

    with inject("build.after_snapshot", alter):
        con.execute("CREATE MATERIALIZED VIEW more BACKGROUND AS SELECT sum(x) AS s FROM t")
        con.execute("WAIT")
    assert len(refused) == 2
    assert rows(con, "more") == [(30,)]
