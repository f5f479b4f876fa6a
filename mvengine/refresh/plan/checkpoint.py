"""What a load task has staged, and of what: written with each stage, judged before it goes on. Pure.

Which files are staged stands in ``mv_meta.staged_files``, with the rows themselves; a checkpoint says under which
definition and when. Files that have changed since are found when the source is listed anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """After ``stages`` durable stages of a table whose fragment has ``digest``, at the time ``at``."""

    digest: str
    stages: int
    at: datetime

    def dumps(self) -> str:
        return json.dumps({**asdict(self), "format": FORMAT, "at": self.at.isoformat()})


def discard_reason(text: str | None, *, digest: str, now: datetime, age_max_seconds: float) -> str | None:
    """Why what is staged must not be used, or None where it may. Without a checkpoint nothing speaks against it."""
    if text is None:
        return None
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            return f"its checkpoint has format {values['format']}, this is format {FORMAT}"
        found = Checkpoint(
            digest=str(values["digest"]), stages=int(values["stages"]), at=datetime.fromisoformat(values["at"])
        )
        age = (now - found.at).total_seconds()
    except (ValueError, KeyError, TypeError) as error:
        return f"its checkpoint cannot be read: {error!r}"
    if found.digest != digest:
        return "the definition of the table has changed since"
    if age > age_max_seconds:
        return f"its checkpoint is {age:.0f} s old, more than checkpoint_age_max = {age_max_seconds:.0f} s"
    return None
