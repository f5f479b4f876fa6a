"""The options of a refreshable table: names and values checked, and bound to a ``FileSource``. Pure.

``WITH (…)`` may hold the table's own options, the connector's and the format's; ``ENCODE X (…)`` only the format's.
An option has one canonical name; other spellings (RisingWave's, DuckDB's) are aliases of it. Values are kept in a
canonical spelling too, so that two equal declarations give equal sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mvengine.errors import BindError, UnknownOption
from mvengine.planner.option_checks import (
    ALIASES,
    SECRETS,
    Check,
    any_text,
    boolean,
    canonical,
    character,
    count,
    delimiter,
    error,
    one_of,
    separator,
    text,
    unknown,
)
from mvengine.planner.source import Encoding, FileSource, OnError
from mvengine.sql.statements import Options

ERRORS_MAX_DEFAULT = 1000

_POSIX, _S3 = "posix_fs", "s3"
_CONNECTORS = {
    "batch_posix_fs": _POSIX,
    "posix_fs": _POSIX,
    "__for_testing_only_batch_posix_fs": _POSIX,
    "s3": _S3,
}
_HOW_TO_GIVE_A_SOURCE = (
    "write REFRESHABLE FROM 'folder | glob | s3://…', or WITH (connector = 'posix_fs', posix_fs.root = 'folder')"
)


@dataclass(frozen=True, kw_only=True)
class BoundOptions:
    """What the options of a refreshable table mean. ``refresh_interval_sec`` is None for a refresh by hand only."""

    source: FileSource
    refresh_interval_sec: int | None


def bind_source(
    source: str | None,
    options: Options,
    encoding: str | None,
    encoding_options: Options,
    names: Sequence[str] | None = None,
) -> BoundOptions:
    """The source that ``FROM source WITH (options) FORMAT … ENCODE encoding (encoding_options)`` declares.

    Where ``encoding`` is None the format is told by the suffix of the root or pattern, else by ``names``, the files
    listed there. Errors: ``UnknownOption`` with the nearest known name; ``ProgrammingError`` 22023 for a value that
    is not allowed; ``BindError`` where source or format are not given.
    """
    root = bind_root(source, options)
    format_ = _bind_encoding(encoding, root, names)
    known = _TABLE | (_S3_OPTIONS if root.connector == _S3 else {}) | _FORMATS[format_]
    given, formatting = canonical(options, known), canonical(encoding_options, _FORMATS[format_])
    if twice := given.keys() & formatting.keys():
        raise error(f"option {min(twice)!r} is given twice", "give it once")
    given |= formatting
    interval = given.get("refresh_interval_sec")
    bound = FileSource(
        connector=root.connector,
        root=root.root,
        pattern=root.pattern,
        encoding=format_,
        options=tuple(sorted((name, value) for name, value in given.items() if name not in _TABLE)),
        on_error=OnError(given.get("on_error", OnError.FAIL)),
        errors_max=int(given.get("errors_max", ERRORS_MAX_DEFAULT)),
    )
    return BoundOptions(source=bound, refresh_interval_sec=None if interval is None else int(interval))


def given_settings(options: Options) -> dict[str, str]:
    """The settings among a table's options that are no part of its plan. Errors as ``bind_source``."""
    names = TABLE_SETTINGS.keys() - {"refresh_interval_sec"}
    return canonical(tuple(option for option in options if option[0] in names), TABLE_SETTINGS)


def bind_setting(name: str, value: str) -> str:
    """The canonical value of a setting that ALTER TABLE changes: ``TABLE_SETTINGS``. Errors as ``bind_source``."""
    if name not in TABLE_SETTINGS:
        if name in _TABLE:
            raise error(f"option {name!r} cannot be changed", "DROP the table and create it again")
        raise unknown(name, TABLE_SETTINGS)
    return TABLE_SETTINGS[name](name, value)


@dataclass(frozen=True, kw_only=True)
class FileRoot:
    """Where files are, before their format is known: enough to list them."""

    connector: str  # 'posix_fs' | 's3'
    root: str
    pattern: str | None
    options: tuple[tuple[str, str], ...]  # the connector's own


def bind_root(source: str | None, options: Options) -> FileRoot:
    """The part of the options that says where the files are. Errors as ``bind_source``; unknown names pass."""
    known = _TABLE | _S3_OPTIONS
    given = canonical(tuple((n, v) for n, v in options if ALIASES.get(n, n) in known), known)
    if source is not None and "root" in given:
        raise error("the source is given twice, by FROM and by option 'root'", "give one of them")
    root = (source if source is not None else given.get("root", "")).removeprefix("file://")
    if (scheme := root.partition("://")[0]) != root and scheme != "s3":
        raise error(f"the source {root!r} has scheme {scheme!r}", "sources are local paths and s3:// URLs")
    connector = given.get("connector") or (_S3 if root.startswith("s3://") or "s3.bucket_name" in given else _POSIX)
    if connector == _S3 and not root and "s3.bucket_name" in given:
        root = "s3://" + given["s3.bucket_name"]
    if not root and "connector" in given:
        wanted = "s3.bucket_name" if connector == _S3 else "posix_fs.root"
        raise error(f"connector {connector!r} needs option {wanted!r}", _HOW_TO_GIVE_A_SOURCE)
    if not root:
        raise BindError("a refreshable table needs a source", hint=_HOW_TO_GIVE_A_SOURCE)
    if (connector == _S3) != root.startswith("s3://"):
        hint = "connector 's3' takes an s3:// URL, connector 'posix_fs' a path"
        raise error(f"connector {connector!r} cannot read {root!r}", hint)
    if connector == _S3 and "@" in root.removeprefix("s3://").partition("/")[0]:
        hint = "give them as options s3.credentials.access and s3.credentials.secret, or in the environment"
        raise error("a source's URL must not hold credentials", hint)
    own = tuple(sorted((name, value) for name, value in given.items() if name in _S3_OPTIONS))
    if connector != _S3 and own:
        raise UnknownOption(f"option {own[0][0]!r} is for connector 's3', the connector is {connector!r}")
    return FileRoot(connector=connector, root=root, pattern=given.get("match_pattern"), options=own)


def encoding_of(names: Iterable[str]) -> Encoding | None:
    """The format that file names tell by their suffix; None where one of them tells none, or they disagree."""
    found = {_suffix_encoding(name) for name in names}
    return found.pop() if len(found) == 1 else None


def without_secrets(text: str, options: Options) -> str:
    """A statement's text, or what is shown of it, with the values of secret options hidden."""
    for name, value in options:
        if value and ALIASES.get(name, name) in SECRETS:
            text = text.replace(value, "***").replace(value.replace("'", "''"), "***")
    return text


def redacted(source: FileSource) -> FileSource:
    """The source as it may be shown: credentials are ``***``."""
    return replace(source, options=tuple((n, "***" if n in SECRETS else v) for n, v in source.options))


_SUFFIXES = {
    ".csv": Encoding.CSV,
    ".tsv": Encoding.CSV,
    ".json": Encoding.JSON,
    ".jsonl": Encoding.JSON,
    ".ndjson": Encoding.JSON,
    ".parquet": Encoding.PARQUET,
}


def _suffix_encoding(name: str) -> Encoding | None:
    lower = name.lower()
    plain = lower.removesuffix(".gz").removesuffix(".zst")
    found = next((encoding for suffix, encoding in _SUFFIXES.items() if plain.endswith(suffix)), None)
    return None if found is Encoding.PARQUET and plain != lower else found


def _bind_encoding(encoding: str | None, root: FileRoot, names: Sequence[str] | None) -> Encoding:
    if encoding is not None:
        if encoding.upper() not in Encoding.__members__:
            raise error(f"unknown encoding {encoding!r}", "allowed: CSV, JSON, PARQUET")
        return Encoding(encoding.upper())
    told = encoding_of([root.pattern or root.root]) or encoding_of(names or ())
    if told is not None:
        return told
    strange = {_suffix_encoding(name): name for name in sorted(names or (), reverse=True)}
    found = "it has no files yet" if not strange else "it has " + ", ".join(sorted(strange.values()))
    raise BindError(
        f"cannot tell the format of the files in {root.root!r}: {found}",
        hint="add FORMAT PLAIN ENCODE CSV | JSON | PARQUET, or choose files by match_pattern = '*.csv'",
    )


INTERVAL_SECONDS_MAX = 10 * 366 * 86_400
ATTEMPTS_MAX = 100

TABLE_SETTINGS: Mapping[str, Check] = {
    "refresh_interval_sec": count(1, INTERVAL_SECONDS_MAX),
    "max_attempts": count(1, ATTEMPTS_MAX),
    "recovery": one_of(resume="resume", restart="restart", reset="reset"),
    "on_schema_change": one_of(**{policy: policy for policy in ("ignore", "fail", "add_columns", "widen")}),
}
"""What ALTER can change without making the table anew."""

_TABLE: dict[str, Check] = {
    "connector": one_of(**_CONNECTORS),
    "root": text,
    "match_pattern": text,
    "refresh_mode": one_of(full_reload="FULL_RELOAD"),
    **TABLE_SETTINGS,
    "on_error": one_of(fail=OnError.FAIL.value, skip=OnError.SKIP.value),
    "errors_max": count(0),
}
_S3_OPTIONS: dict[str, Check] = {
    "s3.bucket_name": text,
    "s3.endpoint_url": text,
    "s3.region": text,
    "s3.credentials.access": text,
    "s3.credentials.secret": text,
    "s3.credentials.session_token": text,
}
_MISSING = one_of(fail="fail", null="null")  # a column of the table that a file does not have
_FORMATS: dict[Encoding, dict[str, Check]] = {
    Encoding.CSV: {
        "delimiter": delimiter,
        "header": boolean,
        "without_header": boolean,
        "quote": character,
        "escape": character,
        "nullstr": any_text,
        "allow_quoted_nulls": boolean,
        "dateformat": text,
        "timestampformat": text,
        "decimal_separator": separator,
        "encoding": one_of(
            **{"utf-8": "utf-8", "utf8": "utf-8", "utf-16": "utf-16", "utf16": "utf-16"},
            **{"latin-1": "latin-1", "latin1": "latin-1", "iso-8859-1": "latin-1"},
        ),
        "skip": count(0),
        "max_line_size": count(1),
        "null_padding": boolean,
        "strict_mode": boolean,
        "missing_columns": _MISSING,
    },
    Encoding.JSON: {"dateformat": text, "timestampformat": text, "maximum_object_size": count(1)},
    Encoding.PARQUET: {"binary_as_string": boolean, "missing_columns": _MISSING},
}
