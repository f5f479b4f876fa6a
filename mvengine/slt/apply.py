"""Settings put into effect, one case each."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from mvengine.slt.connections import Connections
from mvengine.slt.records import DEFAULT_CONNECTION
from mvengine.slt.requirements import is_met
from mvengine.slt.settings import (
    ControlResult,
    ControlSort,
    ControlSubstitution,
    Environment,
    ErrorMessages,
    ForgetLabel,
    HashThreshold,
    Load,
    Mode,
    Nothing,
    Reopen,
    Require,
    Seed,
    Setting,
    Sleep,
    Subtest,
)
from mvengine.slt.state import State


def apply(setting: Setting, state: State, connections: Connections, sleep: Callable[[float], None]) -> None:
    """Changes the state or the sessions as a setting says. Raises the engine's errors."""
    match setting:
        case Sleep(seconds=seconds):
            sleep(seconds)
        case Subtest(name=name):
            state.subtest = name
        case HashThreshold(values_max=values_max):
            state.comparison = replace(state.comparison, hash_values_max=values_max)
        case ControlSort(sort=sort):
            state.comparison = replace(state.comparison, sort=sort)
        case ControlResult(is_valuewise=is_valuewise):
            state.comparison = replace(state.comparison, is_valuewise=is_valuewise)
        case ControlSubstitution(is_on=is_on):
            state.is_substituting = is_on
        case Mode(skips=skips):
            state.skips = max(0, state.skips + (1 if skips else -1))
        case Require():
            _require(setting, state, connections)
        case Environment():
            _environment(setting, state)
        case Load(path=path, is_read_only=is_read_only):
            connections.load(state.text(path), is_read_only=is_read_only)
        case Reopen(is_restart=is_restart):
            connections.restart() if is_restart else connections.reconnect()
        case ErrorMessages(messages=messages, is_ignored=is_ignored):
            if is_ignored:
                state.ignored_errors = messages
            else:
                state.never_expected = messages
        case Seed(value=value):
            connections.get(DEFAULT_CONNECTION).run(f"SELECT setseed({value})")
        case ForgetLabel(label=label):
            state.digests.pop(label, None)
        case Nothing():
            pass
        case _:
            assert_never(setting)


def _require(require: Require, state: State, connections: Connections) -> None:
    if not is_met(require, connections.get(DEFAULT_CONNECTION), is_duckdb=connections.is_duckdb):
        state.ended = f"require {require.name} {require.argument}".strip()


def _environment(setting: Environment, state: State) -> None:
    found = os.environ.get(setting.name)
    if not setting.is_required:
        state.environment[setting.name] = found if found is not None else setting.value or ""
    elif found is None or (setting.value is not None and found != setting.value):
        state.ended = f"require-env {setting.name} {setting.value or ''}".strip()
    else:
        state.environment[setting.name] = found
