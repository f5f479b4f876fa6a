"""What becomes of views after their CREATE: states that are not normal, and plans that ALTER rewrites."""

from __future__ import annotations

from mvengine.errors import InternalError
from mvengine.meta.records import StoredFragment, fragment_digest
from mvengine.meta.store.foreign import ForeignStore

_NOTE = """
INSERT INTO mv_meta.state_history
SELECT nextval('mv_meta.history_seq'), 'view', r.relation_id, r.schema_name, r.name, coalesce(v.state, 'fresh'), $event,
       $state, $cause, NULL, $now
FROM mv_meta.relations AS r LEFT JOIN mv_meta.view_states AS v USING (relation_id)
WHERE r.relation_id = $relation_id
"""

_SET = """
INSERT INTO mv_meta.view_states
SELECT $relation_id, $state, $failure, $now, coalesce(max(epoch), 0), nextval('mv_meta.view_state_ids')
FROM mv_meta.epochs
"""

_EVENTS = {"suspended": "SUSPEND", "wrong": "FOUND_WRONG"}


class ViewStore(ForeignStore):
    def view_state(self, relation_id: int) -> tuple[str, str] | None:
        """State and failure of a view that is suspended or wrong; None for others."""
        rows = self._rows("SELECT state, failure FROM mv_meta.view_states WHERE relation_id = ?", [relation_id])
        return (rows[0][0], rows[0][1]) if rows else None

    def set_view_state(self, relation_id: int, state: str, failure: str) -> None:
        """Records that a view is ``suspended`` or ``wrong``, and why. Whoever suspends one reads the graph again."""
        held = self.view_state(relation_id)
        if held == (state, failure):
            return
        if held is None or held[0] != state:
            self._note(relation_id, _EVENTS[state], state, failure)
        epoch = None if held is None else self._epoch(relation_id)
        self._rows("DELETE FROM mv_meta.view_states WHERE relation_id = ?", [relation_id])
        values = {"relation_id": relation_id, "state": state, "failure": failure, "now": self._now()}
        self._rows(_SET, values)
        if epoch is not None:  # it has followed nothing since
            self._rows("UPDATE mv_meta.view_states SET epoch = ? WHERE relation_id = ?", [epoch, relation_id])

    def clear_view_state(self, relation_id: int, cause: str) -> bool:
        """Records that a view equals its query again; whether it had been suspended or wrong."""
        if self.view_state(relation_id) is None:
            return False
        self._note(relation_id, "HEAL", "fresh", cause)
        self._rows("DELETE FROM mv_meta.view_states WHERE relation_id = ?", [relation_id])
        self.settle_view(relation_id)
        return True

    def replace_fragment(self, relation_id: int, fragment: StoredFragment, policy: str) -> None:
        """Puts another plan of the same view in place of its present one. ``InternalError``: a wrong digest."""
        if fragment.digest != fragment_digest(fragment.text):
            raise InternalError(f"a fragment has digest {fragment.digest}, which is not that of its text")
        self._rows("DELETE FROM mv_meta.fragments WHERE relation_id = ?", [relation_id])
        values = (relation_id, fragment.format, fragment.digest, fragment.text)
        self._rows("INSERT INTO mv_meta.fragments VALUES (?, ?, ?, ?)", values)
        self._rows("UPDATE mv_meta.relations SET policy = ? WHERE relation_id = ?", [policy, relation_id])

    def _epoch(self, relation_id: int) -> int:
        return int(self._rows("SELECT epoch FROM mv_meta.view_states WHERE relation_id = ?", [relation_id])[0][0])

    def _note(self, relation_id: int, event: str, state: str, cause: str) -> None:
        values = {"relation_id": relation_id, "event": event, "state": state, "cause": cause, "now": self._now()}
        self._rows(_NOTE, values)
