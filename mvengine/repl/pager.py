"""A pager for what is longer than the screen: MVENGINE_PAGER, PAGER, or less."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_LESS = "FRSX"  # of less: leave what fits one screen, keep colours, cut long lines, do not clear the screen


def pager_command() -> list[str]:
    """The command and its arguments; empty where there is none."""
    wanted = os.environ.get("MVENGINE_PAGER", os.environ.get("PAGER", "less"))
    try:
        words = shlex.split(wanted)
    except ValueError:
        return []
    return words if words and shutil.which(words[0]) else []


def page(lines: Iterable[str], command: list[str]) -> None:
    """Hands lines to a pager until there are no more or the user leaves it. Lines are made as the pager takes them."""
    environment = {"LESS": _LESS, "LESSCHARSET": "utf-8", **os.environ}
    with _undisturbed(), subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None
        try:
            for line in lines:
                process.stdin.write(line + "\n")
            process.stdin.close()
        except BrokenPipeError:
            process.stdin = None  # the user has seen enough; there is nothing to flush any more


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Meanwhile Ctrl-C belongs to the pager."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
