"""The delta SQL that an expert would write for this view and these statements, in plain DuckDB: the yardstick.

It knows what mvengine must find out: which columns the view reads, that no key is NULL, that customer never changes,
what an updated row will look like before it is updated. Old images come from a scan by one narrow key; rows go and
change by their row ids; the change of the join is telescoped; one MERGE applies it.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from bench.orders_change import NO_CHECKPOINT, QUERY, Kinds, create_stage, stage

DELETE = """
CREATE OR REPLACE TEMP TABLE gone_lines AS
    SELECT rowid AS id, l_orderkey, l_extendedprice, l_discount FROM lineitem WHERE l_orderkey {deleted};
CREATE OR REPLACE TEMP TABLE gone_orders AS
    SELECT rowid AS id, o_orderkey, o_custkey, o_orderdate FROM orders WHERE o_orderkey {deleted};
DELETE FROM lineitem WHERE rowid IN (SELECT id FROM gone_lines);
DELETE FROM orders WHERE rowid IN (SELECT id FROM gone_orders);
INSERT INTO delta_lines SELECT l_orderkey, l_extendedprice, l_discount, -1 FROM gone_lines;
INSERT INTO delta_orders SELECT o_orderkey, o_custkey, o_orderdate, -1 FROM gone_orders;
"""

INSERT = """
INSERT INTO orders SELECT * FROM new_orders;
INSERT INTO lineitem SELECT * FROM new_lines;
INSERT INTO delta_lines SELECT l_orderkey, l_extendedprice, l_discount, 1 FROM new_lines;
INSERT INTO delta_orders SELECT o_orderkey, o_custkey, o_orderdate, 1 FROM new_orders;
"""

UPDATE = """
CREATE OR REPLACE TEMP TABLE old_lines AS
    SELECT rowid AS id, l_orderkey, l_extendedprice, l_discount FROM lineitem WHERE l_orderkey {updated};
CREATE OR REPLACE TEMP TABLE old_orders AS
    SELECT rowid AS id, o_orderkey, o_custkey, o_orderdate FROM orders WHERE o_orderkey {updated};
UPDATE lineitem SET l_discount = 0.1 - l_discount WHERE rowid IN (SELECT id FROM old_lines);
UPDATE orders SET o_orderdate = o_orderdate + 1 WHERE rowid IN (SELECT id FROM old_orders);
INSERT INTO delta_lines
    SELECT l_orderkey, l_extendedprice, l_discount, -1 FROM old_lines
    UNION ALL SELECT l_orderkey, l_extendedprice, 0.1 - l_discount, 1 FROM old_lines;
INSERT INTO delta_orders
    SELECT o_orderkey, o_custkey, o_orderdate, -1 FROM old_orders
    UNION ALL SELECT o_orderkey, o_custkey, o_orderdate + 1, 1 FROM old_orders;
"""

BEGIN = """
BEGIN;
CREATE OR REPLACE TEMP TABLE delta_lines AS
    SELECT l_orderkey, l_extendedprice, l_discount, 1 AS weight FROM lineitem LIMIT 0;
CREATE OR REPLACE TEMP TABLE delta_orders AS
    SELECT o_orderkey, o_custkey, o_orderdate, 1 AS weight FROM orders LIMIT 0;
"""

# Δ(O ⋈ L) = ΔO ⋈ L_old ⊎ O ⋈ ΔL, with L_old = L ⊎ −ΔL
COMMIT = """
CREATE OR REPLACE TEMP TABLE delta_daily AS
    SELECT c_mktsegment, o_orderdate, sum(weight * l_extendedprice * (1 - l_discount)) AS revenue, sum(weight) AS lines
    FROM (
        SELECT o_custkey, o_orderdate, l_extendedprice, l_discount, o.weight
        FROM delta_orders AS o JOIN lineitem ON l_orderkey = o_orderkey
        UNION ALL
        SELECT o_custkey, o_orderdate, l_extendedprice, l_discount, -o.weight * l.weight
        FROM delta_orders AS o JOIN delta_lines AS l ON l_orderkey = o_orderkey
        UNION ALL
        SELECT o_custkey, o_orderdate, l_extendedprice, l_discount, l.weight
        FROM orders JOIN delta_lines AS l ON l_orderkey = o_orderkey
    ) JOIN customer ON c_custkey = o_custkey
    GROUP BY c_mktsegment, o_orderdate;
MERGE INTO daily AS v USING delta_daily AS d
    ON v.c_mktsegment = d.c_mktsegment AND v.o_orderdate = d.o_orderdate
    WHEN MATCHED AND v.lines + d.lines = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET revenue = v.revenue + d.revenue, lines = v.lines + d.lines
    WHEN NOT MATCHED AND d.lines > 0 THEN INSERT VALUES (d.c_mktsegment, d.o_orderdate, d.revenue, d.lines);
COMMIT
"""


class HandWritten:
    """The script of a round, run statement by statement."""

    name = "hand-written"

    def __init__(self, database: Path, kinds: Kinds) -> None:
        self.connection = duckdb.connect(str(database))
        self.connection.execute(NO_CHECKPOINT)
        self.connection.execute(f"CREATE TABLE daily AS {QUERY}")
        create_stage(self.connection)
        self.kinds = kinds

    def prepare(self, number: int) -> None:
        change = stage(self.connection, self.kinds, number)
        parts = [BEGIN]
        parts += [DELETE.format(deleted=change.deleted)] * self.kinds.deletes
        parts += [INSERT] * self.kinds.inserts
        parts += [UPDATE.format(updated=change.updated)] * self.kinds.updates
        parts += [COMMIT]
        self.script = [text for text in "".join(parts).split(";") if text.strip()]

    def run(self) -> None:
        for statement in self.script:
            self.connection.execute(statement)

    def close(self) -> None:
        self.connection.close()
