"""What DuckDB's ``require`` asks for: an extension that is loaded, or a property of the build."""

from __future__ import annotations

import sys

from mvengine.slt.engines import Connection
from mvengine.slt.settings import Require

_VECTOR_SIZE = 2048
_BLOCK_SIZE = 262_144
_HELD = frozenset(
    {
        *("notmingw", "notmusl", "longdouble", "64bit", "noforcestorage", "nothreadsan", "strinline", "skip_reload"),
        *("no_alternative_verify", "noalternativeverify", "no_latest_storage", "no_vector_verification"),
        *("no_extension_autoloading", "no_block_verification", "ram", "disk_space"),
    }
)
_MISSED = frozenset({"mingw", "allow_unsigned_extensions"})


def is_met(require: Require, connection: Connection, *, is_duckdb: bool) -> bool:
    """Whether a requirement is met here."""
    name, argument = require.name, require.argument
    match name:
        case "windows" | "notwindows":
            return (sys.platform == "win32") == (name == "windows")
        case "vector_size" | "exact_vector_size" | "block_size":
            if not argument.isdecimal():
                return False
            wanted = int(argument)
            return wanted <= _VECTOR_SIZE if name == "vector_size" else wanted in (_VECTOR_SIZE, _BLOCK_SIZE)
    if name in _HELD or name in _MISSED:
        return name in _HELD
    return is_duckdb and _has_extension(name, connection)


def _has_extension(name: str, connection: Connection) -> bool:
    """Whether DuckDB has the extension, without a download."""
    quoted = name.replace("'", "''")
    answer = connection.run(f"SELECT loaded FROM duckdb_extensions() WHERE extension_name = '{quoted}' AND installed")
    if not answer.rows:
        return False
    if not answer.rows[0][0]:
        try:
            connection.run(f"LOAD {name}")
        except Exception:  # of whatever class the engine's errors are: it is not to be had
            return False
    return True
