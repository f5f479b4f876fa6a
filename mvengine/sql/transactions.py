"""BEGIN, COMMIT, ROLLBACK as PostgreSQL has them, and what there is no counterpart for, by its name.

BEGIN | START TRANSACTION [WORK | TRANSACTION] [mode [,] …]      mode: ISOLATION LEVEL …, READ ONLY | WRITE,
COMMIT | END  [WORK | TRANSACTION] [AND [NO] CHAIN]                    [NOT] DEFERRABLE
ROLLBACK | ABORT  [WORK | TRANSACTION] [AND [NO] CHAIN]
"""

from __future__ import annotations

from mvengine.errors import NotSupportedError, ParseError
from mvengine.sql.hints import hint_for
from mvengine.sql.split import Piece
from mvengine.sql.statements import Transaction, TransactionVerb
from mvengine.sql.tokens import word_at

_VERBS = {
    "BEGIN": TransactionVerb.BEGIN,
    "START": TransactionVerb.BEGIN,
    "COMMIT": TransactionVerb.COMMIT,
    "END": TransactionVerb.COMMIT,
    "ROLLBACK": TransactionVerb.ROLLBACK,
    "ABORT": TransactionVerb.ROLLBACK,
}
_ENDS: dict[tuple[str, ...], bool] = {(): False, ("AND", "CHAIN"): True, ("AND", "NO", "CHAIN"): False}
_MODES: dict[tuple[str, ...], bool] = {  # whether nothing is written
    ("READ", "ONLY"): True,
    ("READ", "WRITE"): False,
    ("DEFERRABLE",): False,
    ("NOT", "DEFERRABLE"): False,
    ("ISOLATION", "LEVEL", "READ", "UNCOMMITTED"): False,
    ("ISOLATION", "LEVEL", "READ", "COMMITTED"): False,
    ("ISOLATION", "LEVEL", "REPEATABLE", "READ"): False,
}
_SERIALIZABLE = ("ISOLATION", "LEVEL", "SERIALIZABLE")
_LONGEST = 4  # words of a mode


def read_transaction(piece: Piece) -> Transaction | None:
    """The statement; None where it is none of these. Errors: ``ParseError``, ``NotSupportedError``."""
    words = [word_at(piece.tokens, index) for index in range(len(piece.tokens))]
    verb = _VERBS.get(words[0])
    if verb is None:
        return None
    begin = 2 if words[1:2] in (["WORK"], ["TRANSACTION"]) else 1
    if verb is TransactionVerb.BEGIN:
        return Transaction(verb=verb, is_read_only=_modes(piece, words, begin), is_chained=False)
    is_chained = _ENDS.get(tuple(words[begin:]))
    if is_chained is None:
        raise _unexpected(piece, begin)
    return Transaction(verb=verb, is_read_only=False, is_chained=is_chained)


def _modes(piece: Piece, words: list[str], index: int) -> bool:
    """Whether the modes that stand at an index say READ ONLY."""
    is_read_only = False
    while index < len(words):
        if tuple(words[index : index + 3]) == _SERIALIZABLE:
            raise NotSupportedError(
                "ISOLATION LEVEL SERIALIZABLE: transactions see a snapshot, which is REPEATABLE READ",
                hint="leave it out, or BEGIN ISOLATION LEVEL REPEATABLE READ",
                position=piece.position(index),
            )
        length = next((n for n in range(_LONGEST, 0, -1) if tuple(words[index : index + n]) in _MODES), 0)
        if not length:
            raise _unexpected(piece, index)
        is_read_only = is_read_only or _MODES[tuple(words[index : index + length])]
        index += length
        if words[index : index + 1] == [","]:
            index += 1
    return is_read_only


def _unexpected(piece: Piece, index: int) -> ParseError:
    return ParseError(
        f'syntax error at "{piece.tokens[index].text}"',
        position=piece.position(index),
        hint=hint_for(piece) or "BEGIN [READ ONLY], COMMIT [AND CHAIN], ROLLBACK [AND CHAIN]",
    )


def refuse_foreign(piece: Piece) -> None:
    """Raises NotSupportedError for statements about transactions that other engines have and this one has not."""
    words = [word_at(piece.tokens, index) for index in range(4)]
    rest = words[2:] if words[1] in ("WORK", "TRANSACTION") else words[1:]
    name, hint = "", ""
    match words:
        case ["SAVEPOINT" | "RELEASE", *_]:
            name, hint = words[0] if words[0] == "SAVEPOINT" else "RELEASE SAVEPOINT", _WITHOUT_SAVEPOINTS
        case ["ROLLBACK" | "ABORT", *_] if rest[:1] == ["TO"]:
            name, hint = "ROLLBACK TO SAVEPOINT", _WITHOUT_SAVEPOINTS
        case ["PREPARE", "TRANSACTION", after, _] if after != "AS":
            name, hint = "PREPARE TRANSACTION", "COMMIT writes all at once: there is one database only"
        case ["COMMIT" | "ROLLBACK", "PREPARED", *_]:
            name, hint = f"{words[0]} PREPARED", "COMMIT writes all at once: there is one database only"
        case ["LOCK", *_]:
            name, hint = "LOCK", "the first write of a transaction locks out other writers by itself"
        case ["SET", "TRANSACTION" | "CONSTRAINTS", *_] | ["SET", "SESSION", "CHARACTERISTICS", _]:
            name, hint = " ".join(words[: 3 if words[1] == "SESSION" else 2]), "say it in BEGIN, as in BEGIN READ ONLY"
    if name:
        raise NotSupportedError(f"{name} is not supported", hint=hint, position=piece.position(0))


_WITHOUT_SAVEPOINTS = "a transaction is rolled back as a whole: make it several, or check before you write"
