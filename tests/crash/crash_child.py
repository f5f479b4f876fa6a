"""The process that is killed: ``python crash_child.py STEP DATABASE FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from crash_world import ENDLESS, PAUSED, STEPS

import mvengine

if __name__ == "__main__":
    step, database, folder = sys.argv[1:]
    with mvengine.connect(database) as con:
        {**STEPS, **ENDLESS, **PAUSED}[step](con, Path(folder))
