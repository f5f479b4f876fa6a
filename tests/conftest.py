"""What all tests share: nobody waits between the attempts of a failed task, and errors of the planner are seen."""

import os

from mvengine.planner import plan

plan.raises_own_errors = True
os.environ.setdefault("MVENGINE_RETRY_PAUSE", "0")
