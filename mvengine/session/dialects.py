"""SET, RESET and SHOW of the dialect, and settings of other systems that change nothing here."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from mvengine.session import answer
from mvengine.sql.statements import IgnoredSetting, SetDialect, ShowDialect

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: SetDialect | ShowDialect | IgnoredSetting) -> None:
    """Carries it out. A setting without a meaning is accepted, and the answer says so."""
    match statement:
        case SetDialect():
            session.dialect = statement.dialect or session.default_dialect
            answer.done(session)
        case ShowDialect():
            answer.text(session, "dialect", [session.dialect])
        case IgnoredSetting():
            notice = f"{statement.name} is a setting of {statement.dialect} that changes nothing here"
            answer.text(session, "notice", [notice])
        case _:
            assert_never(statement)
