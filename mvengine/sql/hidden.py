"""Writes by ways that cannot be captured: what stands in the words of a statement that DuckDB accepts.

DuckDB 2.0 lets a WITH in front of a SELECT, an INSERT, a COPY … TO or a CREATE TABLE AS write; EXPLAIN ANALYZE runs
what it explains, even with ``analyze false``; json_execute_serialized_sql runs plans that may write.
"""

from __future__ import annotations

from mvengine.sql.split import Piece
from mvengine.sql.statements import Refused
from mvengine.sql.tokens import Token, end_of_group, identifier, names_in, word_at
from mvengine.sql.write import main_verb

_WRITING = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"})
_READING = frozenset({"SELECT", "FROM", "VALUES", "TABLE", "(", "PIVOT", "UNPIVOT", "DESCRIBE", "SHOW", "SUMMARIZE"})
_ANALYZE = frozenset({"ANALYZE", "ANALYSE"})
_SERIALIZED = "json_execute_serialized_sql"


def hidden_write(piece: Piece, kind: str) -> Refused | None:
    """The refusal of a statement that writes where it cannot be captured; None for all others."""
    leading = [word_at(piece.tokens, index) for index in range(3)]
    if leading[0] == "EXPLAIN":
        inner = _run_by_explain(piece)
        if inner is not None and (_has_nested_write(piece.tokens) or main_verb(inner) not in _READING):
            reason, hint = "EXPLAIN ANALYZE would run the statement uncaptured", "use EXPLAIN without ANALYZE"
            return _refused(piece, kind, reason, hint, is_opaque=False)
        return None
    if _has_nested_write(piece.tokens):
        reason, hint = "a WITH clause that writes cannot be captured", "write with a statement of its own"
        return _refused(piece, kind, reason, hint, is_opaque=False)
    if leading[0] == "CREATE" and "TRIGGER" in (word_at(piece.tokens, index) for index in range(1, 6)):
        reason, hint = "what a trigger writes cannot be captured", "use a materialized view, or write by statements"
        return _refused(piece, kind, reason, hint, is_opaque=False)
    if leading[:2] == ["IMPORT", "DATABASE"] or leading == ["COPY", "FROM", "DATABASE"]:
        reason, hint = "writing a whole database cannot be captured", "load its tables one by one"
        return _refused(piece, kind, reason, hint, is_opaque=True)
    if _runs_serialized_plan(piece):
        reason, hint = f"a plan run by {_SERIALIZED} may write uncaptured", "run the SQL text itself"
        return _refused(piece, kind, reason, hint, is_opaque=True)
    return None


def _refused(piece: Piece, kind: str, reason: str, hint: str, *, is_opaque: bool) -> Refused:
    return Refused(
        reason=reason, hint=hint, names=names_in(piece.tokens), text=piece.text, kind=kind, is_opaque=is_opaque
    )


def _has_nested_write(tokens: tuple[Token, ...]) -> bool:
    """Whether a writing statement begins inside brackets: after ``(``, or after the list of a WITH of its own."""
    if not any(token.word in _WRITING for token in tokens):
        return False
    depth = 0
    for index, token in enumerate(tokens):
        if token.word in ("(", "[", "{"):
            depth += 1
        elif token.word in (")", "]", "}"):
            depth -= 1
        elif depth and token.word in _WRITING and _begins_write(tokens, index):
            return True
    return False


def _begins_write(tokens: tuple[Token, ...], index: int) -> bool:
    """Tells ``(DELETE FROM t`` from an expression on a column that is called delete."""
    if word_at(tokens, index - 1) not in ("(", ")", ","):
        return False
    following = word_at(tokens, index + 1)
    match tokens[index].word:
        case "INSERT":
            return following in ("INTO", "OR")
        case "DELETE":
            return following == "FROM"
        case "MERGE":
            return following == "INTO"
        case "UPDATE":
            return "SET" in (word_at(tokens, after) for after in range(index + 2, index + 10))
        case _:
            return index + 1 < len(tokens) and tokens[index + 1].kind in ("word", "quoted", "string")


def _run_by_explain(piece: Piece) -> Piece | None:
    """The statement that an EXPLAIN runs, ANALYZE standing before it or among the options; None where it runs none."""
    tokens, index = piece.tokens, 1
    if word_at(tokens, 1) == "(":
        index = end_of_group(tokens, 1)
    elif word_at(tokens, 1) in _ANALYZE:
        index = 2
    is_run = any(token.word in _ANALYZE for token in tokens[:index])
    return piece.tail(index) if is_run and index < len(tokens) else None


def _runs_serialized_plan(piece: Piece) -> bool:
    """Whether the function is named, or may be named in a text for ``query('…')``."""
    if _SERIALIZED not in piece.text.lower():
        return False
    names = {identifier(token).lower() for token in piece.tokens if token.kind in ("word", "quoted")}
    return _SERIALIZED in names or "query" in names
