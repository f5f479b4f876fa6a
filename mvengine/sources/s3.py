"""Objects in an S3-compatible store, through pyarrow's file system.

Credentials come from the options, else from where pyarrow looks for them (environment, profile, instance role).
A store has no folders: a prefix below which nothing lies is an empty source, a bucket that is not there an error.
An object's etag tells two contents apart that have one size and were written within one second.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from mvengine.errors import SourceError
from mvengine.sources.base import FORBIDDEN, MISSING, Split
from mvengine.sources.glob import Glob, compile_glob, has_magic, matches_name, split_glob
from mvengine.sources.part import Part
from mvengine.sources.s3_errors import source_error

_SCHEME = "s3://"
_CHUNK_BYTES = 1 << 20
_CONNECT_SECONDS = 10
_REQUEST_SECONDS = 60
_ATTEMPTS_MAX = 3
_TAIL_BYTES = 8  # of a Parquet file: the length of its footer, and PAR1


@dataclass(frozen=True, kw_only=True)
class S3Reader:
    """Lists objects below ``root`` (``s3://bucket/prefix`` or a glob) and hands them out as temporary local files."""

    root: str
    pattern: str | None
    options: tuple[tuple[str, str], ...]

    def list_splits(self) -> tuple[Split, ...]:
        """All objects now, in byte order of their URLs. Errors: ``SourceError``."""
        from pyarrow.fs import FileSelector, FileType

        root = self.root.removeprefix(_SCHEME).rstrip("/")
        files = self._connect()
        with _named(self.root):
            bucket = root.partition("/")[0]
            if files.get_file_info(bucket).type == FileType.NotFound:
                raise SourceError(
                    f"cannot list {self.root!r}: there is no bucket {bucket!r}, or no right to see it",
                    path=self.root,
                    code=FORBIDDEN,
                    retryable=False,
                )
            if not has_magic(root) and (found := files.get_file_info(root)).type == FileType.File:
                return (_split(files, found),)
            glob = split_glob(root)
            found = files.get_file_info(FileSelector(glob.folder, recursive=True, allow_not_found=True))
            wanted = [info for info in found if info.type == FileType.File and self._is_wanted(glob, info.path)]
            splits = [_split(files, info) for info in wanted]
        return tuple(sorted(splits, key=lambda split: split.path.encode()))

    @contextmanager
    def open(self, split: Split, part: Part) -> Iterator[Path]:
        """A temporary copy, gone on leaving: as long as the object, but only the bytes of ``part`` are fetched.

        Errors: ``SourceError`` if the object has changed since it was listed.
        """
        files = self._connect()
        path = split.path.removeprefix(_SCHEME)
        with tempfile.TemporaryDirectory(prefix="mvengine-") as folder:
            copy = Path(folder) / path.rpartition("/")[2]
            with _named(split.path):
                with copy.open("wb") as local:
                    copied = _copy(files, path, local) if part.is_whole else _copy_part(files, path, split, part, local)
                now = _split(files, files.get_file_info(path))
            if now != split or not copied or copy.stat().st_size != split.size:
                raise SourceError(f"{split.path!r} changed while it was read", path=split.path, hint="refresh again")
            yield copy

    def _is_wanted(self, glob: Glob, path: str) -> bool:
        relative = path[len(glob.folder) :].lstrip("/")
        if glob.regex.fullmatch(relative) is None:
            return False
        return self.pattern is None or matches_name(compile_glob(self.pattern), "/" in self.pattern, relative)

    def _connect(self) -> Any:
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        given = dict(self.options)
        endpoint = urlsplit(given.get("s3.endpoint_url", ""))
        with _named(self.root):
            return S3FileSystem(
                access_key=given.get("s3.credentials.access"),
                secret_key=given.get("s3.credentials.secret"),
                session_token=given.get("s3.credentials.session_token"),
                region=given.get("s3.region"),
                endpoint_override=endpoint.netloc or given.get("s3.endpoint_url"),
                scheme="http" if endpoint.scheme == "http" else "https",
                connect_timeout=_CONNECT_SECONDS,
                request_timeout=_REQUEST_SECONDS,
                retry_strategy=AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS_MAX),
            )


def _copy(files: Any, path: str, local: IO[bytes]) -> bool:
    # compression=None: pyarrow would decompress by suffix, and the name of the copy would lie.
    with files.open_input_stream(path, compression=None) as remote:
        shutil.copyfileobj(remote, local, _CHUNK_BYTES)
    return True


def _copy_part(files: Any, path: str, split: Split, part: Part, local: IO[bytes]) -> bool:
    """Copies a part of a Parquet object and its footer to where they stand in it, with a hole for all the rest, which
    the engine does not look at. False if the object has another length by now."""
    with files.open_input_file(path) as remote:
        if remote.size() != split.size:
            return False
        local.truncate(split.size)
        tail = remote.read_at(_TAIL_BYTES, max(split.size - _TAIL_BYTES, 0))
        footer = min(int.from_bytes(tail[:4], "little") + _TAIL_BYTES, split.size)
        ranges = ((0, min(4, split.size)), (part.first_byte, part.size), (split.size - footer, footer))
        for first, size in ranges:
            local.seek(first)
            for start in range(first, first + size, _CHUNK_BYTES):
                local.write(remote.read_at(min(_CHUNK_BYTES, first + size - start), start))
    return True


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Errors of pyarrow, which are OSError and its ValueErrors, as ``SourceError`` that names what was being read."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise source_error(url, error) from error


def _split(files: Any, info: Any) -> Split:
    """Errors: ``SourceError`` for an object that is not there. The etag takes a request of its own: times of objects
    are whole seconds, and an object rewritten within one with as many bytes would not be noticed."""
    if info.mtime_ns is None or info.size is None:
        url = _SCHEME + info.path
        raise SourceError(f"{url!r} disappeared before it was read to its end", path=url, code=MISSING)
    with files.open_input_stream(info.path, compression=None) as stream:
        found = {_text(name).lower(): _text(value) for name, value in (stream.metadata() or {}).items()}
    return Split(
        path=_SCHEME + info.path,
        size=info.size,
        mtime_ns=info.mtime_ns,
        etag=found.get("etag"),
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
