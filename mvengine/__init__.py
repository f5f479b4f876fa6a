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

from mvengine.dbapi import (
    BINARY,
    DATETIME,
    NESTED,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)
from mvengine.errors import (
    DatabaseError,
    DataError,
    Error,
    ForeignChangeWarning,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004 - PEP 249 fixes the name
)

if TYPE_CHECKING:
    from mvengine import slt as slt
    from mvengine.connection import Connection as Connection
    from mvengine.connection import connect as connect
    from mvengine.handles import Job as Job
    from mvengine.handles import Refresh as Refresh
    from mvengine.library.catalog import TableInfo as TableInfo
    from mvengine.library.catalog import Verification as Verification
    from mvengine.library.catalog import ViewInfo as ViewInfo
    from mvengine.library.listing import Listing as Listing
    from mvengine.library.listing import Text as Text
    from mvengine.lineage import Lineage as Lineage
    from mvengine.lineage import LineageNode as LineageNode
    from mvengine.meta.plan_records import Failure as Failure
    from mvengine.meta.plan_records import Task as Task
    from mvengine.meta.progress import Progress as Progress
    from mvengine.meta.states import JobStatus as JobStatus
    from mvengine.meta.states import PlanStatus as PlanStatus
    from mvengine.meta.states import TaskStatus as TaskStatus
    from mvengine.refresh.jobs.outcome import JobOutcome as JobOutcome
    from mvengine.refresh.plan.outcome import Outcome as Outcome
    from mvengine.refresh.plan.outcome import Refusal as Refusal
    from mvengine.refresh.plan.outcome import RefusalKind as RefusalKind
    from mvengine.relation import Relation as Relation

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"

__version__ = "0.1.0"

__all__ = [
    "BINARY",
    "DATETIME",
    "NESTED",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Connection",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "Failure",
    "ForeignChangeWarning",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "Job",
    "JobOutcome",
    "JobStatus",
    "Lineage",
    "LineageNode",
    "Listing",
    "NotSupportedError",
    "OperationalError",
    "Outcome",
    "PlanStatus",
    "ProgrammingError",
    "Progress",
    "Refresh",
    "Refusal",
    "RefusalKind",
    "Relation",
    "TableInfo",
    "Task",
    "TaskStatus",
    "Text",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Verification",
    "ViewInfo",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]


if not TYPE_CHECKING:  # or a misspelt name would pass as Any
    _HOMES = {
        "Connection": "mvengine.connection",
        "Failure": "mvengine.meta.plan_records",
        "Job": "mvengine.handles",
        "JobOutcome": "mvengine.refresh.jobs.outcome",
        "JobStatus": "mvengine.meta.states",
        "Lineage": "mvengine.lineage",
        "LineageNode": "mvengine.lineage",
        "Outcome": "mvengine.refresh.plan.outcome",
        "PlanStatus": "mvengine.meta.states",
        "Progress": "mvengine.meta.progress",
        "Refresh": "mvengine.handles",
        "Refusal": "mvengine.refresh.plan.outcome",
        "RefusalKind": "mvengine.refresh.plan.outcome",
        "Relation": "mvengine.relation",
        "Task": "mvengine.meta.plan_records",
        "TaskStatus": "mvengine.meta.states",
        "Listing": "mvengine.library.listing",
        "TableInfo": "mvengine.library.catalog",
        "Text": "mvengine.library.listing",
        "Verification": "mvengine.library.catalog",
        "ViewInfo": "mvengine.library.catalog",
        "connect": "mvengine.connection",
        "load_ipython_extension": "mvengine.notebook",
        "unload_ipython_extension": "mvengine.notebook",
    }

    def __getattr__(name: str) -> Any:
        """Loads DuckDB and the rest at first use, so that importing this package and ``--help`` are quick."""
        from importlib import import_module

        if name == "slt":
            return import_module("mvengine.slt")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
