"""Files that fail: listing and opening that go wrong as often as a test says, slow files, files that change or vanish.

For tests of anything that refreshes from files, ours and those of plugin authors. Nothing of the engine is replaced:
what a test asks for really happens to the real files, between listing, opening and reading::

    with flaky_files() as files:
        files.fail("*/b.csv", times=2)                      # cannot be opened twice, then it can
        files.fail_listing(times=1)
        files.vanish("*/c.csv")                             # deleted when it has been opened
        files.change("*/d.csv", b"id,x\\n1,2\\n")              # other contents when it has been opened
        gate = files.hold("*/e.csv")                        # reading waits until gate.release()
        con.execute("REFRESH TABLE t BACKGROUND")

Names are globs over the paths or URLs of splits. ``flaky_store.FlakyStore`` does the same to an object store.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from mvengine.sources.base import Reader, Split
from mvengine.sources.local import source_error
from mvengine.sources.open import wrapped
from mvengine.sources.part import FOOTER, Part

WAIT_SECONDS_MAX = 60.0  # what waits for a test goes on after it: a test that forgets ends


@dataclass
class Gate:
    """A place where reading a file waits."""

    _reached: threading.Event = field(default_factory=threading.Event)
    _released: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float = WAIT_SECONDS_MAX) -> bool:
        """Until somebody stands there; False if nobody came."""
        return self._reached.wait(seconds)

    def release(self) -> None:
        """Lets those who wait go on, and all who come later."""
        self._released.set()

    def pass_through(self) -> None:
        """What the reader does: says that it is there, and waits."""
        self._reached.set()
        self._released.wait(WAIT_SECONDS_MAX)


@dataclass
class _Fault:
    """What happens at a moment to a file whose path matches, for as many times as are left, after some go well."""

    moment: str  # 'list' | 'open' | 'read': before listing, before opening, opened and nothing read yet
    pattern: str
    action: Callable[[str], None]
    after: int
    times: int


class FlakyFiles:
    """The faults of one block. Each is struck ``times`` times, after ``after`` passings that go well."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self.opened: list[str] = []  # paths, in the order in which they were opened to be loaded

    def fail(self, name: str, *, times: int = 1, after: int = 0, code: int = errno.EIO) -> None:
        """Opening fails with an error of the operating system."""
        self._add("open", name, _failing(code), times, after)

    def fail_listing(self, *, times: int = 1, after: int = 0, code: int = errno.EIO) -> None:
        """Listing a source fails."""
        self._add("list", "*", _failing(code), times, after)

    def vanish(self, name: str, *, times: int = 1, after: int = 0) -> None:
        """The local file is deleted when it has been opened and not yet read."""
        self._add("read", name, os.unlink, times, after)

    def change(self, name: str, contents: bytes, *, times: int = 1, after: int = 0) -> None:
        """The local file has other contents when it has been opened and not yet read."""
        self._add("read", name, lambda path: _rewrite(path, contents), times, after)

    def hold(self, name: str, *, times: int = 1, after: int = 0) -> Gate:
        """Reading waits at the gate that is returned."""
        gate = Gate()
        self._add("read", name, lambda _: gate.pass_through(), times, after)
        return gate

    def slow(self, name: str, seconds: float, *, times: int = 1, after: int = 0) -> None:
        """Reading takes so much longer."""
        self._add("read", name, lambda _: _wait(seconds), times, after)

    def act(self, name: str, action: Callable[[str], None], *, times: int = 1, after: int = 0) -> None:
        """Anything else, given the path, when the file has been opened and not yet read."""
        self._add("read", name, action, times, after)

    def _add(self, moment: str, pattern: str, action: Callable[[str], None], times: int, after: int) -> None:
        with self._lock:
            self._faults.append(_Fault(moment=moment, pattern=pattern, action=action, after=after, times=times))

    def strike(self, moment: str, path: str) -> None:
        """Runs what is due at this moment."""
        due = []
        with self._lock:
            if moment == "open":
                self.opened.append(path)
            for fault in self._faults:
                if fault.moment == moment and fnmatchcase(path, fault.pattern) and fault.times:
                    if fault.after:
                        fault.after -= 1
                    else:
                        fault.times -= 1
                        due.append(fault.action)
        for action in due:
            action(path)


@dataclass(frozen=True, kw_only=True)
class _FlakyReader:
    reader: Reader
    files: FlakyFiles

    def list_splits(self) -> tuple[Split, ...]:
        self.files.strike("list", "the source")
        return self.reader.list_splits()

    @contextmanager
    def open(self, split: Split, part: Part) -> Iterator[Path]:
        if part == FOOTER:  # looked at, not loaded
            with self.reader.open(split, part) as path:
                yield path
            return
        self.files.strike("open", split.path)
        with self.reader.open(split, part) as path:
            self.files.strike("read", split.path)
            yield path


@contextmanager
def flaky_files() -> Iterator[FlakyFiles]:
    """Faults for all sources of the process, until the block ends."""
    files = FlakyFiles()
    with wrapped(lambda reader: _FlakyReader(reader=reader, files=files)):
        yield files


def _failing(code: int) -> Callable[[str], None]:
    def fail(path: str) -> None:
        raise source_error(path, OSError(code, os.strerror(code)))

    return fail


def _rewrite(path: str, contents: bytes) -> None:
    """Writes other contents and makes sure that the time tells."""
    before = os.stat(path).st_mtime_ns
    Path(path).write_bytes(contents)
    if os.stat(path).st_mtime_ns == before:
        os.utime(path, ns=(before + 1, before + 1))


def _wait(seconds: float) -> None:
    threading.Event().wait(min(seconds, WAIT_SECONDS_MAX))
