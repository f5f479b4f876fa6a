"""What a user may have meant whose statement DuckDB does not understand."""

from __future__ import annotations

import difflib

from mvengine.config import SETTINGS
from mvengine.sql.showing import ShowKind
from mvengine.sql.split import Piece
from mvengine.sql.statements import ExplainStage
from mvengine.sql.tokens import word_at

_LEADING = (
    *("REFRESH", "VERIFY", "CREATE", "EXPLAIN", "DROP"),
    *("PAUSE", "RESUME", "CANCEL", "RETRY", "WAIT", "ROLLBACK", "SHOW"),
)
_SETTINGS = tuple(name.upper() for name in SETTINGS)
_SEQUENCE = "number rows by a sequence: CREATE SEQUENCE s, and DEFAULT nextval('s')"
_ELSEWHERE = {  # words of other engines, by the statement that they stand in: what to write instead
    ("CREATE", "IDENTITY"): _SEQUENCE,
    ("CREATE", "LIKE"): "CREATE TABLE t AS FROM other WITH NO DATA has the columns of another",
    ("CREATE", "CONFLICT"): "say it where rows are written: INSERT … ON CONFLICT DO UPDATE | NOTHING",
    ("CREATE", "UNLOGGED"): "leave UNLOGGED out",
    ("CREATE", "INHERITS"): "repeat the columns; a view with UNION ALL reads several tables as one",
    ("ALTER", "OWNER"): "leave it out: a database file has no users",
    ("ALTER", "CONSTRAINT"): "constraints keep their names; create the table anew with others",
    ("ALTER", "IDENTITY"): _SEQUENCE,
}
_OTHERS = frozenset({"WITH", "SELECT", "FROM", "VALUES", "TABLE", "SET", "CALL", "COPY", "DESCRIBE"})  # not misspelt
_TOKENS_MAX = 2000  # of a statement that are looked at


def hint_for(piece: Piece) -> str | None:
    """A hint for a statement that is nearly one of mvengine's, by its misspelt keywords."""
    words = [word_at(piece.tokens, index) for index in range(3)]
    if words[0] in ("CREATE", "ALTER") and "TABLE" in words:
        found = (_ELSEWHERE.get((words[0], token.word)) for token in piece.tokens[:_TOKENS_MAX])
        if hint := next(filter(None, found), None):
            return hint
    match words:
        case ["EXPLAIN", "(", stage] if word_at(piece.tokens, 3) == ")":
            near = _near(stage, tuple(ExplainStage))
            return f"did you mean EXPLAIN ({near})?" if near else None
        case ["EXPLAIN", "CREATE", _]:
            return f"to see how mvengine reads it, use EXPLAIN ({' | '.join(ExplainStage)}) statement"
        case ["SHOW", word, _] if (near := _near(word, tuple(ShowKind))) is not None:
            return f"did you mean SHOW {near}?"
        case ["CREATE" | "EXPLAIN" | "DROP" | "ALTER" | "ROLLBACK", word, _]:
            near = _near(word, ("REFRESH",) if words[0] == "ROLLBACK" else ("MATERIALIZED", "REFRESH"))
            if near:
                return f"did you mean {words[0]} {near}?"
            if words[0] == "CREATE":
                return _hint_for_clause(piece)
        case [word, _, _] if word not in _OTHERS and (near := _near(word, _LEADING)) is not None:
            return f"did you mean {near}?"
    return None


def hint_for_unknown(text: str) -> str | None:
    """A hint for a statement that DuckDB understands, and in which it does not find what is named."""
    match text.upper().rstrip("; \n\t").split():
        case ["CREATE", *words] if "TABLE" in words and {"SERIAL", "(SERIAL", "BIGSERIAL"} & {
            w.strip(",)") for w in words
        }:
            return _SEQUENCE
        case ["SHOW", word] if not word.startswith('"'):
            near = difflib.get_close_matches(word, tuple(ShowKind), n=1, cutoff=0.75)
            return f"did you mean SHOW {near[0]}?" if near else None
        case ["SET" | "RESET" as verb, word, *_] if (meant := _near(word.partition("=")[0], _SETTINGS)) is not None:
            return f"did you mean {verb} {meant.lower()}?"
    return None


def _hint_for_clause(piece: Piece) -> str | None:
    for token in piece.tokens[:_TOKENS_MAX]:
        if _near(token.word, ("REFRESHABLE",)):
            return "did you mean REFRESHABLE?"
    return None


def _near(word: str, known: tuple[str, ...]) -> str | None:
    """The known word that a word nearly, but not exactly, is."""
    if word in known or not 3 < len(word) < 30:
        return None
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.75)), None)
