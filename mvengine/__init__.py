"""mvengine: materialized views for files and tables, in your own process, on DuckDB.

import mvengine

con = mvengine.connect("sales.mv")
con.execute("CREATE TABLE orders REFRESHABLE FROM 'data/orders/*.parquet' PRIMARY KEY (id)")
con.execute("CREATE MATERIALIZED VIEW daily AS SELECT day, sum(amount) AS total FROM orders GROUP BY day")
con.execute("REFRESH TABLE orders")
con.sql("FROM daily").df()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mvengine.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004 - PEP 249 fixes the name
)

if TYPE_CHECKING:
    from mvengine.connection import Connection as Connection
    from mvengine.connection import connect as connect
    from mvengine.relation import Relation as Relation

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"

__version__ = "0.1.0"

__all__ = [
    "Connection",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Relation",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]


if not TYPE_CHECKING:  # or a misspelt name would pass as Any

    def __getattr__(name: str) -> Any:
        """Loads DuckDB and the rest at first use, so that importing this package and ``--help`` are quick."""
        if name in ("connect", "Connection"):
            from mvengine import connection

            return getattr(connection, name)
        if name == "Relation":
            from mvengine.relation import Relation

            return Relation
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
