"""Rules of the optimizer: each one's law on small plans, and all of them on random plans that DuckDB computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mvengine
from mvengine.errors import InternalError, PlanVerificationError
from mvengine.planner.emit.select import select
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    AggregateFunction,
    Distinct,
    Filter,
    Join,
    Match,
    MatchKey,
    MatchKind,
    Materialize,
    Project,
    Scan,
    Strategy,
    UnionAll,
    Version,
    Window,
)
from mvengine.planner.node import Node, walk
from mvengine.planner.rules import PIPELINE, optimize
from mvengine.planner.rules.distinct_to_aggregate import distinct_to_aggregate
from mvengine.planner.rules.drop_identity_projection import drop_identity_projection
from mvengine.planner.rules.filter_into_join import filter_into_join
from mvengine.planner.rules.flatten_joins import flatten_joins
from mvengine.planner.rules.merge_filters import merge_filters
from mvengine.planner.scalar import ColumnRef, Expr, Output, column
from mvengine.planner.verify import verify
from mvengine.schema import Column, Name


def scan(table: str, alias: str) -> Scan:
    return Scan(
        relation=Name(schema="main", name=table),
        storage=f"main.{table}",
        alias=alias,
        columns=(Column(name="k", type="INTEGER"), Column(name="v", type="INTEGER")),
        version=Version.CURRENT,
    )


def equal(left: str, right: str) -> Expr:
    refs = tuple(ColumnRef(relation=alias, name="k") for alias in (left, right))
    return Expr(sql=f"{refs[0].sql} = {refs[1].sql}", columns=refs)


def positive(alias: str) -> Expr:
    ref = ColumnRef(relation=alias, name="v")
    return Expr(sql=f"{ref.sql} > 0", columns=(ref,))


def project(node: Node, source: str, alias: str, names: tuple[str, ...] = ("k", "v")) -> Project:
    return Project(input=node, outputs=tuple(Output(name=n, expr=column(source, n)) for n in names), alias=alias)


def view(plan: Node) -> Materialize:
    return Materialize(
        input=plan,
        relation=Name(schema="main", name="daily"),
        storage="mv_data.daily",
        staging="mv_data.daily_staging",
        columns=(Column(name="k", type="INTEGER"), Column(name="v", type="INTEGER")),
        order_by=(),
        policy="auto",
        exact_floats=False,
        strategy=Strategy.ALGEBRAIC,
        reason="linear",
        definition="CREATE MATERIALIZED VIEW daily AS …",
        settings=(),
    )


R, S, T, U = scan("r", "r"), scan("s", "s"), scan("r", "t"), scan("s", "u")


def test_two_filters_become_one_with_the_inner_predicate_first() -> None:
    nested = Filter(input=Filter(input=R, predicates=(positive("r"),)), predicates=(equal("r", "r"),))
    assert merge_filters(nested) == Filter(input=R, predicates=(positive("r"), equal("r", "r")))
    assert merge_filters(nested.input) is None


def test_a_filter_goes_into_the_join_below_it() -> None:
    join = Join(inputs=(R, S), predicates=(equal("r", "s"),))
    after = filter_into_join(Filter(input=join, predicates=(positive("r"),)))
    assert after == Join(inputs=(R, S), predicates=(equal("r", "s"), positive("r")))
    assert filter_into_join(join) is None


def test_joins_of_joins_and_of_filtered_joins_become_one_join() -> None:
    left = Join(inputs=(R, S), predicates=(equal("r", "s"),))
    right = Filter(input=Join(inputs=(T, U), predicates=(equal("t", "u"),)), predicates=(positive("t"),))
    after = flatten_joins(Join(inputs=(left, right), predicates=(equal("r", "t"),)))
    predicates = (equal("r", "t"), equal("r", "s"), equal("t", "u"), positive("t"))
    assert after == Join(inputs=(R, S, T, U), predicates=predicates)


def test_joins_stay_nested_where_an_alias_would_stand_twice() -> None:
    inner = Join(inputs=(R, S), predicates=())
    assert flatten_joins(Join(inputs=(inner, replace(R, alias="R")), predicates=())) is None
    assert flatten_joins(Join(inputs=(R, S), predicates=())) is None


def test_a_join_below_a_projection_is_a_scope_of_its_own() -> None:
    derived = project(Join(inputs=(R, S), predicates=()), "r", "d")
    assert flatten_joins(Join(inputs=(derived, R), predicates=())) is None


@pytest.mark.parametrize(
    "relation",
    [project(R, "r", "d"), UnionAll(inputs=(R, T), columns=("k", "v"), alias="d")],
    ids=["Project", "UnionAll"],
)
def test_distinct_becomes_an_aggregate_over_all_columns(relation: Project | UnionAll) -> None:
    after = distinct_to_aggregate(Distinct(input=relation, columns=("k", "v"), alias="q"))
    keys = (Output(name="k", expr=column("d", "k")), Output(name="v", expr=column("d", "v")))
    assert after == Aggregate(input=relation, keys=keys, aggregates=(), alias="q")


def test_a_projection_onto_all_columns_gives_its_alias_to_its_input() -> None:
    assert drop_identity_projection(project(R, "r", "d")) == replace(R, alias="d")


@pytest.mark.parametrize(
    "kept",
    [
        project(R, "r", "d", ("k",)),
        project(R, "r", "d", ("v", "k")),
        replace(
            project(R, "r", "d"), outputs=(Output(name="K", expr=column("r", "k")), project(R, "r", "d").outputs[1])
        ),
        project(Filter(input=R, predicates=(positive("r"),)), "r", "d"),
        project(Join(inputs=(R,), predicates=()), "r", "d"),
    ],
    ids=["fewer columns", "another order", "another name", "over a filter", "over a join"],
)
def test_a_projection_that_does_something_is_kept(kept: Project) -> None:
    assert drop_identity_projection(kept) is None


def test_each_step_is_told_with_the_plan_before_and_after() -> None:
    steps: list[str] = []
    plan = view(project(Filter(input=Join(inputs=(R, S), predicates=()), predicates=(positive("r"),)), "r", "v"))

    def on_step(rule: str, before: Node, after: Node) -> None:
        assert before != after
        steps.append(rule)

    unread = replace(S, columns=())
    assert optimize(plan, on_step).children[0].children[0] == Join(inputs=(R, unread), predicates=(positive("r"),))
    assert steps == ["filter_into_join", "prune_columns"]


def test_an_optimized_plan_is_at_rest() -> None:
    plan = view(project(Filter(input=Join(inputs=(R, S), predicates=()), predicates=(positive("r"),)), "r", "v"))
    once = optimize(plan)
    assert optimize(once) is once


def test_a_rule_that_never_rests_is_named() -> None:
    def turn_around(node: Node) -> Node | None:
        return replace(node, inputs=node.inputs[::-1]) if isinstance(node, Join) else None

    plan = view(project(Join(inputs=(R, S), predicates=()), "r", "v"))
    with pytest.raises(InternalError, match="rule turn_around has not come to rest after 100 passes"):
        optimize(plan, pipeline=(turn_around,))


def test_a_rule_that_loses_the_staging_table_is_caught() -> None:
    def forgets_staging(node: Node) -> Node | None:
        return replace(node, staging="") if isinstance(node, Materialize) and node.staging else None

    with pytest.raises(PlanVerificationError, match="rule forgets_staging changed staging of Materialize"):
        optimize(view(project(R, "r", "v")), pipeline=(forgets_staging,))


@pytest.mark.parametrize(
    ("after", "fact"),
    [
        (project(R, "r", "v"), "the class of the root: Materialize became Project"),
        (view(project(R, "r", "v", ("k",))), "the output columns"),
        (view(project(R, "r", "v", ("v", "k"))), "the output columns"),
        (view(project(S, "s", "v")), r"the set of scanned relations: \['r'\] became \['s'\]"),
        (replace(view(project(R, "r", "v")), order_by=("k",)), "order_by of Materialize"),
    ],
)
def test_verification_names_the_rule_and_the_fact(after: Node, fact: str) -> None:
    with pytest.raises(PlanVerificationError, match=f"^rule some_rule changed {fact}"):
        verify("some_rule", view(project(R, "r", "v")), after)


def test_every_rule_states_its_law_first() -> None:
    for rule in PIPELINE:
        assert "=>" in (rule.__doc__ or "").splitlines()[0]


# What a rule does to the views of a database. -------------------------------------------------------------------------

TABLES = (
    "CREATE TABLE r (k INT, v INT)",
    "CREATE TABLE s (k INT, v INT)",
    "CREATE VIEW matched AS SELECT r.k, r.v, s.v AS w FROM r LEFT JOIN s ON r.k = s.k",
    "CREATE VIEW medians AS SELECT k + 1 AS k, median(v) AS m, count(*) AS n FROM r GROUP BY k + 1",
    "CREATE VIEW ranks AS SELECT k, rank() OVER (PARTITION BY k + 1 ORDER BY v) AS n FROM r",
    "CREATE VIEW other_ranks AS SELECT k, rank() OVER (PARTITION BY k + 2 ORDER BY v) AS n FROM r",
)


def stages(query: str) -> list[Node]:
    """The stages of a view over ``TABLES``."""
    with mvengine.connect() as connection:
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        (found,) = connection._database.graph.views.values()
        return list(found.maintenance.stages)


@pytest.mark.parametrize(
    ("query", "classes"),
    [
        (
            "WITH g AS (SELECT k, count(*) AS n, sum(v) AS t FROM r GROUP BY k) "
            "SELECT a.n, b.t, c.n FROM g a JOIN g b ON a.k = b.k JOIN g c ON c.k = b.n WHERE a.k > 1",
            ["GroupStage", "BagStage"],
        ),
        ("SELECT a.w, b.w FROM matched a JOIN matched b ON a.k = b.v WHERE a.v > 0", ["MatchStage", "BagStage"]),
        ("SELECT a.m, b.m FROM medians a JOIN medians b ON a.k = b.n", ["PartitionStage", "BagStage"]),
        ("SELECT a.n, b.n FROM ranks a JOIN ranks b ON a.k = b.n", ["PartitionStage", "BagStage"]),
        (
            "SELECT a.n, b.n FROM ranks a JOIN other_ranks b ON a.k = b.n",
            ["PartitionStage", "PartitionStage", "BagStage"],
        ),
    ],
)
def test_operators_that_are_equal_but_for_their_names_are_one_stage(query: str, classes: list[str]) -> None:
    assert [type(stage).__name__ for stage in stages(query)] == classes


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("SELECT r.k, s.v FROM r LEFT JOIN s ON r.k = s.k WHERE s.v > 0", []),
        ("SELECT r.k, s.v FROM r RIGHT JOIN s ON r.k = s.k WHERE r.v IS NOT NULL", []),
        ("SELECT r.k, s.v FROM r FULL JOIN s ON r.k = s.k WHERE s.v > 0 AND r.v > 0", []),
        ("SELECT r.k, s.v FROM r FULL JOIN s ON r.k = s.k WHERE r.v > 0 OR r.k = 1", [MatchKind.LEFT]),
        ("SELECT r.k, s.v FROM r FULL JOIN s ON r.k = s.k WHERE s.v + r.v IS NOT NULL", []),
        ("SELECT r.k, s.v FROM r LEFT JOIN s ON r.k = s.k WHERE coalesce(s.v, 1) > 0", [MatchKind.LEFT]),
        ("SELECT r.k, s.v FROM r LEFT JOIN s ON r.k = s.k WHERE s.k IS NULL", [MatchKind.LEFT]),
        ("SELECT r.k, x.v FROM r LEFT JOIN s ON r.k = s.k JOIN s x ON s.v = x.k", []),
    ],
)
def test_an_outer_join_whose_padded_rows_are_dropped_is_no_outer_join(query: str, kinds: list[MatchKind]) -> None:
    assert [stage.input.kind for stage in stages(query) if isinstance(stage.children[0], Match)] == kinds


def test_a_filter_goes_below_what_it_does_not_depend_on() -> None:
    query = "SELECT q.k FROM (SELECT k, rank() OVER (PARTITION BY k ORDER BY v) AS n FROM r) q WHERE k > 1 AND n = 1"
    (ranks,) = stages(query)
    assert [type(node).__name__ for node in walk(ranks.children[0])] == ["Project", "Filter", "Scan"]
    match, _ = stages("SELECT q.k, s.v FROM (SELECT * FROM r WHERE v > 1) q LEFT JOIN s ON q.k = s.k WHERE q.k + 1 > 2")
    assert [node.predicates for node in walk(match) if isinstance(node, Filter)] == [
        (
            Expr(sql="r.v > 1", columns=(ColumnRef(relation="r", name="v"),)),
            Expr(sql="r.k + 1 > 2", columns=(ColumnRef(relation="r", name="k"),)),
        )
    ]


def test_an_update_of_a_column_that_nobody_reads_does_not_reach_the_view() -> None:
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE r (k INT, v INT, w INT)")
        connection.execute("CREATE TABLE s (k INT, v INT, w INT)")
        connection.execute("INSERT INTO r VALUES (1, 1, 1)")
        connection.execute(
            "CREATE MATERIALIZED VIEW v AS SELECT q.k, q.w FROM "
            "(SELECT r.k, r.w, s.v, rank() OVER (PARTITION BY r.k ORDER BY r.v) FROM r LEFT JOIN s ON r.k = s.k) q"
        )
        epochs = "SELECT count(*) FROM mv_catalog.maintenance_history WHERE name = 'v'"
        (before,) = connection.execute(epochs).fetchone()
        connection.execute("UPDATE r SET v = 2")
        connection.execute("UPDATE s SET v = 2, w = 3")
        assert connection.execute(epochs).fetchone() == (before,)
        connection.execute("UPDATE r SET w = 2")
        assert connection.execute(epochs).fetchone() == (before + 1,)
        assert connection.execute("FROM v").fetchall() == [(1, 2)]


# Random plans, computed by DuckDB before and after. ------------------------------------------------------------------


Relation = Scan | Project | UnionAll | Match


def wrapped(form: str, expr: Expr) -> Expr:
    return replace(expr, sql=form.replace("{}", expr.sql))


class Plans:
    """Draws well-formed plans: every alias once, every expression over its input's scope."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.aliases = (f"a{i}" for i in count())

    def relation(self, depth: int) -> Relation:
        kinds = ["project", "union", "match", "match", "window", "aggregate"]
        kind = self.draw(st.sampled_from(kinds if depth else ["scan"]))
        alias = next(self.aliases)
        if kind == "scan":
            return scan(self.draw(st.sampled_from("rs")), alias)
        if kind == "project":
            return self.projected(depth - 1, alias)
        if kind == "match":
            return self.match(depth - 1, alias)
        if kind == "window":
            return self.window(depth - 1, alias)
        if kind == "aggregate":
            return self.aggregate(depth - 1, alias)
        legs = tuple(self.projected(depth - 1, alias) for _ in range(2))
        return UnionAll(inputs=legs, columns=("k", "v"), alias=alias)

    def match(self, depth: int, alias: str) -> Match:
        left, right = self.relation(depth), self.relation(depth)
        one, other = left.alias, right.alias
        kind = self.draw(st.sampled_from([MatchKind.LEFT, MatchKind.FULL, MatchKind.SEMI, MatchKind.ANTI]))
        sources = [one] if kind in (MatchKind.SEMI, MatchKind.ANTI) else [one, other]
        extra = (positive(self.draw(st.sampled_from([one, other]))),) if self.draw(st.booleans()) else ()
        return Match(
            left=left,
            right=right,
            kind=kind,
            keys=(MatchKey(left=column(one, "k"), right=column(other, "k"), is_null_safe=self.draw(st.booleans())),),
            predicates=() if kind is MatchKind.FULL else extra,
            outputs=tuple(Output(name=n, expr=column(self.draw(st.sampled_from(sources)), n)) for n in ("k", "v")),
            value=None,
            alias=alias,
        )

    def window(self, depth: int, alias: str) -> Project:
        """A window under a projection onto k and v, of which v may be the window function."""
        source, inner = self.relation(depth), next(self.aliases)
        rows = Expr(sql=f"count(*) OVER (PARTITION BY {source.alias}.k)", columns=(column(source.alias, "k").columns))
        calls = (Output(name="n", expr=rows), Output(name="m", expr=rows))
        window = Window(input=source, partition_by=("k",), calls=calls, alias=inner)
        value = column(inner, self.draw(st.sampled_from(["v", "n"])))
        outputs = (Output(name="k", expr=column(inner, "k")), Output(name="v", expr=value))
        return Project(input=window, outputs=outputs, alias=alias)

    def aggregate(self, depth: int, alias: str) -> Project:
        node, scope = self.source(depth)
        source, inner = self.draw(st.sampled_from(scope)), next(self.aliases)
        calls = (
            AggregateCall(
                name="s", function=AggregateFunction.SUM, argument=column(source, "v"), argument_type="INTEGER"
            ),
            AggregateCall(name="n", function=AggregateFunction.COUNT_STAR, argument=None, argument_type=""),
        )
        key = Output(name="g", expr=column(source, "k"))
        groups = Aggregate(input=node, keys=(key,), aggregates=calls, alias=inner)
        outputs = (Output(name="k", expr=column(inner, "g")), Output(name="v", expr=column(inner, "n")))
        return Project(input=groups, outputs=outputs, alias=alias)

    def projected(self, depth: int, alias: str) -> Project:
        node, scope = self.source(depth)
        names = self.draw(st.sampled_from([("k", "v"), ("v", "k")]))
        source = self.draw(st.sampled_from(scope))
        pairs = zip(("k", "v"), names, strict=True)
        wrap = self.draw(st.sampled_from(["{}", "{} + 1", "coalesce({}, 2)"]))
        outputs = [Output(name=n, expr=wrapped(wrap, column(source, c))) for n, c in pairs]
        return Project(input=node, outputs=tuple(outputs), alias=alias)

    def source(self, depth: int) -> tuple[Node, list[str]]:
        kind = self.draw(st.sampled_from(["join", "filter", "join", "filter", "relation"] if depth else ["relation"]))
        if kind == "relation":
            relation = self.relation(depth)
            return relation, [relation.alias]
        if kind == "filter":
            node, scope = self.source(depth - 1)
            return Filter(input=node, predicates=(self.predicate(scope),)), scope
        inputs = [self.source(depth - 1) for _ in range(2)]
        scope = [alias for _, found in inputs for alias in found]
        predicates = tuple(self.predicate(scope) for _ in range(self.draw(st.integers(0, 2))))
        return Join(inputs=tuple(node for node, _ in inputs), predicates=predicates), scope

    def predicate(self, scope: list[str]) -> Expr:
        left, right = (self.draw(st.sampled_from(scope)) for _ in range(2))
        if left != right:
            return equal(left, right)
        forms = ["{} > 0", "{} IS NOT NULL", "{} IS NULL", "{} > 0 OR {} IS NULL", "NOT {} IN (1, 2)", "{} * {} < 4"]
        return wrapped(self.draw(st.sampled_from(forms)), column(left, self.draw(st.sampled_from("kv"))))


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    con.execute("SET disabled_optimizers = 'projection_pullup'")  # DuckDB 2.0.0 fails an assertion in nests of joins
    con.execute("CREATE TABLE r AS FROM (VALUES (1, 1), (1, 1), (2, -1), (3, NULL), (NULL, 4)) AS t(k, v)")
    con.execute("CREATE TABLE s AS FROM (VALUES (1, 2), (2, 2), (2, 3), (NULL, 1)) AS t(k, v)")
    yield con
    con.close()


@settings(max_examples=200, deadline=None, print_blob=True)
@given(data=st.data())
def test_an_optimized_plan_computes_the_same_bag(database: duckdb.DuckDBPyConnection, data: st.DataObject) -> None:
    plan = data.draw(st.composite(lambda draw: Plans(draw).projected(3, "v"))())
    optimized = optimize(view(plan)).children[0]
    before, after = (Counter(database.execute(select(p, weighted=False)).fetchall()) for p in (plan, optimized))
    assert before == after
    assert not any(
        isinstance(child, Join) for node in walk(optimized) if isinstance(node, Join) for child in node.inputs
    )
