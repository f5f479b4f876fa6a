"""Where results go: the screen, a pager, a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mvengine.errors import OperationalError
from mvengine.repl.display import PagerUse
from mvengine.repl.pager import page, pager_command

if TYPE_CHECKING:
    from rich.console import Console

PROMPT_LINES = 2  # of the screen that the prompt needs below a result


class Output:
    """Lines go to ``screen``, or to a file that ``redirect`` has opened. ``is_paged``: somebody sits before it."""

    def __init__(self, screen: Console) -> None:
        self.screen = screen
        self.is_paged = False
        self._file: TextIO | None = None
        self._is_once = False

    @property
    def is_terminal(self) -> bool:
        """Whether lines go to a terminal now."""
        return self._file is None and self.screen.is_terminal

    def write(self, lines: Iterable[str], *, pager: PagerUse = PagerUse.OFF) -> None:
        """Writes lines, as they are made. Raises ``OperationalError`` where a file cannot be written."""
        if self._file is not None:
            self._write(lines, self._file)
            return
        command = pager_command() if self.is_paged and self.is_terminal and pager is not PagerUse.OFF else []
        if command:
            lines = iter(lines)
            first = list(islice(lines, max(1, self.screen.height - PROMPT_LINES)))
            more = list(islice(lines, 1))
            if pager is PagerUse.ON or more:
                page(chain(first, more, lines), command)
                return
            lines = first
        for line in lines:
            self.screen.file.write(line + "\n")

    def redirect(self, path: Path | None, *, is_once: bool = False) -> None:
        """From now on lines go to the file, which is made anew; to the screen with None. ``is_once``: up to ``done``.

        Raises ``OperationalError`` where the file cannot be opened.
        """
        self.close()
        if path is None:
            return
        try:
            self._file = path.expanduser().open("w", encoding="utf-8")
        except OSError as error:
            raise OperationalError(f"cannot write {path}: {error.strerror}", code="58030") from error
        self._is_once = is_once

    def done(self) -> None:
        """A statement or command is over."""
        if self._is_once:
            self.close()
        elif self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Lines go to the screen again."""
        file, self._file, self._is_once = self._file, None, False
        if file is not None:
            file.close()

    @staticmethod
    def _write(lines: Iterable[str], file: TextIO) -> None:
        try:
            file.writelines(_ended(lines))
        except OSError as error:
            raise OperationalError(f"cannot write {file.name}: {error.strerror}", code="58030") from error


def _ended(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line + "\n"
