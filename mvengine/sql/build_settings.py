"""Parse trees of the statements that read and change settings → statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.sql.elements import TreeReader
from mvengine.sql.setting_statements import AlterDatabase, ResetAll, SetSetting, ShowSetting

if TYPE_CHECKING:
    from lark import Token, Tree


class SettingBuilder(TreeReader):
    """One method per statement of the grammar, with the grammar's name."""

    def set_setting(self, tree: Tree[Token]) -> SetSetting:
        value = self.require(tree, "value")
        position = self.position(self.tokens(value)[0])
        return SetSetting(name=self._named(tree), value=self._value(value), scope=self._scope(tree), position=position)

    def reset_setting(self, tree: Tree[Token]) -> SetSetting:
        position = self.position(self.tokens(tree)[0])
        return SetSetting(name=self._named(tree), value=None, scope=self._scope(tree), position=position)

    def reset_all(self, tree: Tree[Token]) -> ResetAll:
        del tree  # it says nothing more
        return ResetAll()

    def show_setting(self, tree: Tree[Token]) -> ShowSetting:
        return ShowSetting(name=self._named(tree))

    def show_all(self, tree: Tree[Token]) -> ShowSetting:
        del tree
        return ShowSetting(name=None)

    def alter_database(self, tree: Tree[Token]) -> AlterDatabase:
        name, value = self.tokens(tree)[0], self.require(tree, "value")
        return AlterDatabase(
            database=self._database(tree),
            name=self.name(name).lower(),
            value=self._value(value),
            position=self.position(name),
        )

    def reset_database(self, tree: Tree[Token]) -> AlterDatabase:
        name = next(iter(self.tokens(tree)), None)
        return AlterDatabase(
            database=self._database(tree),
            name=None if name is None else self.name(name).lower(),
            value=None,
            position=self.end() if name is None else self.position(name),
        )

    def _named(self, tree: Tree[Token]) -> str:
        return self.name(self.tokens(tree)[0]).lower()

    def _scope(self, tree: Tree[Token]) -> str:
        scope = self.child(tree, "set_scope")
        return self.tokens(scope)[0].upper() if scope is not None else ""

    def _database(self, tree: Tree[Token]) -> str | None:
        database = self.child(tree, "database")
        return self.name(self.tokens(database)[0]) if database is not None else None

    def _value(self, tree: Tree[Token]) -> str | None:
        """The text of a value, without quotes; None for a bare DEFAULT."""
        tokens = self.tokens(tree)
        if tokens[0].type == "NAME" and tokens[0].upper() == "DEFAULT":
            return None
        return "".join(self.string(token) if token.type == "STRING" else self.name(token) for token in tokens)
