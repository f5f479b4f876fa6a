"""A table that is dropped while it is being refreshed, and another one that is created under its name: R08."""

from __future__ import annotations

from pathlib import Path

import pytest
from behaviour_world import Files, check_views, declare, rows
from plan_world import Hold, connect, refresh_in_background, staged_files, wait

from mvengine.testing.faults import inject


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("refresh.after_listing", 1),
        ("refresh.after_trigger", 1),
        ("stage.after_prepare", 1),
        ("refresh.after_split", 1),
        ("refresh.after_split", 2),
        ("refresh.after_split", 3),
        ("refresh.after_staged", 1),
    ],
)
@pytest.mark.parametrize("batch", [1, 2**20], ids=["apart", "together"])
def test_r08_a_table_of_the_same_name_gets_nothing_of_the_dropped_ones_refresh(
    tmp_path: Path, files: Files, point: str, nth: int, batch: int
) -> None:
    if batch > 1 and (nth > 1 or point == "stage.after_prepare"):
        pytest.skip("all is one stage")
    files.write(a="1,10", b="2,20", c="3,30")
    with connect(tmp_path / "world.db", max_concurrency=1, staging_batch_bytes=batch) as con:
        declare(con, "t", files, key=False)
        hold = Hold(nth)
        with inject(point, hold):
            number = refresh_in_background(con, "t")
            hold.wait()
            con.execute("DROP TABLE t")
            con.execute(
                f"CREATE TABLE t (id INTEGER, x INTEGER, y INTEGER DEFAULT 7) REFRESHABLE FROM '{files.folder}'"
            )
            con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, sum(x) AS x, sum(y) AS y FROM t")
            hold.release()
            assert wait(con, number) == "CANCELLED"
        staging = con._database.engine.query('SELECT count(*), count(y) FROM mv_state."t$staging"')
        assert (staging, staged_files(con)) == ([(0, 0)], 0)
        files.write(a="1,10,7", b="2,20,7", c="3,30,7")
        for name in "abc":
            text = files.path(f"{name}.csv").read_text().replace("id,x\n", "id,x,y\n")
            files.path(f"{name}.csv").write_text(text)
        con.execute("REFRESH TABLE t")
        assert rows(con, "t") == [(1, 10, 7), (2, 20, 7), (3, 30, 7)]
        check_views(con)
