"""Text → statements: whose a statement is, and what it may write.

Our leading words, and CREATE TABLE with our clauses, go to mvengine's grammar; everything else is read by DuckDB,
whose own classification decides. Never is one parser tried after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mvengine.config import SETTINGS, Scope
from mvengine.errors import Error, ParseError, Position
from mvengine.sql.alteration import actions_of, read_alter_table
from mvengine.sql.catalogs import catalogued
from mvengine.sql.ddl import read_ddl, skip_condition
from mvengine.sql.dialects.settings import DUCKDB, read_ignored
from mvengine.sql.dialects.translate import original_position, translate
from mvengine.sql.functions import read_function
from mvengine.sql.grammar import parse_own
from mvengine.sql.hidden import hidden_write
from mvengine.sql.hints import hint_for
from mvengine.sql.names import read_name
from mvengine.sql.plain import read_plain
from mvengine.sql.prepared import native_prepare, prepared_write, read_deallocate, read_execute, read_prepare
from mvengine.sql.setting_statements import ResetAll, SetSetting, read_value
from mvengine.sql.showing import ShowKind
from mvengine.sql.split import Piece, split
from mvengine.sql.statements import AlterTable, AlterTables, ExplainStage, Flush, Native, Prepare, Statement, Write
from mvengine.sql.tokens import end_of_group, word_at
from mvengine.sql.transactions import read_transaction, refuse_foreign
from mvengine.sql.write import is_write, read_write

Extract = Callable[[str], Sequence[tuple[str, str]]]

_REFRESHABLE_OPTIONS = frozenset({"CONNECTOR", "REFRESH_MODE"})
_CREATED = {"MATERIALIZED": "materialized view", "SOURCE": "source", "TABLE": "refreshable table"}
_DROPPED = frozenset({"TABLE", "MATERIALIZED", "VIEW", "SOURCE", "SCHEMA", "INDEX", "FUNCTION", "MACRO"})
_COMMENTED = frozenset({"TABLE", "VIEW", "MATERIALIZED", "SOURCE", "COLUMN", "FUNCTION", "MACRO"})
_STAGES = frozenset(ExplainStage)
_SHOWN = frozenset(ShowKind) - {ShowKind.COLUMNS, ShowKind.ALL_TABLES, ShowKind.MATERIALIZED_VIEWS}  # by one word
_SETTINGS = frozenset(name.upper() for name, it in SETTINGS.items() if it.scope is not Scope.DUCKDB)
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE_INTO", "COPY", "MULTI"})  # MULTI: a PIVOT is inside


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A statement, the piece of text that it was read from, and what that piece is in DuckDB's dialect."""

    statement: Statement
    piece: Piece
    translated: Piece

    def locate(self, error: Error) -> None:
        """Moves the position of an error of the run: from the translation to what the user wrote."""
        if self.piece is not self.translated:
            error.position = original_position(self.piece, self.translated, error.position)


def parse(text: str, extract: Extract) -> list[Statement]:
    """The statements of a text in DuckDB's dialect, as ``read`` reads them."""
    return [parsed.statement for parsed in read(text, extract, DUCKDB)]


def read(text: str, extract: Extract, dialect: str, default: str = DUCKDB) -> list[Parsed]:
    """The statements of a text in a dialect, which SET dialect changes for those behind it, and RESET to the default.

    ``extract`` is DuckDB's ``extract_statements``: SQL text → [(StatementType's name, text)]; it raises an ``Error``
    of mvengine on text that DuckDB does not understand, with a position in the text it was given.
    Errors: ``ParseError``, and ``NotSupportedError`` for what has no translation; positions count in the whole text.
    """
    if dialect == DUCKDB and (query := read_plain(text, extract)) is not None:
        whole = Piece(source=text, tokens=())
        return [Parsed(statement=query, piece=whole, translated=whole)]
    found = list[Parsed]()
    for piece in split(text):
        ignored = read_ignored(piece, dialect)
        if ignored is not None:
            found.append(Parsed(statement=ignored, piece=piece, translated=piece))
        else:
            found.append(_translated(piece, extract, dialect))
            dialect = _dialect_behind(found[-1].statement, dialect, default)
    return found


def _dialect_behind(statement: Statement, dialect: str, default: str) -> str:
    """The dialect of what stands behind a statement."""
    match statement:
        case SetSetting(name="dialect"):
            return str(read_value(statement) or default)
        case ResetAll():
            return default
    return dialect


def _translated(piece: Piece, extract: Extract, dialect: str) -> Parsed:
    translated = translate(piece, dialect)
    try:
        statement = _statement(translated, extract)
        if dialect != DUCKDB:
            statement = _written_in(dialect, statement)
        return Parsed(statement=statement, piece=piece, translated=translated)
    except Error as error:
        if translated is not piece:
            error.position = original_position(piece, translated, error.position)
        raise


def _written_in(dialect: str, statement: Statement) -> Statement:
    """The statement, which remembers the dialect if it writes: keys and literals mean something else there."""
    match statement:
        case Write():
            return replace(statement, dialect=dialect)
        case Prepare() if statement.write is not None:
            return replace(statement, write=replace(statement.write, dialect=dialect))
    return statement


def _statement(piece: Piece, extract: Extract) -> Statement:
    refuse_foreign(piece)
    if [token.word for token in piece.tokens] == ["FLUSH"]:
        return Flush()
    if is_own(piece):
        return parse_own(piece)
    if (transaction := read_transaction(piece)) is not None:
        return transaction
    match piece.tokens[0].word:
        case "PREPARE":
            kind = _native_kind(prepared_write(piece) or native_prepare(piece), extract)
            return hidden_write(piece, kind) or read_prepare(piece)
        case "EXECUTE" if len(piece.tokens) > 1:
            return hidden_write(piece, "EXECUTE") or read_execute(piece)
        case "DEALLOCATE" if len(piece.tokens) == 2 and word_at(piece.tokens, 1) == "ALL":
            return read_deallocate(piece)
    if (function := read_function(piece)) is not None:
        return function
    if actions := actions_of(piece):
        return AlterTables(parts=tuple(_action(piece, action, extract) for action in actions))
    if (alteration := read_alter_table(piece)) is not None:
        _native_kind(_until(piece, alteration.native.text), extract)
        return alteration
    piece = catalogued(piece)
    kind = _native_kind(piece, extract)
    return hidden_write(piece, kind) or _read(piece, kind)


def _action(whole: Piece, piece: Piece, extract: Extract) -> AlterTable:
    """One action of an ALTER TABLE with several. Errors as of the whole statement, at its beginning."""
    try:
        statement = _statement(piece, extract)
    except Error as error:
        error.position = whole.position(0)
        raise
    if not isinstance(statement, AlterTable):
        raise ParseError(
            f"{piece.text} cannot stand among other actions",
            position=whole.position(0),
            hint="write it as a statement of its own",
        )
    return statement


def _until(piece: Piece, text: str) -> Piece:
    """The statement as far as this beginning of its text goes."""
    return replace(piece, tokens=tuple(token for token in piece.tokens if token.end <= piece.start + len(text)))


def is_own(piece: Piece) -> bool:
    """Whether the statement is one of mvengine's grammar, by its leading words and clauses."""
    words = [word_at(piece.tokens, index) for index in range(3)]
    match words:
        case ["VERIFY" | "REFRESH" | "PAUSE" | "RESUME" | "CANCEL" | "RETRY" | "WAIT", _, _] | [
            "ROLLBACK",
            "REFRESH",
            _,
        ]:
            return True
        case ["DROP", kind, _]:
            return kind in _DROPPED
        case ["COMMENT", "ON", kind]:
            return kind in _COMMENTED
        case ["EXPLAIN", "REFRESH" | "MATERIALIZED", _]:
            return True
        case ["EXPLAIN", "CREATE", "MATERIALIZED"] | ["EXPLAIN", "ANALYZE", "REFRESH"]:
            return True
        case (
            ["SHOW", "CREATE" | "MATERIALIZED", _] | ["SHOW", "COLUMNS", "FROM" | "IN" | ""] | ["SHOW", "ALL", "TABLES"]
        ):
            return True
        case ["RESET" | "SHOW", "ALL", ""]:
            return True
        case ["SHOW", name, ""] if name in _SETTINGS:
            return True
        case ["SHOW", kind, after]:
            return kind in _SHOWN and after != "."
        case ["DESCRIBE" | "DESC", _, _]:
            return read_name(piece, 1)[1] == len(piece.tokens)
        case ["SET" | "RESET", "SESSION" | "LOCAL" | "GLOBAL", name] | ["SET" | "RESET", name, _] if name in _SETTINGS:
            return True
        case ["ALTER", "DATABASE", _]:
            return any(word_at(piece.tokens, index) in ("SET", "RESET") for index in (2, 3))
        case ["ALTER", "MATERIALIZED" | "VIEW" | "SOURCE" | "SCHEMA" | "INDEX" | "FUNCTION" | "MACRO", _]:
            return True
        case ["ALTER", "TABLE", _]:
            return _is_own_alter(piece)
        case ["EXPLAIN", "(", stage]:
            return stage in _STAGES and word_at(piece.tokens, 3) == ")"
        case ["CREATE", _, _]:
            return _is_own_create(piece)
    return False


def _is_own_create(piece: Piece) -> bool:
    index, modifiers = 1, ""
    while word_at(piece.tokens, index) in ("OR", "REPLACE", "TEMP", "TEMPORARY"):
        index, modifiers = index + 1, f"{modifiers} {word_at(piece.tokens, index)}"
    kind = word_at(piece.tokens, index)
    if kind in ("INDEX", "UNIQUE"):
        return not modifiers
    own = kind in ("MATERIALIZED", "SOURCE") or (kind == "TABLE" and _has_own_clause(piece, index + 1))
    if own and modifiers and (kind == "TABLE" or modifiers != " OR REPLACE"):
        raise ParseError(
            f"a {_CREATED[kind]} cannot be created with{modifiers}",
            position=piece.position(1),
            hint="DROP it first, then CREATE it without",
        )
    return own


def _is_own_alter(piece: Piece) -> bool:
    """Whether options are set or reset, or the table gets another name. Other engines' tables have options too: their
    names stand in quotes."""
    tokens = piece.tokens
    _, after = read_name(piece, skip_condition(piece, 2))
    verb, bracket = word_at(tokens, after), word_at(tokens, after + 1)
    if (verb, bracket) in (("RENAME", "TO"), ("SET", "SCHEMA"), ("SWAP", "WITH")):
        return True
    return verb in ("SET", "RESET") and bracket == "(" and tokens[after + 2].kind != "string"


def _has_own_clause(piece: Piece, index: int) -> bool:
    """Whether REFRESHABLE, or WITH options that make a table refreshable, stand behind the table's name."""
    tokens = piece.tokens
    _, index = read_name(piece, skip_condition(piece, index))
    while index < len(tokens):
        word = word_at(tokens, index)
        if word == "REFRESHABLE":
            return True
        if word == "AS":
            return False
        after = end_of_group(tokens, index) if word == "(" else index + 1
        if word == "(" and word_at(tokens, index - 1) == "WITH":
            keys = {word_at(tokens, i) for i in range(index, after) if word_at(tokens, i - 1) in ("(", ",")}
            if keys & _REFRESHABLE_OPTIONS:
                return True
        index = after
    return False


def _native_kind(piece: Piece, extract: Extract) -> str:
    words = [word_at(piece.tokens, index) for index in range(3)]
    if words[:2] == ["UPDATE", "EXTENSIONS"] and words[2] in ("", "("):
        return "UPDATE_EXTENSIONS"  # extract_statements has no name for it
    try:
        found = extract(piece.text)
    except Error as error:
        start = piece.position(0)
        if error.position is not None:
            error.position = _shift(start, error.position)
        elif isinstance(error, ParseError):
            error.position = start
        error.hint = error.hint or hint_for(piece)
        raise
    if len(found) != 1:
        raise ParseError(
            f"expected one statement, DuckDB reads {len(found)}",
            position=piece.position(0),
            hint="send the statements one by one",
        )
    return found[0][0].upper()


def _read(piece: Piece, kind: str) -> Statement:
    first = piece.tokens[0].word
    if kind in _WRITES and is_write(piece):
        return read_write(piece)
    match first:
        case "DEALLOCATE":
            return read_deallocate(piece)
        case "CREATE" | "ALTER" | "DROP":
            return read_ddl(piece, kind)
    return Native(kind=kind, text=piece.text)


def _shift(start: Position, inner: Position) -> Position:
    """A position in a statement as a position in the text in which the statement begins at ``start``."""
    column = inner.column + start.column - 1 if inner.line == 1 else inner.column
    return Position(line=start.line + inner.line - 1, column=column)
