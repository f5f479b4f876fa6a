"""The sqllogictest runner: scripts of statements with what they must answer.

The formats of sqllogictest-rs, SQLite, DuckDB, and what is cheap of CockroachDB's and Materialize's:
``docs/sqllogictest.md`` describes them.

    summary = mvengine.slt.run("tests/slt", engine="duckdb", jobs=4)
    assert summary.is_ok, summary.failures

records, settings   a script as values
flavors             where files of different projects mean different things
reader              where a record's body and its expectation end
directives*         a directive's line and body -> its value (the tables of directives)
expectations        what a line ``statement …`` or ``query …`` expects
parser              files, includes and loops -> a script
engines             what scripts run on: the protocol, and PEP 249 connections
state, apply        what the settings say, put into effect
substitution        variables in SQL and commands
styles, render      how values are printed
compare, near       whether rows are the expected ones
check               whether a success or an error is the expected one
asking, execution   a record, and a script, at work
runner, many        a file; many files
as_views*           queries as materialized views, too: a script run again with them
update, tidy        files rewritten
report, junit, json_records   what is told of it
command             the command line
pytest_plugin       scripts as pytest's tests
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mvengine.slt.answers import Answer as Answer
    from mvengine.slt.answers import Columns as Columns
    from mvengine.slt.engines import Connection as Connection
    from mvengine.slt.engines import DbApiEngine as DbApiEngine
    from mvengine.slt.engines import Engine as Engine
    from mvengine.slt.many import run as run
    from mvengine.slt.parser import Script as Script
    from mvengine.slt.parser import parse_file as parse_file
    from mvengine.slt.records import ScriptError as ScriptError
    from mvengine.slt.results import Counts as Counts
    from mvengine.slt.results import Failure as Failure
    from mvengine.slt.results import FileResult as FileResult
    from mvengine.slt.results import Outcome as Outcome
    from mvengine.slt.results import RecordResult as RecordResult
    from mvengine.slt.results import Summary as Summary
    from mvengine.slt.runner import Options as Options
    from mvengine.slt.runner import run_file as run_file

__all__ = [
    "Answer",
    "Columns",
    "Connection",
    "Counts",
    "DbApiEngine",
    "Engine",
    "Failure",
    "FileResult",
    "Options",
    "Outcome",
    "RecordResult",
    "Script",
    "ScriptError",
    "Summary",
    "parse_file",
    "run",
    "run_file",
]


if not TYPE_CHECKING:  # or a misspelt name would pass as Any
    _HOMES = {
        "Answer": "answers",
        "Columns": "answers",
        "Connection": "engines",
        "Counts": "results",
        "DbApiEngine": "engines",
        "Engine": "engines",
        "Failure": "results",
        "FileResult": "results",
        "Options": "runner",
        "Outcome": "results",
        "RecordResult": "results",
        "Script": "parser",
        "ScriptError": "records",
        "Summary": "results",
        "parse_file": "parser",
        "run": "many",
        "run_file": "runner",
    }

    def __getattr__(name: str) -> Any:
        """Loads what runs scripts at first use, so that the command line is quick."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
