"""Where a refreshable table's rows come from, as a value that a fragment carries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Encoding(StrEnum):
    """The format of a source's files."""

    CSV = "CSV"
    JSON = "JSON"
    PARQUET = "PARQUET"


class OnError(StrEnum):
    """What a row that cannot be read does to a load."""

    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """Batch files: in a local folder or an object store.

    ``root`` is the folder, file, glob or ``s3://`` URL as the user gave it, made absolute at CREATE; ``pattern`` is a
    glob that file names below ``root`` must match, or None. ``options`` are the format's (``delimiter``) with the
    connector's own (``s3.endpoint_url``), sorted by name.
    """

    connector: str  # 'posix_fs' | 's3'
    root: str
    pattern: str | None
    encoding: Encoding
    options: tuple[tuple[str, str], ...]
    on_error: OnError
    errors_max: int  # rows that may be skipped in one file
