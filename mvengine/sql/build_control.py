"""Parse trees of the statements that start, watch and steer refreshes and jobs → statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import ParseError
from mvengine.sql.elements import TreeReader
from mvengine.sql.showing import CreatedKind, Describe, Show, ShowCreate, ShowKind
from mvengine.sql.statements import (
    AlterOptions,
    Control,
    ControlVerb,
    Move,
    MoveKind,
    ObjectKind,
    RefreshTable,
    RelationRef,
    RenameColumn,
    Subject,
    Verify,
    Wait,
)

if TYPE_CHECKING:
    from lark import Token, Tree

_NUMBER_MAX = 2**63 - 1
_PLACED = frozenset({ShowKind.TABLES, ShowKind.VIEWS, ShowKind.MATERIALIZED_VIEWS, ShowKind.SOURCES, ShowKind.SINKS,
                     ShowKind.FUNCTIONS, ShowKind.INDEXES, ShowKind.COLUMNS})  # fmt: skip
_NAMED = _PLACED | {ShowKind.SCHEMAS, ShowKind.DATABASES, ShowKind.ALL_TABLES, ShowKind.PARAMETERS, ShowKind.JOBS}
ROWS_SHOWN = 10
"""So many differing rows of a view does VERIFY … SHOW ROWS show, where it says no number."""

_MOVES = {MoveKind.RENAME: "rename", MoveKind.SET_SCHEMA: "set_schema", MoveKind.SWAP: "swap"}
Altered = AlterOptions | Move | RenameColumn


class ControlBuilder(TreeReader):
    """One method per statement of the grammar, with the grammar's name."""

    def refresh_table(self, tree: Tree[Token]) -> RefreshTable:
        return self._refresh(tree, self.relations(tree))

    def refresh_all(self, tree: Tree[Token]) -> RefreshTable:
        return self._refresh(tree, ())

    def verify_views(self, tree: Tree[Token]) -> Verify:
        views = self.relations(tree)
        is_all = (
            len(views) == 1 and views[0].schema is None and views[0].name.upper() == "ALL"
        )  # a word of SQL, no name
        return Verify(views=() if is_all else views, rows_shown=self._rows_shown(tree))

    def verify_all(self, tree: Tree[Token]) -> Verify:
        return Verify(views=(), rows_shown=self._rows_shown(tree))

    def _rows_shown(self, tree: Tree[Token]) -> int | None:
        show = self.child(tree, "show_rows")
        if show is None:
            return None
        return next((self._number(token) for token in self.tokens(show)), ROWS_SHOWN)

    def control_refresh(self, tree: Tree[Token]) -> Control:
        return self._control(tree, ControlVerb(self._word(tree, "control_verb")), Subject.REFRESH)

    def cancel(self, tree: Tree[Token]) -> Control:
        return self._control(tree, ControlVerb.CANCEL, Subject(self._word(tree, "subject")))

    def retry(self, tree: Tree[Token]) -> Control:
        return self._control(tree, ControlVerb.RETRY, Subject.REFRESH)

    def wait(self, tree: Tree[Token]) -> Wait:
        timeout = self.child(tree, "timeout")
        has_subject = self.child(tree, "subject") is not None
        return Wait(
            subject=Subject(self._word(tree, "subject")) if has_subject else None,
            number=self._number(self.tokens(tree)[0]) if has_subject else None,
            timeout_seconds=float(self.tokens(timeout)[0]) if timeout else None,
        )

    def show(self, tree: Tree[Token]) -> Show:
        place, like = self.child(tree, "place"), self.child(tree, "like")
        kind = ShowKind(self._words(tree, "show_kind"))
        if place is None and kind is ShowKind.COLUMNS:
            raise ParseError("SHOW COLUMNS of which table?", position=self.end(), hint="write SHOW COLUMNS FROM table")
        if (place and kind not in _PLACED) or (like and kind not in _NAMED):
            found = "FROM" if place and kind not in _PLACED else "LIKE"
            raise ParseError(f"SHOW {kind} knows no {found}", position=self.end(), hint=f"leave {found} out")
        return Show(
            kind=kind,
            place=self.relation(self.require(place, "relation")) if place else None,
            pattern=self.string(self.tokens(like)[0]) if like else None,
        )

    def show_tasks(self, tree: Tree[Token]) -> Show:
        numbers = self.tokens(tree)
        return Show(kind=ShowKind.TASKS, refresh_id=self._number(numbers[0]) if numbers else None)

    def show_create(self, tree: Tree[Token]) -> ShowCreate:
        name = self.relation(self.require(tree, "relation"))
        return ShowCreate(kind=CreatedKind(self._words(tree, "created_kind")), name=name)

    def describe(self, tree: Tree[Token]) -> Show | Describe:
        name = self.child(tree, "relation")
        if name is None:
            return Show(kind=ShowKind.ALL_TABLES)
        return Describe(relation=self.relation(name), text=self.piece.text)

    def alter_table(self, tree: Tree[Token]) -> Altered:
        return self._alter(tree, ObjectKind.TABLE)

    def alter_view(self, tree: Tree[Token]) -> Altered:
        return self._alter(tree, ObjectKind.MATERIALIZED_VIEW)

    def alter_other(self, tree: Tree[Token]) -> Altered:
        kind = self._word(tree, "other_kind")
        return self._alter(tree, ObjectKind.FUNCTION if kind == "MACRO" else ObjectKind(kind))

    def _refresh(self, tree: Tree[Token], tables: tuple[RelationRef, ...]) -> RefreshTable:
        flags: set[str] = set()
        for (token,) in (self.tokens(child) for child in self.children(tree) if child.data == "refresh_flag"):
            if token.upper() in flags:
                raise ParseError(
                    f"{token.upper()} stands twice", position=self.position(token), hint="remove one of them"
                )
            flags.add(token.upper())
        return RefreshTable(
            tables=tables,
            full="FULL" in flags,
            is_background="BACKGROUND" in flags,
            is_queued="QUEUE" in flags,
            is_verified="VERIFY" in flags,
        )

    def _control(self, tree: Tree[Token], verb: ControlVerb, subject: Subject) -> Control:
        return Control(
            verb=verb,
            subject=subject,
            number=self._number(self.tokens(tree)[0]),
            from_start=self.child(tree, "from_start") is not None,
        )

    def _alter(self, tree: Tree[Token], kind: ObjectKind) -> Altered:
        name, if_exists = self.relation(self.require(tree, "relation")), self.child(tree, "if_exists") is not None
        for move in MoveKind:
            if (part := self.child(tree, _MOVES[move])) is not None:
                to = self.relation(self.require(part, "relation") if move is MoveKind.SWAP else part)
                return Move(kind=kind, name=name, if_exists=if_exists, move=move, to=to)
        if (part := self.child(tree, "rename_column")) is not None:
            old, new = self.names(part)
            return RenameColumn(kind=kind, name=name, if_exists=if_exists, old=old, new=new)
        names = self.child(tree, "names")
        options = self._resets(names) if names else self._settings(tree)
        return AlterOptions(kind=kind, relation=name, if_exists=if_exists, options=options)

    def _settings(self, tree: Tree[Token]) -> tuple[tuple[str, str | None], ...]:
        """The options with their values; a bare NULL is none."""
        options = self.options(tree)
        values = [self.tokens(self.require(option, "value")) for option in self.children(self.require(tree, "options"))]
        nulls = [value[0].type == "NAME" and value[0].upper() == "NULL" for value in values]
        return tuple((name, None if null else value) for (name, value), null in zip(options, nulls, strict=True))

    def _resets(self, names: Tree[Token]) -> tuple[tuple[str, str | None], ...]:
        return tuple((name.lower(), None) for name in self.names(names))

    def _word(self, tree: Tree[Token], name: str) -> str:
        """The keyword that a part of the statement is."""
        return self.tokens(self.require(tree, name))[0].upper()

    def _words(self, tree: Tree[Token], name: str) -> str:
        """The keywords that a part of the statement is."""
        return " ".join(self.tokens(self.require(tree, name))).upper()

    def _number(self, token: Token) -> int:
        """The number of a refresh or a job."""
        digits = token.replace("_", "")
        if not digits.isdecimal() or int(digits) > _NUMBER_MAX:
            raise ParseError(
                f"no number of a refresh or job: {token}",
                position=self.position(token),
                hint="numbers are whole; SHOW REFRESHES and SHOW JOBS list them",
            )
        return int(digits)
