"""ALTER TABLE is read for what it changes; its text stays DuckDB's, but for CASCADE."""

from __future__ import annotations

import pytest
from sql_duckdb import read

from mvengine.sql.column_text import mentions, renamed, retyped
from mvengine.sql.statements import Alteration, AlterationKind, AlterTable

ADD, DROP, RENAME = AlterationKind.ADD_COLUMN, AlterationKind.DROP_COLUMN, AlterationKind.RENAME_COLUMN
TYPE, RULE = AlterationKind.CHANGE_TYPE, AlterationKind.COLUMN_RULE


@pytest.mark.parametrize(
    ("text", "alteration"),
    [
        ("add a int", Alteration(kind=ADD, column="a", type="int")),
        ("add column if not exists a int[]", Alteration(kind=ADD, column="a", type="int[]", is_conditional=True)),
        (
            "add a decimal(9, 2) not null default 3",
            Alteration(kind=ADD, column="a", type="decimal(9, 2)", constraints="not null default 3"),
        ),
        ('drop "A b"', Alteration(kind=DROP, column="A b")),
        ("drop column if exists a", Alteration(kind=DROP, column="a", is_conditional=True)),
        ("rename a to b", Alteration(kind=RENAME, column="a", new_name="b")),
        ("rename column a to b", Alteration(kind=RENAME, column="a", new_name="b")),
        ("alter a type bigint", Alteration(kind=TYPE, column="a", type="bigint")),
        ("alter column a set data type int using a + 1", Alteration(kind=TYPE, column="a", type="int", using="a + 1")),
        ("alter a set default 3", Alteration(kind=RULE, column="a")),
        ("alter column a drop not null", Alteration(kind=RULE, column="a")),
        ("add primary key (a)", Alteration(kind=AlterationKind.OTHER)),
        ("add column s.x int", Alteration(kind=TYPE, column="s", is_nested=True)),
        ("rename s.x to y", Alteration(kind=TYPE, column="s", is_nested=True)),
        ("drop s.x", Alteration(kind=TYPE, column="s", is_nested=True)),
    ],
)
def test_alter_table_says_what_it_changes(text: str, alteration: Alteration) -> None:
    statement = read(f"alter table t {text}")
    assert isinstance(statement, AlterTable)
    assert statement.alteration == alteration
    assert statement.native.text == f"alter table t {text}"
    assert not statement.cascade


def test_cascade_is_ours_and_goes_to_nobody_else() -> None:
    statement = read("alter table if exists s.t alter a type bigint cascade")
    assert isinstance(statement, AlterTable)
    assert statement.cascade
    assert statement.if_exists
    assert statement.native.text == "alter table if exists s.t alter a type bigint"
    assert statement.table.schema == "s"


def test_texts_of_columns_follow_a_renaming_where_they_name_the_column() -> None:
    assert renamed("x > 0 AND y.x <> x(1) AND 'x' < \"X\"", "x", "new x") == (
        '"new x" > 0 AND y.x <> x(1) AND \'x\' < "new x"'
    )
    assert mentions("abs(X) > 0", "x")
    assert not mentions("abs(y) > 0", "abs")


def test_a_definition_gets_another_type_and_keeps_its_constraints() -> None:
    assert retyped('"a b" DECIMAL(9, 2) NOT NULL DEFAULT 3', "BIGINT") == '"a b" BIGINT NOT NULL DEFAULT 3'
    assert retyped("a INTEGER", "BIGINT") == "a BIGINT"
