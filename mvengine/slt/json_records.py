"""One JSON object for each record that was run or skipped."""

from __future__ import annotations

import json

from mvengine.slt.check import sqlstate_of
from mvengine.slt.records import Let, Query, Statement, System
from mvengine.slt.results import RecordResult

_KINDS = {Statement: "statement", Query: "query", System: "system", Let: "let"}


def json_line(result: RecordResult) -> str:
    """File, line, kind, SQL as it was sent, outcome and seconds; of a failure what was expected and what came."""
    record, error = result.record, result.error
    found: dict[str, object] = {
        "file": record.source.file,
        "line": record.line,
        "kind": _KINDS.get(type(record.directive), "directive"),
        "outcome": result.outcome,
        "sql": result.sql,
        "seconds": round(result.seconds, 6),
    }
    if record.source.included_from is not None:
        found["included_from"] = str(record.source.included_from)
    if record.connection != "default":
        found["connection"] = record.connection
    if result.subtest:
        found["subtest"] = result.subtest
    if result.reason:
        found["reason"] = result.reason
    if result.expected or result.actual:
        found |= {"expected": result.expected, "actual": result.actual}
    if error is not None:
        found |= {"error": str(error), "sqlstate": sqlstate_of(error)}
    return json.dumps(found, ensure_ascii=False)
