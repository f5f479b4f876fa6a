"""The user's own files: where the history is kept, and what is run before the first prompt."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def startup_file() -> Path | None:
    """MVENGINE_INIT, or ``mvengine/init.sql`` in the user's configuration (XDG); None where there is none."""
    given = os.environ.get("MVENGINE_INIT")
    if given is not None:
        return Path(given).expanduser() if given else None
    path = _directory("XDG_CONFIG_HOME", ".config") / "mvengine" / "init.sql"
    return path if path.is_file() else None


def history_file() -> Path:
    """MVENGINE_HISTORY, or ``mvengine/history`` in the user's state directory (XDG)."""
    given = os.environ.get("MVENGINE_HISTORY")
    if given:
        return Path(given).expanduser()
    return _directory("XDG_STATE_HOME", ".local/state") / "mvengine" / "history"


def _directory(variable: str, default: str) -> Path:
    """A folder of the user's: by its XDG variable, on Windows the local application data."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get(variable) or Path.home() / default)
