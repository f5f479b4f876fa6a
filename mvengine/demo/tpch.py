"""The data and the questions of the demo: TPC-H's tables with their keys, and views like its queries."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from mvengine.errors import NotSupportedError, OperationalError

PARTS = 16  # files of each table; nation and region have one

KEYS = {
    "region": "r_regionkey",
    "nation": "n_nationkey",
    "supplier": "s_suppkey",
    "customer": "c_custkey",
    "part": "p_partkey",
    "partsupp": "ps_partkey, ps_suppkey",
    "orders": "o_orderkey",
    "lineitem": "l_orderkey, l_linenumber",
}

# No floating point: the comparison with plain DuckDB is exact. Views over views come after them.
VIEWS = {
    # Q1: filter, project, group by
    "pricing_summary": """
        SELECT l_returnflag, l_linestatus, sum(l_quantity) AS quantity, sum(l_extendedprice) AS base_price,
               sum(l_extendedprice * (1 - l_discount)) AS discounted_price, count(*) AS lines
        FROM lineitem
        WHERE l_shipdate <= DATE '1998-09-02'
        GROUP BY l_returnflag, l_linestatus""",
    # Q3: join of three
    "open_orders": """
        SELECT o_orderkey, o_orderdate, o_shippriority, sum(l_extendedprice * (1 - l_discount)) AS revenue
        FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
        WHERE c_mktsegment = 'BUILDING' AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
        GROUP BY o_orderkey, o_orderdate, o_shippriority""",
    # Q5: join of six
    "revenue_by_nation": """
        SELECT r_name AS region, n_name AS nation, sum(l_extendedprice * (1 - l_discount)) AS revenue,
               count(*) AS lines
        FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
             JOIN supplier ON s_suppkey = l_suppkey AND s_nationkey = c_nationkey
             JOIN nation ON n_nationkey = s_nationkey JOIN region ON r_regionkey = n_regionkey
        GROUP BY r_name, n_name""",
    # a view over a view
    "revenue_by_region": """
        SELECT region, sum(revenue) AS revenue, min(revenue) AS lowest, max(revenue) AS highest
        FROM revenue_by_nation
        GROUP BY region""",
    # min, max and HAVING
    "loyal_customers": """
        SELECT o_custkey, count(*) AS orders, sum(o_totalprice) AS spent, min(o_orderdate) AS first_order,
               max(o_orderdate) AS last_order
        FROM orders
        GROUP BY o_custkey
        HAVING count(*) >= 20""",
    # self-join and DISTINCT
    "joint_shipments": """
        SELECT DISTINCT a.l_orderkey AS order_key, a.l_shipdate AS day
        FROM lineitem a JOIN lineitem b ON a.l_orderkey = b.l_orderkey AND a.l_shipdate = b.l_shipdate
        WHERE a.l_linenumber < b.l_linenumber""",
    # UNION ALL
    "daily_activity": """
        SELECT day, activity, count(*) AS times
        FROM (SELECT o_orderdate AS day, 'ordered' AS activity FROM orders
              UNION ALL
              SELECT l_shipdate, 'shipped' FROM lineitem)
        GROUP BY day, activity""",
}


def generate(directory: Path, *, scale: float) -> list[Path]:
    """TPC-H as Parquet, ``directory/TABLE/TABLE.PART.parquet``; returns the files.

    Raises ``NotSupportedError`` where tpchgen-cli is not installed, ``OperationalError`` where it fails.
    """
    command = [_generator(), "parquet", "-s", str(scale), f"--parts={PARTS}", f"--output-dir={directory}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OperationalError(f"tpchgen-cli failed with exit code {done.returncode}: {done.stderr.strip()}")
    return sorted(directory.glob("*/*.parquet"))


def _generator() -> str:
    beside = Path(sys.executable).with_name("tpchgen-cli")
    found = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if found is None:
        raise NotSupportedError("the demo needs tpchgen-cli", hint="pip install 'mvengine[demo]'")
    return found
