"""DML → ``Write``: a statement that DuckDB has accepted, cut into verbatim spans at the keywords outside brackets.

Because DuckDB has read the statement before, only its own words have to be found again, and nothing is checked twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mvengine.errors import ParseError
from mvengine.sql.dialects.settings import DUCKDB
from mvengine.sql.names import read_columns, read_name
from mvengine.sql.placeholders import number_placeholders
from mvengine.sql.split import Piece
from mvengine.sql.statements import RelationRef, Write, WriteKind
from mvengine.sql.tokens import end_of_group, names_in, top_level, word_at

_VERBS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"})


def main_verb(piece: Piece) -> str:
    """The word that says what a statement does, behind the WITH clause if there is one."""
    return word_at(piece.tokens, _after_with(piece))


def is_write(piece: Piece) -> bool:
    """Whether a statement that DuckDB accepts writes rows into a table: DML, or COPY … FROM."""
    verb = main_verb(piece)
    return verb in _VERBS or (verb == "COPY" and _is_copy_from(piece))


def read_write(piece: Piece) -> Write:
    """The write with its clauses. Errors: ``ParseError`` where a keyword that must be there is not found."""
    return _Reader(piece=number_placeholders(piece)).read()


@dataclass(frozen=True, kw_only=True)
class _Spans:
    """The clauses that only some kinds of writes have; absent ones are empty."""

    alias: str = ""
    modifier: str = ""
    columns: tuple[str, ...] = ()
    body: str = ""
    on_conflict: str = ""
    assignments: str = ""
    from_clause: str = ""
    where: str = ""
    returning: str = ""


class _Reader:
    """Cuts one statement. Positions are indexes of tokens; a clause that is absent begins where the next one does."""

    def __init__(self, *, piece: Piece) -> None:
        self.piece = piece
        self.verb = _after_with(piece)

    @cached_property
    def outside(self) -> list[int]:
        return top_level(self.piece.tokens)

    def read(self) -> Write:
        match word_at(self.piece.tokens, self.verb):
            case "INSERT":
                return self._insert()
            case "UPDATE":
                return self._update()
            case "DELETE":
                return self._delete()
            case "MERGE":
                return self._merge()
            case "TRUNCATE":
                return self._truncate()
            case _:
                return self._copy()

    def _insert(self) -> Write:
        into = self._expect("INTO", self.verb + 1)
        target, after = self._target(into + 1)
        alias, after = self._alias(after, is_bare_allowed=False)
        columns, after = read_columns(self.piece, after)
        returning = self._find("RETURNING", after)
        conflict = self._find_on_conflict(after, returning)
        if self._words(after, 2) == ["BY", "POSITION"]:  # what INSERT does anyhow
            after += 2
        return self._write(
            WriteKind.INSERT,
            target,
            _Spans(
                alias=alias,
                modifier=self.piece.span(self.verb + 1, into),
                columns=columns,
                body=self.piece.span(after, conflict),
                on_conflict=self.piece.span(conflict, returning),
                returning=self._rest(returning + 1),
            ),
        )

    def _update(self) -> Write:
        target, after = self._target(self.verb + 1)
        alias, after = self._alias(after, is_bare_allowed=True, end="SET")
        assign = self._expect("SET", after)
        returning = self._find("RETURNING", assign)
        where = self._find("WHERE", assign, returning)
        origin = self._find_from(assign, where)
        return self._write(
            WriteKind.UPDATE,
            target,
            _Spans(
                alias=alias,
                assignments=self.piece.span(assign + 1, origin),
                from_clause=self.piece.span(origin + 1, where),
                where=self.piece.span(where + 1, returning),
                returning=self._rest(returning + 1),
            ),
        )

    def _delete(self) -> Write:
        target, after = self._target(self._expect("FROM", self.verb + 1) + 1)
        returning = self._find("RETURNING", after)
        where = self._find("WHERE", after, returning)
        using = self._find("USING", after, where)
        alias, _ = self._alias(after, is_bare_allowed=after < using)
        return self._write(
            WriteKind.DELETE,
            target,
            _Spans(
                alias=alias,
                from_clause=self.piece.span(using + 1, where),
                where=self.piece.span(where + 1, returning),
                returning=self._rest(returning + 1),
            ),
        )

    def _merge(self) -> Write:
        target, after = self._target(self._expect("INTO", self.verb + 1) + 1)
        alias, after = self._alias(after, is_bare_allowed=True, end="USING")
        using = self._expect("USING", after)
        when = self._find_when(using)
        condition = max(
            (i for i in self.outside if using < i < when and self.piece.tokens[i].word in ("ON", "USING")), default=when
        )
        returning = self._find("RETURNING", when)
        return self._write(
            WriteKind.MERGE,
            target,
            _Spans(
                alias=alias,
                from_clause=self.piece.span(using + 1, condition),
                where=self.piece.span(condition, when),
                body=self.piece.span(when, returning),
                returning=self._rest(returning + 1),
            ),
        )

    def _truncate(self) -> Write:
        has_table = word_at(self.piece.tokens, self.verb + 1) == "TABLE"
        target, _ = self._target(self.verb + 1 + has_table)
        return self._write(WriteKind.TRUNCATE, target, _Spans())

    def _copy(self) -> Write:
        target, after = self._target(self.verb + 1)
        columns, after = read_columns(self.piece, after)
        origin = self._expect("FROM", after)
        return self._write(WriteKind.COPY_FROM, target, _Spans(columns=columns, body=self._rest(origin + 1)))

    def _write(self, kind: WriteKind, target: RelationRef, spans: _Spans) -> Write:
        return Write(
            kind=kind,
            target=target,
            alias=spans.alias,
            with_clause=self.piece.span(0, self.verb),
            modifier=spans.modifier,
            columns=spans.columns,
            body=spans.body,
            on_conflict=spans.on_conflict,
            assignments=spans.assignments,
            from_clause=spans.from_clause,
            where=spans.where,
            returning=spans.returning,
            names=names_in(self.piece.tokens),
            dialect=DUCKDB,
            text=self.piece.text,
        )

    def _target(self, index: int) -> tuple[RelationRef, int]:
        target, after = read_name(self.piece, index)
        if target is None:
            raise self._missing("a table's name", index)
        return target, after

    def _alias(self, index: int, *, is_bare_allowed: bool, end: str = "") -> tuple[str, int]:
        """The alias at an index, and the index after it. A bare one ends at the keyword ``end``."""
        if word_at(self.piece.tokens, index) == "AS":
            return self.piece.span(index + 1, index + 2), index + 2
        if is_bare_allowed and word_at(self.piece.tokens, index) != end:
            return self.piece.span(index, index + 1), index + 1
        return "", index

    def _words(self, index: int, count: int) -> list[str]:
        return [word_at(self.piece.tokens, index + i) for i in range(count)]

    def _rest(self, index: int) -> str:
        return self.piece.span(index, len(self.piece.tokens))

    def _find(self, word: str, start: int, end: int | None = None) -> int:
        """The first token outside brackets that is this keyword; ``end`` where there is none."""
        end = len(self.piece.tokens) if end is None else end
        tokens = self.piece.tokens
        return next((i for i in self.outside if start <= i < end and tokens[i].word == word), end)

    def _expect(self, word: str, start: int) -> int:
        index = self._find(word, start)
        if index == len(self.piece.tokens):
            raise self._missing(word, start)
        return index

    def _find_on_conflict(self, start: int, end: int) -> int:
        """Where ON CONFLICT … DO NOTHING | UPDATE begins; ``conflict`` may be a column that a join is ON."""
        action = max(
            (
                i
                for i in self.outside
                if start <= i < end and self._words(i, 2) in (["DO", "NOTHING"], ["DO", "UPDATE"])
            ),
            default=start,
        )
        return max(
            (i for i in self.outside if start <= i < action and self._words(i, 2) == ["ON", "CONFLICT"]), default=end
        )

    def _find_from(self, start: int, end: int) -> int:
        """The FROM that is a clause, not the one of IS [NOT] DISTINCT FROM."""
        index = self._find("FROM", start, end)
        while index < end and word_at(self.piece.tokens, index - 1) == "DISTINCT":
            index = self._find("FROM", index + 1, end)
        return index

    def _find_when(self, start: int) -> int:
        """The first WHEN that belongs to no CASE."""
        cases = 0
        for index in self.outside:
            word = self.piece.tokens[index].word if index > start else ""
            cases += (word == "CASE") - (word == "END")
            if word == "WHEN" and cases == 0:
                return index
        raise self._missing("WHEN", start)

    def _missing(self, what: str, index: int) -> ParseError:
        return ParseError(
            f"expected {what} in {word_at(self.piece.tokens, self.verb)}",
            position=self.piece.position(index),
            hint="write the statement in its plain form",
        )


def _is_copy_from(piece: Piece) -> bool:
    target, after = read_name(piece, 1)
    _, after = read_columns(piece, after)
    return target is not None and word_at(piece.tokens, after) == "FROM"


def _after_with(piece: Piece) -> int:
    """The index of the first token behind the WITH clause; 0 where there is none.

    ``WITH [RECURSIVE] name [(columns)] [USING KEY (columns)] AS [[NOT] MATERIALIZED] (statement) [, …]``
    """
    tokens = piece.tokens
    if tokens[0].word != "WITH":
        return 0
    index = 2 if word_at(tokens, 1) == "RECURSIVE" and word_at(tokens, 2) != "AS" else 1
    while word_at(tokens, index + 1) in ("AS", "(", "USING"):  # a name; DuckDB allows a comma after the last one
        index += 1
        if word_at(tokens, index) == "(":
            index = end_of_group(tokens, index)
        if word_at(tokens, index) == "USING":
            index = end_of_group(tokens, index + 2)
        while word_at(tokens, index) in ("AS", "NOT", "MATERIALIZED"):
            index += 1
        index = end_of_group(tokens, index)
        if word_at(tokens, index) != ",":
            return index
        index += 1
    return index
