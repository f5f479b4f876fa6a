"""Settings of other systems that change nothing here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.session import answer
from mvengine.sql.statements import IgnoredSetting

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: IgnoredSetting) -> None:
    """Accepts it, and the answer says that it means nothing."""
    notice = f"{statement.name} is a setting of {statement.dialect} that changes nothing here"
    answer.text(session, "notice", [notice])
