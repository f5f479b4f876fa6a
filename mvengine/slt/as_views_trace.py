"""The first run of a script: what it sends, as it comes, and which of its queries are answered with rows."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.slt.answers import Answer
from mvengine.slt.as_views_statements import Kind, Sent, look_at
from mvengine.slt.engines import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A text sent in a session.

    ``touches`` are the names whose definition it changed, None: any may have. ``is_quiet``: no transaction was open
    when it was sent. ``is_fresh``: what was there before it may be gone, or was changed out of sight.
    """

    session: int
    sql: str
    sent: Sent
    is_ok: bool
    touches: frozenset[str] | None
    is_quiet: bool
    is_fresh: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A query that was answered with rows. ``line`` is its record's; ``is_once``: that never asks again."""

    line: int
    columns: int
    is_once: bool


class Transactions:
    """Which sessions have an open transaction, as far as the statements tell."""

    def __init__(self) -> None:
        self._open: dict[int, bool] = {}  # whether it has changed definitions

    @property
    def is_quiet(self) -> bool:
        return not self._open

    def is_open(self, session: int) -> bool:
        return session in self._open

    def ran(self, session: int, sent: Sent, *, is_ok: bool) -> bool:
        """Takes note of a statement; whether it has undone changes of definitions."""
        defines = sent.touches is None or bool(sent.touches)
        match sent.kind:
            case Kind.BEGIN if is_ok:
                self._open.setdefault(session, defines)
            case Kind.COMMIT | Kind.ROLLBACK:
                has_defined = self._open.pop(session, False)
                return has_defined and not (is_ok and sent.kind is Kind.COMMIT)
            case _ if session in self._open:
                self._open[session] |= defines
        return False

    def clear(self) -> None:
        self._open.clear()


class Trace:
    """An observer that changes nothing. ``asked`` has the answered queries by the index of their event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.asked: dict[int, Asked] = {}
        self._connections: list[Connection] = []
        self._transactions = Transactions()
        self._is_fresh = False

    def opened(self, connection: Connection) -> int:
        self._is_fresh = bool(self.events)
        self._transactions.clear()
        return self.forked(connection)

    def forked(self, connection: Connection) -> int:
        self._connections.append(connection)
        return len(self._connections) - 1

    def closed(self, session: int) -> None:
        pass

    def overtaken(self) -> None:
        self._is_fresh = True

    def run(self, session: int, sql: str) -> Answer:
        is_ok = False
        try:
            answer = self._connections[session].run(sql)
            is_ok = True
            return answer
        finally:
            self._note(session, sql, is_ok=is_ok)

    def answered(self, line: int, answer: Answer, *, is_once: bool) -> None:
        """The last text was a query of the script, and this its answer."""
        self.asked[len(self.events) - 1] = Asked(line=line, columns=len(answer.description), is_once=is_once)

    def _note(self, session: int, sql: str, *, is_ok: bool) -> None:
        sent, is_quiet = look_at(sql), self._transactions.is_quiet
        is_undone = self._transactions.ran(session, sent, is_ok=is_ok)
        is_nothing = not is_ok and bool(sent.defines)  # a CREATE that fails leaves what was there
        touches = frozenset[str]() if is_nothing else sent.touches
        self.events.append(
            Event(
                session=session,
                sql=sql,
                sent=sent,
                is_ok=is_ok,
                touches=None if is_undone else touches,
                is_quiet=is_quiet,
                is_fresh=self._is_fresh,
            )
        )
        self._is_fresh = False
