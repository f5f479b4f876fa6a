"""Files in the local file system: one file, a folder with all files below it, or a glob.

Files and folders whose name begins with ``.`` or ``_`` are left out, unless a glob without ``**`` spells that
character. Symbolic links are followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mvengine.errors import SourceError
from mvengine.sources.base import FORBIDDEN, MISSING, TIMEOUT, Split
from mvengine.sources.glob import Glob, compile_glob, has_magic, matches_name, split_glob
from mvengine.sources.part import Part

DEPTH_MAX = 64  # folders below the root

# What the operating system says → (code, whether trying again can help). All else is an I/O error that may pass: a
# network file system that is away (EIO, ESTALE), too many open files.
_KINDS = {
    errno.ENOENT: (MISSING, True),
    errno.ENOTDIR: (MISSING, True),
    errno.EACCES: (FORBIDDEN, False),
    errno.EPERM: (FORBIDDEN, False),
    errno.ETIMEDOUT: (TIMEOUT, True),
    errno.EISDIR: (None, False),
    errno.ELOOP: (None, False),
    errno.ENAMETOOLONG: (None, False),
}


@dataclass(frozen=True, kw_only=True)
class LocalReader:
    """Lists and opens local files. ``root`` is absolute; see ``FileSource``."""

    root: str
    pattern: str | None

    def list_splits(self) -> tuple[Split, ...]:
        """All files now, in byte order of their paths. Errors: ``SourceError``, naming the path."""
        splits = list(self._find())
        if self.pattern is not None:
            regex, has_folders = compile_glob(self.pattern), "/" in self.pattern
            base = split_glob(self.root).folder if os.path.isdir(self.root) or has_magic(self.root) else ""
            splits = [s for s in splits if matches_name(regex, has_folders, s.path[len(base) :].lstrip("/"))]
        return tuple(sorted(splits, key=lambda split: os.fsencode(split.path)))

    @contextmanager
    def open(self, split: Split, part: Part) -> Iterator[Path]:
        """The file itself. Errors: ``SourceError`` if it cannot be read, or is not on leaving what was listed."""
        try:
            with open(split.path, "rb"):
                _check_unchanged(split)
        except OSError as error:
            raise source_error(split.path, error) from error
        try:
            yield Path(split.path)
        except Exception as error:
            _check_unchanged(split, error)  # a file that is being written looks like a broken one
            raise
        _check_unchanged(split)

    def _find(self) -> Iterator[Split]:
        is_literal = _is_there(self.root)  # also for names such as a[1].csv
        if is_literal and not os.path.isdir(self.root):
            return iter((_split(self.root),))
        if not is_literal and not has_magic(self.root):
            raise SourceError(
                f"source {self.root!r} does not exist",
                path=self.root,
                code=MISSING,
                hint="create the folder or correct the path; an existing folder without files makes an empty table",
            )
        if is_literal:
            everything = split_glob("/**")
            glob = Glob(folder=self.root.rstrip("/"), regex=everything.regex, depth_max=None, is_recursive_tail=True)
        else:
            glob = split_glob(self.root)
        return _walk(glob, glob.folder or "/", 1, frozenset())


def absolute_root(root: str) -> str:
    """A local root as an absolute path: ``~`` is the home folder, relative paths count from the working directory."""
    return os.path.abspath(os.path.expanduser(root))


def check_replaced(splits: Iterable[Split], loaded: Iterable[str]) -> None:
    """Errors: ``SourceError`` where a folder has taken the place of a loaded file, which is no way to remove it.

    A folder that files of the source lie in is no mistake: a writer now splits what was one file.
    """
    listed = {split.path for split in splits}
    for path in loaded:
        if path not in listed and os.path.isdir(path) and not any(other.startswith(path + "/") for other in listed):
            raise SourceError(
                f"{path!r} was a file when it was loaded and is a folder now",
                path=path,
                hint="put the file back, or remove the folder if its rows are to go",
                retryable=False,
            )


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise source_error(path, error) from error
    return True


def _walk(glob: Glob, folder: str, depth: int, linked: frozenset[str]) -> Iterator[Split]:
    """Files below ``folder`` that match; ``depth`` counts the segments of its entries' relative paths.

    ``linked`` holds the real paths of the folders that symbolic links led to on the way here.
    """
    if depth > DEPTH_MAX:
        raise SourceError(f"{folder!r} is more than {DEPTH_MAX} folders deep", path=folder, retryable=False)
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError as error:
        raise source_error(folder, error) from error
    for entry in found:
        matched = glob.regex.fullmatch(entry.path[len(glob.folder) :].lstrip("/")) is not None
        if _is_folder(entry):
            if matched and not glob.is_recursive_tail:
                raise SourceError(
                    f"{entry.path!r} is a folder where a file was meant",
                    path=entry.path,
                    retryable=False,
                    hint=f"to read the files below it: {entry.path}/**",
                )
            if depth < glob.depth_max if glob.depth_max is not None else entry.name[0] not in "._":
                yield from _walk(glob, entry.path, depth + 1, _follow(entry, folder, linked))
        elif matched:
            yield _split(entry.path)


def _follow(entry: os.DirEntry[str], folder: str, linked: frozenset[str]) -> frozenset[str]:
    """``linked`` with where ``entry`` leads, if it is a link. Errors: ``SourceError`` if that goes in a circle."""
    if not entry.is_symlink():
        return linked
    real = os.path.realpath(entry.path)
    if real in linked or os.path.commonpath((real, os.path.realpath(folder))) == real:
        message = f"{entry.path!r} is a symbolic link to {real!r}, which goes in a circle"
        raise SourceError(message, path=entry.path, retryable=False)
    return linked | {real}


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        raise source_error(entry.path, error) from error


def _split(path: str) -> Split:
    try:
        found = os.stat(path)
    except OSError as error:
        raise source_error(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{path!r} is not a regular file", path=path, retryable=False)
    return Split(path=path, size=found.st_size, mtime_ns=found.st_mtime_ns, etag=None)


def _check_unchanged(split: Split, cause: Exception | None = None) -> None:
    try:
        now = _split(split.path)
    except SourceError as error:
        if error.code != MISSING:
            raise error from cause
        message = f"{split.path!r} disappeared before it was read to its end"
        raise SourceError(message, path=split.path, code=MISSING) from (cause or error)
    if now != split:
        raise SourceError(
            f"{split.path!r} changed while it was read",
            path=split.path,
            hint="refresh again; write files under a hidden name (.part) and rename them when they are complete",
        ) from cause


def source_error(path: str, error: OSError) -> SourceError:
    """An error of the operating system, with its kind and whether trying again can help."""
    code, is_retryable = _KINDS.get(error.errno or 0, (None, True))
    if isinstance(error, FileNotFoundError) and os.path.islink(path):
        message = f"{path!r} is a symbolic link to {os.readlink(path)!r}, which does not exist"
    else:
        message = f"cannot read {path!r}: {error.strerror or error}"
    return SourceError(message, path=path, code=code, retryable=is_retryable)
