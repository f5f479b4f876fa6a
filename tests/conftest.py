"""What all tests share: nobody waits between the attempts of a failed task, and errors of the planner are seen."""

import os

from mvengine.planner import plan

pytest_plugins = ["mvengine.slt.pytest_plugin"]  # also where mvengine is not installed

plan.raises_own_errors = True
os.environ.setdefault("MVENGINE_RETRY_PAUSE", "0")
