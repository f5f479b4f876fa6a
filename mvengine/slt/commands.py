"""Commands of ``system`` records, run with bash."""

from __future__ import annotations

import subprocess
from tempfile import TemporaryFile

from mvengine.slt.answers import Mismatch

COMMAND_SECONDS_MAX = 600.0


def check_command(command: str, output: str | None, seconds_max: float) -> Mismatch | None:
    """Runs a command; None if it succeeds, and prints ``output`` where that is given."""
    status, printed, errors = _run(command, seconds_max)
    if status != "exit status 0":
        actual = f"{status}\n{printed}\n{errors}".strip()
        return Mismatch(reason="the command fails", expected="exit status 0", actual=actual)
    if output is not None and printed != output.strip():
        lines = tuple(printed.split("\n"))
        return Mismatch(reason="a different output", expected=output, actual=printed, lines=lines)
    return None


def _run(command: str, seconds_max: float) -> tuple[str, str, str]:
    """How it ended, what it printed, and what it complained of.

    It writes to files and not to pipes: a process that ``&`` leaves behind would keep a pipe open.
    """
    with TemporaryFile("w+", errors="replace") as output, TemporaryFile("w+", errors="replace") as errors:
        try:
            done = subprocess.run(
                ["bash", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=seconds_max,
                check=False,
            )
            status = f"exit status {done.returncode}"
        except subprocess.TimeoutExpired:
            status = f"not finished after {seconds_max:g} seconds"
        except (OSError, ValueError) as error:  # no bash; a NUL byte
            status = f"cannot be run: {error}"
        output.seek(0)
        errors.seek(0)
        return status, output.read().strip(), errors.read().strip()
