"""mvengine on a pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

SECONDS_MAX = 60.0
_ABOUT_THE_USER = ("XDG_", "MVENGINE_", "COLUMNS", "LINES", "EDITOR", "VISUAL", "PAGER", "NO_COLOR")

ENTER, TAB, ESCAPE, UP = "\r", "\t", "\x1b", "\x1b[A"
CTRL_C, CTRL_D, CTRL_R = "\x03", "\x04", "\x12"


class Terminal:
    """A shell in a folder that is its home. Every wait is for something to be seen, and fails after a minute."""

    def __init__(self, home: Path, *arguments: str, width: int = 80, height: int = 24, **variables: str) -> None:
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_ABOUT_THE_USER)},
            "HOME": str(home),
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody answers where the cursor is
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **variables,
        }
        command = ["-m", "mvengine", *arguments]
        self._child = pexpect.spawn(sys.executable, command, cwd=home, env=environment, dimensions=(height, width))

    def type(self, *texts: str) -> None:
        """Sends keys."""
        for text in texts:
            self._child.send(text)

    def run(self, *lines: str) -> None:
        """Sends lines."""
        for line in lines:
            self.type(line, ENTER)

    def see(self, text: str, *, times: int = 1) -> str:
        """Waits until the text is on the screen so many times; returns all that is there."""
        deadline = time.monotonic() + SECONDS_MAX
        while self.shown().count(text) < times:
            assert time.monotonic() < deadline, f"{text!r} was not seen:\n{self.shown()}"
            self._read()
        return self.shown()

    def shown(self) -> str:
        """The screen as it is."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def ended(self) -> int:
        """Waits for the end; the exit code."""
        self._child.expect(pexpect.EOF, timeout=SECONDS_MAX)
        self._stream.feed(self._child.before)
        self._child.close()
        return int(self._child.exitstatus)

    def _read(self) -> None:
        try:
            self._stream.feed(self._child.read_nonblocking(65536, timeout=1))
        except pexpect.TIMEOUT:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.close(force=True)
