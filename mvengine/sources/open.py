"""From the declaration of a source to a reader of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from mvengine.planner.options import BoundOptions, FileRoot, bind_root, bind_source, encoding_of
from mvengine.planner.source import FileSource
from mvengine.sources.base import Reader, Split
from mvengine.sources.local import LocalReader, absolute_root, check_replaced
from mvengine.sources.s3 import S3Reader
from mvengine.sql.statements import Options

Wrapper = Callable[[Reader], Reader]

_wrappers: list[Wrapper] = []


def open_source(source: FileSource | FileRoot) -> Reader:
    """The reader of a source. Nothing is touched yet: errors come from listing and opening."""
    reader: Reader
    if source.connector == "s3":
        reader = S3Reader(root=source.root, pattern=source.pattern, options=source.options)
    else:
        reader = LocalReader(root=absolute_root(source.root), pattern=source.pattern)
    for wrap in _wrappers:
        reader = wrap(reader)
    return reader


def list_source(source: FileSource, loaded: Iterable[str]) -> tuple[Split, ...]:
    """What the source has now; ``loaded`` are the paths that it had. Errors: ``SourceError``, also for a folder in the
    place of a loaded file.
    """
    splits = open_source(source).list_splits()
    if source.connector != "s3":
        check_replaced(splits, loaded)
    return splits


@contextmanager
def wrapped(wrap: Wrapper) -> Iterator[None]:
    """Every reader opened within the block, by any thread, is what ``wrap`` makes of it: for ``testing.flaky``."""
    _wrappers.append(wrap)
    try:
        yield
    finally:
        _wrappers.remove(wrap)


def bind_files(source: str | None, options: Options, encoding: str | None, encoding_options: Options) -> BoundOptions:
    """``bind_source`` with a look at the world: a local root becomes absolute, and where neither the declaration nor
    the root's suffix tells the format, the files that are there now do. Errors: as ``bind_source``; ``SourceError``.
    """
    root = bind_root(source, options)
    names = None
    if encoding is None and encoding_of([root.pattern or root.root]) is None:
        names = [split.path for split in open_source(root).list_splits()]
    bound = bind_source(source, options, encoding, encoding_options, names)
    if bound.source.connector == "s3":
        return bound
    return replace(bound, source=replace(bound.source, root=absolute_root(bound.source.root)))
