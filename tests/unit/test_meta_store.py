"""What the engine remembers: relations, jobs, files, epochs, and the views that people read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest

from mvengine.errors import InternalError, UnknownRelation
from mvengine.meta.migrate import open_format
from mvengine.meta.records import (
    Maintenance,
    MaintenanceMode,
    RejectedRowRecord,
    Relation,
    RelationKind,
    SourceFileRow,
    StagedFileRow,
    StoredFragment,
    StoredRelation,
    fragment_digest,
)
from mvengine.meta.states import JobEvent, RefreshEvent
from mvengine.meta.store import Store
from mvengine.schema import Name

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDERS = Relation(
    relation_id=1,
    name=Name(schema="main", name="Orders"),
    kind=RelationKind.TABLE,
    is_refreshable=True,
    definition="CREATE TABLE Orders REFRESHABLE FROM '/data/orders'",
    storage_table="main.Orders",
    staging_table="mv_staging.orders",
    shadow_table="mv_shadow.orders",
    source="/data/orders",
    strategy=None,
    reason=None,
    policy=None,
)
DAILY = Relation(
    relation_id=2,
    name=Name(schema="reports", name="daily"),
    kind=RelationKind.MATERIALIZED_VIEW,
    is_refreshable=False,
    definition="SELECT day, count(*) FROM orders GROUP BY day",
    storage_table="reports.daily",
    staging_table=None,
    shadow_table=None,
    source=None,
    strategy="algebraic",
    reason="count is a sum of weights",
    policy="auto",
)
SOURCE_FILE = SourceFileRow(
    file_id=1, path="/data/a.csv", size=10, mtime_ns=1_700_000_000_123_456_789, etag=None, rows=3, rejected=1, epoch=1
)
STAGED_FILE = StagedFileRow(
    file_id=2, path="/data/b.csv", size=20, mtime_ns=5, etag='"x"', rows=4, rejected=0, staged_at=NOON, part=1, parts=1
)
REJECTED = RejectedRowRecord(path="/data/a.csv", line=7, reason="not a number", text="x,y")


def add_source_files(store: Store, relation_id: int, files: list[SourceFileRow]) -> None:
    """Loads files of one epoch."""
    staged = [
        StagedFileRow(
            file_id=it.file_id,
            path=it.path,
            size=it.size,
            mtime_ns=it.mtime_ns,
            etag=it.etag,
            rows=it.rows,
            rejected=it.rejected,
            staged_at=NOON,
            part=1,
            parts=1,
        )
        for it in files
    ]
    store.add_staged_files(relation_id, staged)
    store.publish_files([relation_id], {}, files[0].epoch)


def fragment(text: str) -> StoredFragment:
    return StoredFragment(format=1, digest=fragment_digest(text), text=text)


@pytest.fixture
def cursor() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    open_format(connection, "0.1.0", lambda: NOON)
    return connection


@pytest.fixture
def store(cursor: duckdb.DuckDBPyConnection) -> Store:
    return Store(cursor, lambda: NOON)


def fill(store: Store) -> tuple[StoredRelation, StoredRelation]:
    """A refreshable table and a view over it, with a trace in every table of meta."""
    orders = store.add_relation(ORDERS, fragment=fragment('{"scan": 1}'), dependencies=(), epoch=0)
    daily = store.add_relation(DAILY, fragment=fragment("{}"), dependencies=[ORDERS.name], epoch=1)
    job = store.create_job(1, ORDERS.name, ORDERS.kind, is_background=False)
    store.move_job(job.job_id, JobEvent.START, "CREATE TABLE")
    store.add_refresh(1, ORDERS.name, interval_sec=60)
    store.move_refresh(1, RefreshEvent.TRIGGER, "REFRESH TABLE")
    add_source_files(store, 1, [SOURCE_FILE])
    store.add_staged_files(1, [STAGED_FILE])
    store.add_rejected_rows(1, [REJECTED], epoch=1)
    store.append_epoch(1, "REFRESH TABLE orders")
    store.append_maintenance([maintained(ORDERS, 1), maintained(DAILY, 1)])
    return orders, daily


def maintained(relation: Relation, epoch: int) -> Maintenance:
    return Maintenance(
        relation_id=relation.relation_id,
        name=relation.name,
        epoch=epoch,
        strategy="algebraic",
        mode=MaintenanceMode.INCREMENTAL,
        reason="the delta is small",
        delta_rows=4,
        output_rows=2,
        ms=1.5,
    )


def test_relations_come_back_as_they_were_stored_in_the_order_of_their_ids(store: Store) -> None:
    names = [Name(schema=schema, name=name) for schema, name in (("s", "b"), ("main", "z"), ("main", "c"))]
    daily = store.add_relation(DAILY, fragment=fragment("{}"), dependencies=names, epoch=3)
    orders = store.add_relation(ORDERS, fragment=None, dependencies=(), epoch=0)
    assert store.load_relations() == (orders, daily)
    assert [str(name) for name in daily.dependencies] == ["c", "z", "s.b"]
    assert daily.epoch == 3
    assert daily.created_at == NOON


def test_no_relation_id_is_handed_out_twice_even_after_a_drop(store: Store) -> None:
    first = store.next_relation_id()
    store.add_relation(replace(ORDERS, relation_id=first), fragment=None, dependencies=(), epoch=0)
    store.drop_relation(first, "DROP TABLE")
    assert store.next_relation_id() > first


def test_a_fragment_that_is_not_what_was_stored_is_refused_naming_the_relation(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    fill(store)
    cursor.execute("UPDATE mv_meta.fragments SET fragment = fragment || ' ' WHERE relation_id = 2")
    with pytest.raises(InternalError, match=r"the stored fragment of reports\.daily is damaged"):
        store.load_relations()


def test_a_fragment_whose_digest_is_not_its_texts_is_not_stored(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(InternalError, match="the fragment of Orders"):
        store.add_relation(ORDERS, fragment=replace(fragment("{}"), text="[]"), dependencies=(), epoch=0)
    assert store.load_relations() == ()


def test_a_dropped_relation_leaves_no_trace_but_history(store: Store, cursor: duckdb.DuckDBPyConnection) -> None:
    _, daily = fill(store)
    store.set_setting(1, "max_attempts", "5")
    store.drop_relation(1, "DROP TABLE orders")
    tables = cursor.execute(
        "SELECT DISTINCT table_name FROM duckdb_columns() WHERE schema_name = 'mv_meta' AND column_name = 'relation_id'"
    ).fetchall()
    counts = {
        table: cursor.execute(f"SELECT count(*) FROM mv_meta.{table} WHERE relation_id = 1").fetchall()[0][0]
        for (table,) in tables
    }
    assert len(counts) == 19
    assert {table for table, count in counts.items() if count} == {"maintenance_history"}
    assert store.load_relations() == (daily,)
    last = cursor.execute("SELECT name, from_state, event, to_state, cause FROM mv_catalog.state_history ORDER BY seq")
    assert last.fetchall()[-1] == ("Orders", "CREATING", "DROP", None, "DROP TABLE orders")


def test_what_is_remembered_stands_or_falls_with_the_callers_transaction(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    cursor.execute("BEGIN")
    fill(store)
    cursor.execute("ROLLBACK")
    assert store.load_relations() == ()
    assert store.jobs() == ()
    assert store.latest_epoch() == 0


def test_a_relation_can_be_dropped_and_added_again_in_one_transaction(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    fill(store)
    cursor.execute("BEGIN")
    store.drop_relation(1, "replace")
    again = store.add_relation(ORDERS, fragment=None, dependencies=(), epoch=5)
    cursor.execute("COMMIT")
    assert store.load_relations()[0] == again


def test_an_epoch_marks_only_the_relations_that_changed(store: Store) -> None:
    fill(store)
    store.append_epoch(2, "INSERT")
    store.mark_epoch([2], 2)
    assert store.latest_epoch() == 2
    assert [stored.epoch for stored in store.load_relations()] == [0, 2]


def test_files_of_many_tables_are_read_at_once_ordered_by_path(store: Store) -> None:
    other = replace(SOURCE_FILE, file_id=2, path="/data/Z.csv")
    add_source_files(store, 1, [SOURCE_FILE, other])
    add_source_files(store, 2, [SOURCE_FILE])
    assert store.source_files([1, 2, 3]) == {1: (other, SOURCE_FILE), 2: (SOURCE_FILE,), 3: ()}


def test_many_files_are_recorded_by_one_statement_without_loss(store: Store) -> None:
    many = [
        replace(SOURCE_FILE, file_id=i, path=f"/data/{i:05}.csv", etag=str(i) if i % 2 else None) for i in range(999)
    ]
    add_source_files(store, 1, many)
    store.add_staged_files(1, [])
    assert store.source_files([1]) == {1: tuple(many)}


def test_staged_files_are_kept_until_cleared_with_the_rejected_rows_not_published(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    store.add_staged_files(1, [STAGED_FILE])
    store.add_staged_files(2, [STAGED_FILE])
    store.add_rejected_rows(1, [REJECTED], epoch=4)
    store.add_rejected_rows(1, [replace(REJECTED, line=None)], epoch=None)
    assert store.staged_files([1, 2]) == {1: (STAGED_FILE,), 2: (STAGED_FILE,)}
    store.clear_staged_files([1])
    assert store.staged_files([1, 2]) == {1: (), 2: (STAGED_FILE,)}
    assert cursor.execute("SELECT line, epoch FROM mv_meta.rejected_rows").fetchall() == [(7, 4)]


def test_publishing_files_makes_staged_parts_one_loaded_file_and_forgets_what_is_gone(store: Store) -> None:
    unchanged = replace(SOURCE_FILE, path="/data/kept.csv")
    add_source_files(store, 1, [SOURCE_FILE, unchanged, replace(SOURCE_FILE, path="/data/gone.csv")])
    add_source_files(store, 2, [replace(SOURCE_FILE, path="/data/gone.csv")])
    add_source_files(store, 3, [SOURCE_FILE])
    first = replace(STAGED_FILE, file_id=1, path=SOURCE_FILE.path, rows=4, rejected=2, part=1, parts=2)
    store.add_staged_files(1, [first, replace(first, rows=5, rejected=0, part=2)])
    store.add_staged_files(2, [STAGED_FILE])
    store.add_staged_files(3, [first])
    store.publish_files([1, 2], {1: ["/data/gone.csv"]}, 7)
    loaded = replace(SOURCE_FILE, size=20, mtime_ns=5, etag='"x"', rows=9, rejected=2, epoch=7)
    other = replace(loaded, file_id=2, path="/data/b.csv", rows=4, rejected=0)
    assert store.source_files([1, 2, 3]) == {
        1: (loaded, unchanged),
        2: (other, replace(SOURCE_FILE, path="/data/gone.csv")),
        3: (SOURCE_FILE,),
    }
    assert store.staged_files([1, 2, 3]) == {1: (), 2: (), 3: (first,)}


def test_publishing_files_replaces_their_rejected_rows_and_no_others(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    store.add_staged_files(1, [replace(STAGED_FILE, path=REJECTED.path)])
    store.add_rejected_rows(1, [replace(REJECTED, line=8), replace(REJECTED, line=9)], epoch=None)
    store.add_rejected_rows(1, [REJECTED, replace(REJECTED, path="/data/gone.csv")], epoch=4)
    store.add_rejected_rows(1, [replace(REJECTED, path="/data/kept.csv")], epoch=4)
    store.add_rejected_rows(2, [REJECTED], epoch=4)
    store.publish_files([1], {1: ["/data/gone.csv"]}, 5)
    found = cursor.execute("SELECT relation_id, path, line, epoch FROM mv_meta.rejected_rows ORDER BY ALL").fetchall()
    assert found == [
        (1, REJECTED.path, 8, 5),
        (1, REJECTED.path, 9, 5),
        (1, "/data/kept.csv", 7, 4),
        (2, REJECTED.path, 7, 4),
    ]


def test_files_of_more_tables_than_a_list_in_a_statement_should_have_are_published(store: Store) -> None:
    ids = list(range(1, 300))
    store.add_all_staged_files({id_: [STAGED_FILE] for id_ in ids})
    store.publish_files(ids, {}, 5)
    assert {len(files) for files in store.source_files(ids).values()} == {1}
    assert not any(store.staged_files(ids).values())


def test_times_are_stored_in_utc_whatever_the_clock_and_the_session_say(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("SET TimeZone = 'America/New_York'")
    store = Store(cursor, lambda: NOON.astimezone(timezone(timedelta(hours=9))))
    store.append_epoch(1, "test")
    assert cursor.execute("SELECT committed_at FROM mv_catalog.epochs").fetchall() == [(NOON.replace(tzinfo=None),)]
    assert store.add_relation(ORDERS, fragment=None, dependencies=(), epoch=0) == store.load_relations()[0]
    assert store.load_relations()[0].created_at == NOON


def test_the_progress_of_a_job_can_be_read_and_an_unknown_job_is_an_error(store: Store) -> None:
    job = store.create_job(1, ORDERS.name, ORDERS.kind, is_background=True)
    store.set_job_progress(job.job_id, "loading", 0.25)
    assert store.jobs() == (replace(job, phase="loading", progress=0.25),)
    with pytest.raises(UnknownRelation, match="there is no job 77"):
        store.move_job(77, JobEvent.START, "test")


VIEW_COLUMNS = {
    "tables": "schema_name name kind refreshable staging_table source",
    "materialized_views": "schema_name name definition strategy reason policy epoch",
    "jobs": "job_id schema_name name kind status phase progress created_at",
    "refresh_jobs": (
        "schema_name table_name state last_trigger_time last_success_time last_epoch interval_sec last_error is_dirty"
    ),
    "source_files": "schema_name table_name path size mtime etag rows epoch",
    "fragments": "schema_name name format digest fragment",
    "maintenance_history": "schema_name name epoch strategy reason delta_rows ms input_rows predicted_ms",
    "dependencies": "schema_name name depends_on_schema depends_on",
    "epochs": "epoch committed_at cause",
    "state_history": "schema_name name from_state event to_state cause attempt occurred_at",
    "rejected_rows": "schema_name table_name path line reason text epoch",
}


@pytest.mark.parametrize("view", VIEW_COLUMNS)
def test_each_catalog_view_has_its_columns_and_shows_what_is_there(
    store: Store, cursor: duckdb.DuckDBPyConnection, view: str
) -> None:
    fill(store)
    rows = cursor.execute(f"SELECT {', '.join(VIEW_COLUMNS[view].split())} FROM mv_catalog.{view}").fetchall()
    assert rows


def test_the_catalog_lists_plain_tables_and_none_of_the_engines_own(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    fill(store)
    cursor.execute("""
        CREATE SCHEMA reports; CREATE SCHEMA mv_staging;
        CREATE TABLE orders (a INT); CREATE TABLE reports.daily (a INT); CREATE TABLE mv_staging.orders (a INT);
        CREATE TABLE reports.plain (a INT); CREATE TEMP TABLE passing (a INT);
        ATTACH ':memory:' AS other; USE other; CREATE TABLE elsewhere (a INT)
    """)
    listed = cursor.execute("SELECT schema_name, name, kind, refreshable FROM memory.mv_catalog.tables ORDER BY name")
    assert listed.fetchall() == [
        ("main", "Orders", "table", True),
        ("reports", "daily", "materialized_view", False),
        ("reports", "plain", "table", False),
    ]


def test_modification_times_are_shown_as_timestamps(store: Store, cursor: duckdb.DuckDBPyConnection) -> None:
    fill(store)
    shown = cursor.execute("SELECT mtime, typeof(mtime) FROM mv_catalog.source_files").fetchall()
    assert shown == [(datetime(2023, 11, 14, 22, 13, 20, 123456), "TIMESTAMP")]


def test_the_latest_thousand_refreshes_are_kept_and_older_ones_that_are_not_over(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    cursor.execute(
        """INSERT INTO mv_meta.plans SELECT i, if(i % 50 = 0, 'PAUSED', 'COMPLETED'), 1, 'statement', [1], ['t'], false,
        false, NULL, NULL, TIMESTAMP '2026-01-01', NULL, NULL, false FROM range(1, 1200) AS r(i)"""
    )
    cursor.execute(
        """INSERT INTO mv_meta.failures
        SELECT plan_id, 1, 1, '22000', 'data', 'x', 't', NULL, NULL, NULL, false, created_at FROM mv_meta.plans"""
    )
    new = replace(store.plan(7), plan_id=1200)
    store.add_plan(new)
    kept = [plan_id for (plan_id,) in cursor.execute("SELECT plan_id FROM mv_meta.plans ORDER BY 1").fetchall()]
    assert kept == [50, 100, 150, 200, *range(201, 1201)]
    assert cursor.execute("SELECT DISTINCT plan_id FROM mv_meta.failures ORDER BY 1").fetchall() == [
        (plan_id,) for plan_id in kept[:-1]
    ]
