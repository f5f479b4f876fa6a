"""Directives of DuckDB's files. (https://duckdb.org/docs/stable/dev/sqllogictest/overview, and its runner's source.)"""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.slt.reader import Reader
from mvengine.slt.records import Loop, Unsupported
from mvengine.slt.settings import Environment, ErrorMessages, ForgetLabel, Load, Mode, Nothing, Reopen, Require, Seed

_SIGNED = ("tinyint", "smallint", "integer", "bigint", "hugeint")
_UNSIGNED = ("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint")
_INTEGRAL = _SIGNED + _UNSIGNED
_NUMERIC = (*_INTEGRAL, "float", "double")
_ALL_TYPES_COLUMNS = """
bool tinyint smallint int bigint hugeint uhugeint utinyint usmallint uint ubigint date time timestamp timestamp_s
timestamp_ms timestamp_ns time_tz timestamp_tz float double dec_4_1 dec_9_4 dec_18_6 dec38_10 uuid interval varchar
blob bit small_enum medium_enum large_enum int_array double_array date_array timestamp_array timestamptz_array
varchar_array nested_int_array struct struct_of_arrays array_of_structs map union fixed_int_array
fixed_varchar_array fixed_nested_int_array fixed_nested_varchar_array fixed_struct_array struct_of_fixed_array
fixed_array_of_int_list list_of_fixed_int_array
"""  # the columns of test_all_types()
_COLLECTIONS = {
    "<signed>": _SIGNED,
    "<unsigned>": _UNSIGNED,
    "<integral>": _INTEGRAL,
    "<numeric>": _NUMERIC,
    "<alltypes>": (*_NUMERIC, "bool", "interval", "varchar"),
    "<compression>": (
        *("none", "uncompressed", "rle", "bitpacking", "dictionary", "fsst", "dict_fsst", "alp", "alprd"),
    ),
    "<all_types_columns>": tuple(_ALL_TYPES_COLUMNS.split()),
}
_ITERATIONS_MAX = 1_000_000


@dataclass(frozen=True, kw_only=True)
class EndLoop:
    """``endloop``"""


def loop(reader: Reader) -> Loop:
    """``loop i 0 10``: from the first number up to the second, which is left out."""
    match reader.arguments():
        case [name, first, end] if _is_integer(first) and _is_integer(end):
            values = range(int(first), max(int(end), int(first) + 1))  # DuckDB's runs at least once
            if len(values) > _ITERATIONS_MAX:
                raise reader.error(f"{len(values)} iterations", hint=f"the most are {_ITERATIONS_MAX}")
            return _loop(reader, name, [str(value) for value in values])
    raise reader.error(f"{reader.name!r} takes a name and two numbers, as in 'loop i 0 10'; found {reader.rest!r}")


def foreach(reader: Reader) -> Loop:
    """``foreach type integer <unsigned> !ubigint``: words, or collections of them, or one less."""
    match reader.arguments():
        case [name, *words] if words:
            values: list[str] = []
            for word in words:
                if word.startswith("!") and word[1:] in values:
                    values.remove(word[1:])
                else:
                    values.extend(_COLLECTIONS.get(word.lower(), (word,)))
            return _loop(reader, name, values)
    raise reader.error(f"{reader.name!r} takes a name and values, as in 'foreach i a b c'; found {reader.rest!r}")


def _loop(reader: Reader, name: str, values: list[str]) -> Loop:
    names = tuple(name.split(","))
    for value in values:
        if len(names) > 1 and len(value.split(",")) != len(names):
            raise reader.error(f"{value!r} has not as many parts as {name!r}")
    return Loop(names=names, values=tuple(values), is_concurrent=reader.name.startswith("concurrent"), records=())


def endloop(reader: Reader) -> EndLoop:
    del reader
    return EndLoop()


def require(reader: Reader) -> Require:
    words = reader.arguments()
    if not words:
        raise reader.error("'require' takes an extension or property, as in 'require parquet'")
    return Require(name=words[0].lower(), argument=" ".join(words[1:]))


def require_env(reader: Reader) -> Environment:
    match reader.arguments():
        case [name]:
            return Environment(name=name, value=None, is_required=True)
        case [name, value]:
            return Environment(name=name, value=value, is_required=True)
    raise reader.error(f"'require-env' takes a name, and a value if it must have that; found {reader.rest!r}")


def test_env(reader: Reader) -> Environment:
    match reader.arguments():
        case [name, value]:
            return Environment(name=name, value=value, is_required=False)
    raise reader.error(f"'test-env' takes a name and a default; found {reader.rest!r}")


def mode(reader: Reader) -> Mode | Nothing:
    match reader.arguments():
        case ["skip" | "unskip" as word]:
            return Mode(skips=word == "skip")
        case ["output_hash" | "output_result" | "no_output" | "debug" | "cockroach" | "standard" | "sqlite"]:
            return Nothing()
    raise reader.error(f"unknown mode {reader.rest!r}", hint="mode skip, mode unskip")


def load(reader: Reader) -> Load:
    match reader.arguments():
        case []:
            return Load(path="", is_read_only=False)
        case [path]:
            return Load(path=path, is_read_only=False)
        case [path, ("readonly" | "readwrite") as access, *rest] if len(rest) <= 1:  # a storage version may follow
            return Load(path=path, is_read_only=access == "readonly")
    raise reader.error(f"'load' takes a path, and readonly or readwrite; found {reader.rest!r}")


def restart(reader: Reader) -> Reopen:
    if reader.arguments() not in ([], ["no_extension_load"]):
        raise reader.error(f"'restart' takes nothing, or no_extension_load; found {reader.rest!r}")
    return Reopen(is_restart=True)


def reconnect(reader: Reader) -> Reopen:
    if reader.arguments():
        raise reader.error(f"'reconnect' takes nothing; found {reader.rest!r}")
    return Reopen(is_restart=False)


def set_(reader: Reader) -> ErrorMessages | Seed:
    match reader.words[1:]:
        case [("ignore_error_messages" | "always_fail_error_messages") as name, *_]:
            listed = reader.rest.removeprefix(name).split(",")
            messages = tuple(message.strip() for message in listed if message.strip())
            return ErrorMessages(messages=messages, is_ignored=name == "ignore_error_messages")
        case ["seed", value]:
            try:
                return Seed(value=float(value))
            except ValueError:
                raise reader.error(f"{value!r} is not a number") from None
    raise reader.error(
        f"unknown 'set {reader.rest}'", hint="set seed N, set ignore_error_messages …, set always_fail_error_messages …"
    )


def reset(reader: Reader) -> ForgetLabel:
    match reader.arguments():
        case ["label", label]:
            return ForgetLabel(label=label)
    raise reader.error(f"'reset' takes label NAME; found {reader.rest!r}")


def unzip(reader: Reader) -> Unsupported:
    return Unsupported(
        text=" ".join(reader.words), reason="'unzip' is not supported, and what follows needs it", ends_file=True
    )


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdecimal()
