"""What the Tab key offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from mvengine.repl.complete import ShellCompleter
from mvengine.repl.context import context
from mvengine.repl.names import Names
from mvengine.repl.shell import Shell


@pytest.fixture
def world(shell: Shell) -> Shell:
    assert shell.run(
        """CREATE SCHEMA sales;
        CREATE TABLE orders (id INTEGER, customer VARCHAR, "Total Amount" INTEGER);
        CREATE TABLE sales.regions (region VARCHAR, "order" INTEGER);
        CREATE MATERIALIZED VIEW per_customer AS SELECT customer, count(*) AS n FROM orders GROUP BY customer;
        CREATE MACRO twice(x) AS 2 * x;"""
    )
    return shell


def offered(shell: Shell, text: str) -> list[str]:
    """The texts that are offered at ``|``, whole words, in order."""
    before, _, after = text.partition("|")
    document = Document(before + after, len(before))
    found = ShellCompleter(Names(shell)).get_completions(document, CompleteEvent())
    return [each.text for each in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("SELECT * FROM or|", "orders"),
        ("SELECT * FROM per|", "per_customer"),
        ("SELECT * FROM sal|", "sales."),
        ("SELECT * FROM sales.|", "regions"),
        ("SELECT * FROM orders JOIN per|", "per_customer"),
        ("INSERT INTO or|", "orders"),
        ("REFRESH MATERIALIZED VIEW per|", "per_customer"),
        ("SELECT cu| FROM orders", "customer"),
        ("SELECT id FROM orders WHERE cu|", "customer"),
        ("SELECT o.cu| FROM orders AS o", "customer"),
        ("SELECT r.| FROM orders o, sales.regions r", "region"),
        ("SELECT regions.o| FROM sales.regions", '"order"'),
        ("UPDATE orders SET cu|", "customer"),
        ("SELECT tot| FROM orders", '"Total Amount"'),
        ('SELECT "Tot| FROM orders', 'Total Amount"'),
        ("SELECT 1; SELECT cu| FROM orders; SELECT 2", "customer"),
        ("SELECT twi|", "twice("),
        ("SELECT list_zi|", "list_zip("),
        ("SEL|", "SELECT"),
        ("sel|", "select"),
        ("CREATE MATER|", "MATERIALIZED"),
        ("create table t (a int) refreshab|", "refreshable"),
        ("SET memory_l|", "memory_limit"),
        ("RESET memory_l|", "memory_limit"),
        ("FROM mv_catalog.epo|", "epochs"),
        (".tab|", "tables"),
        ("\\linea|", "lineage"),
        (".mode mark|", "markdown"),
        (".timer of|", "off"),
        (".pager au|", "auto"),
        ("\\d per|", "per_customer"),
        ("\\d sales.reg|", "regions"),
        (".help desc|", "describe"),
        ("\\df twi|", "twice"),
    ],
)
def test_the_first_offer_is_what_fits_best(world: Shell, text: str, first: str) -> None:
    assert offered(world, text)[:1] == [first]


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("SELECT cu| FROM sales.regions", "customer"),  # of another table
        ("SELECT o.| FROM orders o", "region"),
        ("SELECT x.| FROM orders o", "customer"),
        ("SELECT 'cu| FROM orders", "customer"),  # in a text
        ("FROM mv_st|", "mv_state."),  # ours
        (".nonesuch or|", "orders"),
        ("SELECT cu|; FROM orders", "customer"),  # of another statement
    ],
)
def test_what_cannot_stand_there_is_not_offered(world: Shell, text: str, unwanted: str) -> None:
    assert unwanted not in offered(world, text)


@pytest.mark.parametrize("before", ["COPY orders TO '{}/so|", "FROM read_csv('{}/so|", "FROM '{}/so|", ".read {}/so|"])
def test_paths_are_offered_within_quotes_and_behind_commands(world: Shell, tmp_path: Path, before: str) -> None:
    (tmp_path / "some_file.csv").touch()
    assert offered(world, before.format(tmp_path)) == ["me_file.csv"]


def test_names_of_a_statement_before_are_known_once_it_has_run(world: Shell) -> None:
    names = Names(world)
    assert "fresh_one" not in {relation.name for relation in names.relations}
    assert world.run("CREATE TABLE fresh_one (i INTEGER);")
    names.forget()
    assert "fresh_one" in {relation.name for relation in names.relations}


def test_in_a_failed_transaction_keywords_of_ours_are_left_and_nothing_breaks(world: Shell) -> None:
    assert not world.run("BEGIN; SELECT nonesuch;")
    assert offered(world, "REFRESHA|") == ["REFRESHABLE"]
    assert offered(world, "SELECT * FROM |") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";;",
        "'",
        '"',
        "/* ",
        "-- x",
        "$$ a",
        "FROM",
        "FROM ,",
        "FROM a,",
        "SELECT .",
        "FROM a.",
        "\0",
        "JOIN (",
        "x.",
    ],
)
def test_a_context_is_found_in_any_text(text: str) -> None:
    for cut in range(len(text) + 1):
        context(text[:cut], text[cut:])


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("SELECT | FROM a, b.c AS d JOIN e f USING (g)", {"a": ("a",), "d": ("b", "c"), "f": ("e",)}),
        ("INSERT INTO t |", {"t": ("t",)}),
        ("UPDATE t SET |", {"t": ("t",)}),
        ('SELECT | FROM "My Table" WHERE x', {"My Table": ("My Table",)}),
        ("SELECT | FROM (SELECT a FROM u) s", {"u": ("u",)}),
        ("SELECT |", {}),
    ],
)
def test_the_tables_of_a_statement_are_found_before_and_behind_the_cursor(
    text: str, sources: dict[str, tuple[str, ...]]
) -> None:
    assert dict(context(*text.split("|")).sources) == sources
