"""What mvengine keeps for itself cannot be written to by statements: it would no longer follow from anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mvengine


@pytest.fixture
def connection() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (n INTEGER); CREATE MATERIALIZED VIEW v AS SELECT sum(n) AS total FROM t")
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO mv_state.v VALUES (1, 2, 3)",
        "INSERT INTO memory.mv_state.v VALUES (1, 2, 3)",
        'DELETE FROM MV_STATE."v"',
        "UPDATE mv_meta.epochs SET epoch = epoch + 100",
        "TRUNCATE mv_meta.jobs",
        "MERGE INTO mv_state.v USING t ON false WHEN NOT MATCHED THEN INSERT VALUES (1, 2, 3)",
        "DROP TABLE mv_state.v",
        "ALTER TABLE mv_meta.epochs ADD COLUMN x INTEGER",
        "CREATE TABLE mv_state.mine (n INTEGER)",
        "USE mv_state",
        "USE memory.mv_meta",
        "SET schema = 'mv_state'",
        "SET search_path = 'main,mv_state'",
    ],
)
def test_mvengines_own_schemas_are_written_by_nobody_else(connection: mvengine.Connection, statement: str) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="mvengine's own"):
        connection.execute(statement)
    connection.execute("INSERT INTO t VALUES (1)")
    assert connection.execute("FROM v").fetchall() == [(1,)]


def test_mvengines_own_schemas_can_be_read(connection: mvengine.Connection) -> None:
    assert connection.execute("SELECT count(*) FROM mv_state.v").fetchall() == [(1,)]
    assert connection.execute("SELECT max(epoch) FROM mv_meta.epochs").fetchall() == [(None,)]
