"""The statements that maintain a GroupStage. Temporary tables are named after the stage: ``mv_groups_<stage>`` holds
the change per group, ``mv_next_<stage>`` the states of these groups before and after.

Keys are compared by ``=`` where the change holds no NULL key, so that the engine's dynamic filters reach the scan (six
to eleven times faster than IS NOT DISTINCT FROM); else null-safely.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mvengine.planner.delta.changes import Changes
from mvengine.planner.delta.doubles import changed_error, changed_sum, is_uncertain, merged_error
from mvengine.planner.delta.state import (
    COUNT,
    INTEGER_TYPES,
    StateColumn,
    StateKind,
    initial,
    is_exact,
    state_columns,
)
from mvengine.planner.emit.bag import difference, is_not_zero
from mvengine.planner.emit.select import columns_of, select, union
from mvengine.planner.logical import WEIGHT, GroupRead, GroupStage
from mvengine.planner.node import Node, rewrite
from mvengine.planner.scalar import column
from mvengine.planner.twins import may_have_twin, twins_of
from mvengine.schema import Column, Columns, quote

OLD = "_mv_old"
"""Before the name of a state: what it was."""

LOST = "_mv_lost"


@dataclass(frozen=True)
class GroupSql:
    """SQL for one group stage. ``is_null_safe`` says how keys are compared."""

    stage: GroupStage
    is_null_safe: bool

    @property
    def states(self) -> tuple[StateColumn, ...]:
        return state_columns(self.stage.arguments, self.stage.aggregates, exact_floats=self.stage.exact_floats)

    @property
    def groups(self) -> str:
        return quote(f"mv_groups_{self.stage.name}")

    @property
    def next(self) -> str:
        return quote(f"mv_next_{self.stage.name}")

    @property
    def is_always_derived(self) -> bool:
        """Whether every touched group is derived again."""
        return self.stage.exact_floats and not all(is_exact(state) for state in self.states)

    @property
    def is_additive(self) -> bool:
        """Whether the change of a group follows from the change of its rows alone: there are only exact sums."""
        return not self.stage.twins and all(is_exact(state) and not state.is_extremum for state in self.states)

    @property
    def twins(self) -> Columns:
        """The stored columns whose equal values may differ: the engine's UPDATE takes these for unchanged."""
        extrema = tuple(Column(name=s.name, type=s.argument.type) for s in self.states if s.is_extremum)
        return (*self.stage.twins, *twins_of(extrema))

    def create(self) -> str:
        """The state table, filled from the current input."""
        return f"CREATE TABLE {self.stage.storage} AS\n{self._derive(self.stage.input, '')}"

    def rebuild(self) -> tuple[str, ...]:
        """The state derived again from the current input."""
        return (
            f"DELETE FROM {self.stage.storage}",
            f"INSERT INTO {self.stage.storage}\n{self._derive(self.stage.input, '')}",
        )

    def _derive(self, source: Node, restriction: str) -> str:
        keys = [f"input.{quote(key)}" for key in self.stage.keys]
        outputs = [*keys, f"count(*) AS {COUNT}", *self._initial()]
        rows = f"({select(source, weighted=False)}) AS input{restriction}"
        grouping = f"\nGROUP BY {', '.join(keys)}" if keys else ""
        return f"SELECT {', '.join(outputs)}\nFROM {rows}{grouping}"

    def _initial(self) -> list[str]:
        return [f"{initial(s, exact_floats=self.stage.exact_floats)} AS {s.name}" for s in self.states]

    def summarize(self, changes: Changes) -> str:
        """The summary as a temporary table."""
        return f"CREATE OR REPLACE TEMP TABLE {self.groups} AS\n{self._summary(changes)}"

    def _summary(self, changes: Changes) -> str:
        """The change of the input, summed per group. Groups in which everything cancels are left out."""
        terms = union(changes.terms(self.stage.input), weighted=True)
        keys = [quote(key) for key in self.stage.keys]
        outputs = [*keys, f"CAST(sum({WEIGHT}) AS BIGINT) AS {COUNT}", *self._summaries()]
        zero = [is_not_zero(f"sum({WEIGHT})")]
        zero += [is_not_zero(s.name) for s in self.states if not s.is_extremum and is_exact(s)]
        keep = not self.is_additive
        grouping = f"\nGROUP BY {', '.join(keys)}" if keys else ""
        nothing = "" if keys else "\nHAVING count(*) > 0"  # or it would be a row of NULL
        having = nothing if keep else f"\nHAVING {' OR '.join(zero)}"
        return f"SELECT {', '.join(outputs)}\nFROM (\n{terms}\n) AS change{grouping}{having}"

    def _summaries(self) -> list[str]:
        found: list[str] = []
        for state in self.states:
            argument = quote(state.argument.name)
            match state.kind:
                case StateKind.NON_NULL:
                    total = f"sum(CASE WHEN {argument} IS NOT NULL THEN {WEIGHT} ELSE 0 END)"
                    found.append(f"CAST(coalesce({total}, 0) AS BIGINT) AS {state.name}")
                case StateKind.SUM if not is_exact(state):
                    found.append(f"{changed_sum(argument, WEIGHT)} AS {state.name}")
                case StateKind.ERROR:
                    found.append(f"{changed_error(argument, WEIGHT)} AS {state.name}")
                case StateKind.SUM:
                    exact = f"CAST({argument} AS HUGEINT)" if state.argument.type in INTEGER_TYPES else argument
                    found.append(f"coalesce(sum({WEIGHT} * {exact}), 0) AS {state.name}")
                case StateKind.MIN | StateKind.MAX:
                    found.append(f"{state.kind}({argument}) FILTER (WHERE {WEIGHT} > 0) AS {state.name}")
                    found.append(f"{state.kind}({argument}) FILTER (WHERE {WEIGHT} < 0) AS {state.lost_name}")
        return found

    def shape(self) -> str:
        """How many groups change, and how many of their keys hold a NULL."""
        nulls = " OR ".join(f"({quote(key)} = {quote(key)}) IS NOT TRUE" for key in self.stage.keys) or "false"
        return f"SELECT count(*), count(*) FILTER (WHERE {nulls}) FROM {self.groups}"

    def same_keys(self, left: str, right: str) -> str:
        """A join condition on the keys."""
        operator = "IS NOT DISTINCT FROM" if self.is_null_safe else "="
        pairs = [f"{left}.{quote(key)} {operator} {right}.{quote(key)}" for key in self.stage.keys]
        return " AND ".join(pairs) or "true"

    def derive_next(self, source: str) -> str:
        """The states of the changed groups before and after, from the summary ``source``. Where a result cannot follow
        from the change, the group is marked as lost."""
        before = [f"s.{COUNT} AS {OLD}{COUNT}", *(f"s.{s.name} AS {OLD}{s.name}" for s in self.states)]
        after = [f"coalesce(s.{COUNT}, 0) + d.{COUNT} AS {COUNT}", *(f"{_merged(s)} AS {s.name}" for s in self.states)]
        told_apart = {key.name for key in self.stage.twins}
        keys = [f"d.{quote(key)}" for key in self.stage.keys if key not in told_apart]
        for key in (quote(key.name) for key in self.stage.twins):
            keys.append(f"CASE WHEN s.{COUNT} IS NULL THEN d.{key} ELSE s.{key} END AS {key}")
            before.append(f"s.{key} AS {_old_key(key)}")
        lost = [f"{self._lost()} AS {LOST}"] if self.may_lose else []
        return (
            f"CREATE OR REPLACE TEMP TABLE {self.next} AS\nSELECT {', '.join([*keys, *before, *after, *lost])}\n"
            f"FROM {source} AS d LEFT JOIN {self.stage.storage} AS s ON {self.same_keys('s', 'd')}"
        )

    def derive_next_at_once(self, changes: Changes) -> str:
        """The same, without a table for the summary."""
        return self.derive_next(f"(\n{self._summary(changes)}\n)")

    @property
    def may_lose(self) -> bool:
        """Whether there can be groups to derive again."""
        return not self.is_additive

    def _lost(self) -> str:
        remains = f"coalesce(s.{COUNT}, 0) + d.{COUNT} > 0" if self.stage.keys else "true"
        if self.is_always_derived:
            return remains
        lost = [_loses(state) for state in self.states if state.is_extremum]
        lost += [_uncertain(state) for state in self.states if state.kind is StateKind.ERROR]
        lost += [may_have_twin(key, "d") for key in self.stage.twins]
        return f"coalesce({remains} AND ({' OR '.join(lost)}), false)"

    def count_lost(self) -> str:
        """How many groups are lost; where there are ``twins``, also in how many a value may have one."""
        if not self.twins:
            return f"SELECT count(*) FROM {self.next} WHERE {LOST}"
        return f"SELECT count(*) FILTER (WHERE {LOST}), count(*) FILTER (WHERE {self._has_twin()}) FROM {self.next}"

    def _has_twin(self) -> str:
        return " OR ".join(may_have_twin(column) for column in self.twins)

    def forget_twins(self) -> str:
        """Deletes stored groups in the place of which others, equal but perhaps not the same, will be inserted."""
        changed = " OR ".join(may_have_twin(column, "d") for column in self.twins)
        return (
            f"DELETE FROM {self.stage.storage} AS s USING {self.next} AS d\n"
            f"WHERE {self.same_keys('s', 'd')} AND d.{COUNT} > 0 AND ({changed})"
        )

    def derive_lost(self, changes: Changes) -> str:
        """Puts the states of the lost groups in their place, derived from the input."""
        lost = f"(FROM {self.next} WHERE {LOST})"
        restriction = f"\nSEMI JOIN {lost} AS lost ON {self.same_keys('input', 'lost')}" if self.stage.keys else ""
        keys = {quote(key): column("input", key) for key in self.stage.keys}
        affected = changes.affected(self.stage, lost, is_null_safe=self.is_null_safe)
        source = affected.restricted(self.stage.input, keys)
        names = [COUNT, *(s.name for s in self.states)]
        if self.twins:
            names += [quote(key.name) for key in self.stage.twins]
            found = [f"CASE WHEN n.{LOST} THEN again.{name} ELSE n.{name} END AS {name}" for name in names]
            return (
                f"CREATE OR REPLACE TEMP TABLE {self.next} AS\nSELECT n.* REPLACE ({', '.join(found)})\n"
                f"FROM {self.next} AS n LEFT JOIN (\n{self._derive(source, restriction)}\n) AS again\n"
                f"ON n.{LOST} AND {self.same_keys('n', 'again')}"
            )
        return (
            f"UPDATE {self.next} AS n SET {', '.join(f'{name} = again.{name}' for name in names)}\n"
            f"FROM (\n{self._derive(source, restriction)}\n) AS again\n"
            f"WHERE n.{LOST} AND {self.same_keys('n', 'again')}"
        )

    def merge_next(self) -> str:
        """Stores the states of the changed groups."""
        return self._merge(self.next, lambda name: f"d.{name}")

    def visible_change(self, visible: Node, twins: Columns) -> str:
        """A query for what the change is to those who see ``visible``: projections and filters over the groups."""

        def over(states: str) -> str:
            plan = rewrite(visible, lambda node: replace(node, storage=states) if isinstance(node, GroupRead) else None)
            return f"({select(plan, weighted=False)})"

        return difference(over(self._states("")), over(self._states(OLD)), columns_of(visible), twins)

    def _states(self, prefix: str) -> str:
        """The changed groups' states as they are stored: after, or with the prefix, before."""
        names = [COUNT, *(s.name for s in self.states)]
        told_apart = {quote(key.name) for key in self.stage.twins} if prefix else set()
        keys = [f"{_old_key(key)} AS {key}" if key in told_apart else key for key in map(quote, self.stage.keys)]
        columns = [*keys, *(f"{prefix}{name} AS {name}" for name in names)]
        exists = f"{prefix}{COUNT} > 0" if self.stage.keys else "true"  # without keys there is always a row
        return f"(SELECT {', '.join(columns)} FROM {self.next} WHERE {exists})"

    def merge_summary(self, changes: Changes) -> str:
        """Sums the change of the input and applies it, by one statement: its count is that of the groups that change.
        Of an additive stage whose groups nobody needs to know."""
        return self._merge(f"(\n{self._summary(changes)}\n)", lambda name: f"s.{name} + d.{name}")

    def _merge(self, source: str, new: Callable[[str], str]) -> str:
        """Stores what ``source`` says of groups; ``new`` gives a stored column after it, from those of s and d."""
        names = [COUNT, *(s.name for s in self.states)]
        columns = [*(quote(key) for key in self.stage.keys), *names]
        gone = f"WHEN MATCHED AND {new(COUNT)} = 0 THEN DELETE\n" if self.stage.keys else ""
        return (
            f"MERGE INTO {self.stage.storage} AS s USING {source} AS d ON ({self.same_keys('s', 'd')})\n"
            f"{gone}WHEN MATCHED THEN UPDATE SET {', '.join(f'{name} = {new(name)}' for name in names)}\n"
            f"WHEN NOT MATCHED AND d.{COUNT} > 0 THEN INSERT ({', '.join(columns)})\n"
            f"  VALUES ({', '.join('d.' + column for column in columns)})"
        )


def _old_key(key: str) -> str:
    """The name of a key as it was, from its quoted name."""
    return quote(f"{OLD}_key_{key}")


def _loses(state: StateColumn) -> str:
    """Whether a retracted row was an extremum: of the stored rows, or of those inserted by the same change."""
    operator = "<=" if state.kind is StateKind.MIN else ">="
    return f"d.{state.lost_name} {operator} s.{state.name} OR d.{state.lost_name} {operator} d.{state.name}"


def _uncertain(state: StateColumn) -> str:
    """Whether the bound of a sum's error would no longer hold."""
    total = f"(coalesce(s.{state.sum_name}, 0) + d.{state.sum_name})"
    return is_uncertain(total, merged_error(f"coalesce(s.{state.name}, 0)", f"d.{state.name}", total))


def _merged(state: StateColumn) -> str:
    if state.kind is StateKind.ERROR:
        error = merged_error(f"s.{state.name}", f"d.{state.name}", f"(s.{state.sum_name} + d.{state.sum_name})")
        return f"CASE WHEN s.{COUNT} IS NULL THEN d.{state.name} ELSE {error} END"
    if not state.is_extremum:
        return f"CASE WHEN s.{COUNT} IS NULL THEN d.{state.name} ELSE s.{state.name} + d.{state.name} END"
    operator = "<" if state.kind is StateKind.MIN else ">"
    better = f"d.{state.name} {operator} s.{state.name} OR s.{state.name} IS NULL"
    return f"CASE WHEN {better} THEN d.{state.name} ELSE s.{state.name} END"
