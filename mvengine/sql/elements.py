"""The parts that trees of several statements share: names, options, columns and constraints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvengine.errors import ParseError, Position
from mvengine.sql.split import Piece
from mvengine.sql.statements import ColumnDef, ForeignKey, Options, RelationRef
from mvengine.sql.tokens import Token as SqlToken
from mvengine.sql.tokens import position_at, string_value

if TYPE_CHECKING:
    from lark import Token, Tree

# Words that end a column's type: what follows is its constraints.
CONSTRAINT_WORDS = frozenset({"NOT", "NULL", "DEFAULT", "CHECK", "COLLATE", "GENERATED", "AS", "USING"})


class TreeReader:
    """Reads values out of the trees of one piece of text."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece

    def children(self, tree: Tree[Token]) -> Iterator[Tree[Token]]:
        from lark import Tree

        return (child for child in tree.children if isinstance(child, Tree))

    def child(self, tree: Tree[Token], name: str) -> Tree[Token] | None:
        return next((child for child in self.children(tree) if child.data == name), None)

    def require(self, tree: Tree[Token], name: str) -> Tree[Token]:
        return next(child for child in self.children(tree) if child.data == name)

    def tokens(self, tree: Tree[Token]) -> list[Token]:
        """The tokens directly below."""
        from lark import Token

        return [child for child in tree.children if isinstance(child, Token)]

    def start(self, token: Token) -> int:
        return token.start_pos or 0

    def position(self, token: Token) -> Position:
        return position_at(self.piece.source, self.start(token))

    def end(self) -> Position:
        """Where the statement ends."""
        return self.piece.position(len(self.piece.tokens))

    def name(self, token: Token) -> str:
        return str(token)[1:-1].replace('""', '"') if token.startswith('"') else str(token)

    def string(self, token: Token) -> str:
        return string_value(SqlToken("string", str(token), 0, len(token), ""))

    def names(self, tree: Tree[Token]) -> tuple[str, ...]:
        return tuple(self.name(token) for token in self.tokens(tree) if token.type == "NAME")

    def relation(self, tree: Tree[Token]) -> RelationRef:
        parts = self.names(tree)
        if len(parts) > 3:
            raise ParseError(
                f"a name has at most three parts, this one {len(parts)}",
                position=self.position(self.tokens(tree)[0]),
                hint="write [[catalog.]schema.]name",
            )
        catalog, schema, name = (None, None, *parts)[-3:]
        return RelationRef(catalog=catalog, schema=schema, name=str(name))

    def relations(self, tree: Tree[Token]) -> tuple[RelationRef, ...]:
        return tuple(self.relation(child) for child in self.children(self.require(tree, "relations")))

    def options(self, clause: Tree[Token] | None) -> Options:
        """The options of a WITH or FORMAT clause, in their order; an option that stands twice is an error."""
        options: dict[str, str] = {}
        tree = self.child(clause, "options") if clause else None
        for option in self.children(tree) if tree else ():
            first = self.tokens(option)[0]
            name = ".".join(self.names(option)).lower()
            if name in options:
                raise ParseError(
                    f'option "{name}" stands twice', position=self.position(first), hint="remove one of them"
                )
            value = self.tokens(self.require(option, "value"))
            options[name] = "".join(self.string(t) if t.type == "STRING" else self.name(t) for t in value)
        return tuple(options.items())


@dataclass(frozen=True, kw_only=True)
class Elements:
    """What stands in the brackets of CREATE TABLE, with its keys gathered from columns and constraints."""

    columns: tuple[ColumnDef, ...]
    primary_key: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    checks: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]

    @staticmethod
    def read(reader: TreeReader, tree: Tree[Token] | None, primary_key_clause: Tree[Token] | None) -> Elements:
        """Errors: ``ParseError`` at a second primary key or a column that stands twice."""
        collected = _Collector(reader)
        for element in reader.children(tree) if tree else ():
            collected.add(element)
        if primary_key_clause:
            names = reader.require(primary_key_clause, "names")
            collected.set_primary_key(reader.names(names), reader.tokens(names)[0])
        return Elements(
            columns=tuple(collected.columns),
            primary_key=collected.primary_key,
            unique_keys=tuple(collected.unique_keys),
            checks=tuple(collected.checks),
            foreign_keys=tuple(collected.foreign_keys),
        )


class _Collector:
    """Gathers elements one by one, in their order."""

    def __init__(self, reader: TreeReader) -> None:
        self.reader = reader
        self.columns: list[ColumnDef] = []
        self.known: set[str] = set()  # the columns' names in lower case
        self.primary_key: tuple[str, ...] = ()
        self.unique_keys: list[tuple[str, ...]] = []
        self.checks: list[str] = []
        self.foreign_keys: list[ForeignKey] = []

    def add(self, element: Tree[Token]) -> None:
        reader = self.reader
        match element.data:
            case "column":
                self._add_column(element)
            case "primary_key":
                names = reader.require(element, "names")
                self.set_primary_key(reader.names(names), reader.tokens(names)[0])
            case "unique_key":
                self.unique_keys.append(reader.names(reader.require(element, "names")))
            case "check":
                first, last = _ends(reader.require(element, "group"))
                self.checks.append(reader.piece.source[reader.start(first) + 1 : reader.start(last)].strip())
            case "foreign_key":
                columns = reader.names(reader.require(element, "names"))
                self._add_foreign_key(columns, reader.require(element, "references"))

    def set_primary_key(self, columns: tuple[str, ...], at: Token) -> None:
        if self.primary_key:
            raise ParseError(
                "a table has one primary key",
                position=self.reader.position(at),
                hint="name all its columns in one PRIMARY KEY (…)",
            )
        self.primary_key = columns

    def _add_column(self, column: Tree[Token]) -> None:
        from lark import Token

        first, *pieces = column.children
        assert isinstance(first, Token)
        name = self.reader.name(first)
        if name.lower() in self.known:
            raise ParseError(
                f'column "{name}" stands twice', position=self.reader.position(first), hint="rename one of them"
            )
        self.known.add(name.lower())
        kept: list[tuple[str, int, int]] = []  # word, start, end of what the engine is to see
        for piece in pieces:
            if isinstance(piece, Token):
                kept.append((piece.upper(), self.reader.start(piece), piece.end_pos or 0))
            elif piece.data == "group":
                opening, closing = _ends(piece)
                kept.append(("", self.reader.start(opening), closing.end_pos or 0))
            else:
                self._add_constraint(name, first, piece)
        end_of_type = next((i for i, (word, _, _) in enumerate(kept) if word in CONSTRAINT_WORDS), len(kept))
        self.columns.append(
            ColumnDef(name=name, type=self._text(kept[:end_of_type]), constraints=self._text(kept[end_of_type:]))
        )

    def _add_constraint(self, column: str, at: Token, constraint: Tree[Token]) -> None:
        match constraint.data:
            case "column_primary":
                self.set_primary_key((column,), at)
            case "column_unique":
                self.unique_keys.append((column,))
            case "references":
                self._add_foreign_key((column,), constraint)

    def _add_foreign_key(self, columns: tuple[str, ...], references: Tree[Token]) -> None:
        names = self.reader.child(references, "names")
        self.foreign_keys.append(
            ForeignKey(
                columns=columns,
                references=self.reader.relation(self.reader.require(references, "relation")),
                referenced_columns=self.reader.names(names) if names else (),
            )
        )

    def _text(self, kept: list[tuple[str, int, int]]) -> str:
        """The kept pieces as they stand in the source; one space where something was taken out between them."""
        text, last = "", -1
        for _, start, end in kept:
            between = self.reader.piece.source[last:start] if text else ""
            text += (between if not between.strip() else " ") + self.reader.piece.source[start:end]
            last = end
        return text


def _ends(group: Tree[Token]) -> tuple[Token, Token]:
    """The opening and the closing bracket."""
    from lark import Token

    first, last = group.children[0], group.children[-1]
    assert isinstance(first, Token)
    assert isinstance(last, Token)
    return first, last
