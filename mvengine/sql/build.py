"""Parse trees of ``grammar.lark`` → statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from mvengine.errors import ParseError
from mvengine.schema import quote
from mvengine.sql.build_control import ControlBuilder
from mvengine.sql.build_settings import SettingBuilder
from mvengine.sql.elements import Elements
from mvengine.sql.statements import (
    Comment,
    CreateIndex,
    CreateMaterializedView,
    CreateRefreshableTable,
    CreateSource,
    Drop,
    Explain,
    ExplainAnalyze,
    ExplainCreate,
    ExplainRefresh,
    ExplainStage,
    ExplainView,
    Native,
    ObjectKind,
    RefreshView,
    RelationRef,
    Statement,
)
from mvengine.sql.tokens import end_of_group, tokenize, word_at
from mvengine.sql.view_text import EMIT_TOKENS, emits_on_window_close

if TYPE_CHECKING:
    from lark import Token, Tree

_ORDERED = ("btree", "hash", "brin", "gin", "gist")  # other engines' words for what is to be found quickly
_WORD = re.compile(r"\w+")
_ENCODINGS = ("CSV", "JSON", "PARQUET")
_CLAUSES = {
    "refreshable": "REFRESHABLE",
    "source": "FROM",
    "ignore_conflicts": "ON CONFLICT",
    "with_options": "WITH",
    "encoding": "FORMAT",
    "primary_key_clause": "PRIMARY KEY",
    "background": "BACKGROUND",
}


class Builder(ControlBuilder, SettingBuilder):
    """Makes the statement of one piece; one method per statement of the grammar, with the grammar's name."""

    def statement(self, tree: Tree[Token]) -> Statement:
        return cast(Statement, getattr(self, tree.data)(tree))

    def create_table(self, tree: Tree[Token]) -> CreateRefreshableTable:
        clauses = self._clauses(tree, "TABLE")
        elements = Elements.read(self, self.child(tree, "elements"), clauses.get("primary_key_clause"))
        source, options, encoding = (clauses.get(name) for name in ("source", "with_options", "encoding"))
        return CreateRefreshableTable(
            table=self.relation(self.require(tree, "relation")),
            if_not_exists=self.child(tree, "if_not_exists") is not None,
            columns=elements.columns,
            primary_key=elements.primary_key,
            unique_keys=elements.unique_keys,
            checks=elements.checks,
            foreign_keys=elements.foreign_keys,
            source=self.string(self.tokens(source)[-1]) if source else None,
            ignore_conflicts="ignore_conflicts" in clauses,
            options=self.options(options),
            encoding=self._encoding(encoding) if encoding else None,
            encoding_options=self.options(encoding),
            is_background="background" in clauses,
            text=self.piece.text,
        )

    def create_view(self, tree: Tree[Token]) -> CreateMaterializedView:
        names, query = self.child(tree, "names"), self.tokens(tree)[-1]
        clauses = self._clauses(tree, "MATERIALIZED VIEW")
        emits = emits_on_window_close(self.piece.tokens)
        end = self.piece.tokens[-EMIT_TOKENS].start - self.start(query) if emits else None
        return CreateMaterializedView(
            view=self.relation(self.require(tree, "relation")),
            if_not_exists=self.child(tree, "if_not_exists") is not None,
            or_replace=self.child(tree, "or_replace") is not None,
            column_names=self.names(names) if names else (),
            options=self.options(clauses.get("with_options")),
            is_background="background" in clauses,
            query=str(query)[:end].rstrip(),
            query_offset=self.start(query) - self.piece.start,
            emits_on_window_close=emits,
            text=self.piece.text,
        )

    def refresh_view(self, tree: Tree[Token]) -> RefreshView:
        return RefreshView(
            views=self.relations(tree),
            full=self.child(tree, "full") is not None,
            is_verified=self.child(tree, "verify") is not None,
        )

    def create_source(self, tree: Tree[Token]) -> CreateSource:
        if (clause := self.child(tree, "refreshable")) is not None:
            raise ParseError(
                "a source is not REFRESHABLE: its files are read whenever it is queried",
                position=self.position(self.tokens(clause)[0]),
                hint="leave the word out, or CREATE TABLE … REFRESHABLE",
            )
        return CreateSource(or_replace=self.child(tree, "or_replace") is not None, table=self.create_table(tree))

    def create_index(self, tree: Tree[Token]) -> CreateIndex:
        table, columns = self.relation(self.require(tree, "relation")), self._verbatim(self.require(tree, "group"))
        given, is_unique = self.child(tree, "name"), self.child(tree, "unique") is not None
        name = self.names(given)[0] if given else "_".join([table.name, *_WORD.findall(columns), "idx"])
        if_not_exists = self.child(tree, "if_not_exists") is not None
        head = f"CREATE{' UNIQUE' if is_unique else ''} INDEX{' IF NOT EXISTS' if if_not_exists else ''} {quote(name)}"
        target = self._verbatim(self.require(tree, "relation"))
        method = [*self.names(using)] if (using := self.child(tree, "method")) else []
        kept = "".join(f" USING {name}" for name in method if name.lower() not in _ORDERED)
        rest = f" {_without_storage(self._verbatim(tail))}" if (tail := self.child(tree, "tail")) else ""
        text = f"{head} ON {target}{kept} {columns}{rest}".rstrip()
        return CreateIndex(
            name=name,
            table=table,
            is_unique=is_unique,
            if_not_exists=if_not_exists,
            columns=columns,
            native=Native(kind="CREATE", text=text),
        )

    def drop(self, tree: Tree[Token]) -> Drop:
        kind = " ".join(token.upper() for token in self.tokens(self.require(tree, "drop_kind")))
        return self._drop(tree, ObjectKind(kind), self.relations(tree))

    def drop_function(self, tree: Tree[Token]) -> Drop:
        signatures = (child for child in self.children(tree) if child.data == "signature")
        names = tuple(self.relation(self.require(signature, "relation")) for signature in signatures)
        return self._drop(tree, ObjectKind.FUNCTION, names)

    def _drop(self, tree: Tree[Token], kind: ObjectKind, names: tuple[RelationRef, ...]) -> Drop:
        behaviour = self.child(tree, "drop_behaviour")
        return Drop(
            kind=kind,
            names=names,
            if_exists=self.child(tree, "if_exists") is not None,
            cascade=behaviour is not None and self.tokens(behaviour)[0].upper() == "CASCADE",
            text=self.piece.text,
        )

    def comment(self, tree: Tree[Token]) -> Comment:
        kind = ObjectKind(" ".join(token.upper() for token in self.tokens(self.require(tree, "comment_kind"))))
        if kind is not ObjectKind.COLUMN:
            return self._comment(tree, kind, self.relation(self.require(tree, "relation")), "")
        relation = self.require(tree, "relation")
        *parts, column = self.names(relation)
        if not parts or len(parts) > 3:
            raise ParseError(
                "expected the name of a column with its table's: t.a",
                position=self.position(self.tokens(relation)[0]),
                hint="COMMENT ON COLUMN t.a IS 'text'",
            )
        catalog, schema, name = (None, None, *parts)[-3:]
        return self._comment(tree, kind, RelationRef(catalog=catalog, schema=schema, name=str(name)), column)

    def comment_on_function(self, tree: Tree[Token]) -> Comment:
        return self._comment(tree, ObjectKind.FUNCTION, self.relation(self.require(tree, "relation")), "")

    def _comment(self, tree: Tree[Token], kind: ObjectKind, name: RelationRef, column: str) -> Comment:
        text = self.tokens(self.require(tree, "text"))[0]
        return Comment(kind=kind, name=name, column=column, text=self.string(text) if text.type == "STRING" else None)

    def explain_stage(self, tree: Tree[Token]) -> Explain:
        stage, statement = self.tokens(tree)
        before = self.piece.text[: self.start(statement) - self.piece.start]
        return Explain(stage=ExplainStage(stage.upper()), statement=str(statement), before=before)

    def explain_view(self, tree: Tree[Token]) -> ExplainView:
        return ExplainView(view=self.relation(self.require(tree, "relation")))

    def explain_create(self, tree: Tree[Token]) -> ExplainCreate:
        text = self.piece.text
        start = text.upper().rindex("CREATE", 0, self.start(self.tokens(tree)[0]) - self.piece.start)
        return ExplainCreate(statement=text[start:], before=text[:start])

    def explain_analyze(self, tree: Tree[Token]) -> ExplainAnalyze:
        return ExplainAnalyze(statement=str(self.tokens(tree)[0]))

    def explain_refresh(self, tree: Tree[Token]) -> ExplainRefresh:
        return ExplainRefresh(tables=self.relations(tree))

    def _verbatim(self, tree: Tree[Token]) -> str:
        """The text of a part as it stands in the source."""
        tokens = list(tree.scan_values(lambda _: True))
        return self.piece.source[self.start(tokens[0]) : tokens[-1].end_pos]

    def _clauses(self, tree: Tree[Token], kind: str) -> dict[str, Tree[Token]]:
        clauses: dict[str, Tree[Token]] = {}
        for clause in self._clause_trees(tree):
            if clause.data in clauses:
                raise ParseError(
                    f"{_CLAUSES[clause.data]} stands twice",
                    position=self.position(self.tokens(clause)[0]),
                    hint=f"each clause of CREATE {kind} may stand once",
                )
            clauses[clause.data] = clause
        return clauses

    def _clause_trees(self, tree: Tree[Token]) -> Iterator[Tree[Token]]:
        return (child for child in self.children(tree) if child.data in _CLAUSES)

    def _encoding(self, clause: Tree[Token]) -> str:
        token = self.tokens(clause)[-1]
        if token.upper() not in _ENCODINGS:
            raise ParseError(
                f'no such encoding: "{token}"', position=self.position(token), hint="expected CSV, JSON or PARQUET"
            )
        return str(token.upper())


def _without_storage(tail: str) -> str:
    """What stands behind the columns of an index, but for what says only how it is stored."""
    tokens, index = tokenize(tail), 0
    while word_at(tokens, index) in ("INCLUDE", "DISTRIBUTED"):
        index = end_of_group(tokens, index + (1 if word_at(tokens, index) == "INCLUDE" else 2))
    return tail[tokens[index].start :] if index < len(tokens) else ""
