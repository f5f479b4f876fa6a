"""What a function is called in the engine's own SQL."""

from __future__ import annotations

from sqlglot import exp


def function_name(call: exp.Expr) -> str:
    """The name of a call, in lower case, whether sqlglot has a class for it or not."""
    return (call.name if isinstance(call, exp.Anonymous) else call.sql(dialect="duckdb").split("(")[0]).lower()
