"""What all tests share: nobody waits between the attempts of a failed task."""

import os

os.environ.setdefault("MVENGINE_RETRY_PAUSE", "0")
