"""The tables behind a refreshable table: its rows, its staging and its shadow have one shape."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.logical import MaterializeTable
from mvengine.refresh.changes import FILE_ID
from mvengine.sql.tokens import tokenize


def create_table_sql(plan: MaterializeTable, table: str) -> str:
    """The DDL that the table, its staging and its shadow share."""
    checks = "".join(f", CHECK ({check})" for check in plan.checks)
    return f"CREATE TABLE {table} ({', '.join(plan.column_definitions)}{checks}, {FILE_ID} INTEGER)"


def optional_columns(plan: MaterializeTable) -> frozenset[str]:
    """Columns with a DEFAULT: a file need not have them."""
    pairs = zip(plan.columns, plan.column_definitions, strict=True)
    return frozenset(
        column.name for column, text in pairs if any(token.word == "DEFAULT" for token in tokenize(text)[1:])
    )


def clear_staging(engine: Engine, plan: MaterializeTable) -> None:
    """An empty staging table: made anew by one statement, which costs less than a DELETE and gives the space back."""
    create = create_table_sql(plan, plan.staging)
    engine.query(create.replace("CREATE TABLE", "CREATE OR REPLACE TABLE", 1))


def has_rows(engine: Engine, table: str) -> bool:
    """Whether a table, or a query in parentheses, has any row."""
    return bool(engine.query(f"SELECT 1 FROM {table} LIMIT 1"))
