"""``mvengine demo``: TPC-H refreshed incrementally, measured against plain DuckDB in the same run."""

from mvengine.demo.story import run

__all__ = ["run"]
