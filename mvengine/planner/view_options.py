"""The options of a materialized view: names and values checked, and bound. Pure.

``policy`` and ``exact_floats`` are part of its plan; the others are settings, which say how the plan is carried out:

    maintain     on_commit: it follows with what changes its inputs; deferred: at a refresh of it, from the change log
    target_lag   an interval, as '5 minutes': the scheduler refreshes it so that it stays behind by no more; deferred
    on_error     what is done when its query fails on the data: fail, or suspend the view
    max_attempts tries of its task in a refresh
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mvengine.planner.option_checks import Check, bad, boolean, canonical, count, error, one_of, unknown
from mvengine.planner.options import ATTEMPTS_MAX, INTERVAL_SECONDS_MAX
from mvengine.sql.statements import Options, Policy

ON_COMMIT, DEFERRED = "on_commit", "deferred"

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_ALSO = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}
_PART = re.compile(r"\s*(\d{1,12})\s*([a-z]+)\s*,?", re.I)


def interval(name: str, value: str) -> str:
    """An interval in its canonical form: a whole number of the largest unit that gives one, as '90 seconds'."""
    seconds, rest = 0, value.strip()
    while rest:
        part = _PART.match(rest)
        word = part.group(2).lower() if part else ""
        word = word if word in _ALSO else word.removesuffix("s")
        unit = _UNITS.get(_ALSO.get(word, word))
        if part is None or unit is None:
            raise bad(name, value, "an interval, as '90 seconds', '5 minutes', '1 hour 30 minutes' or '2 days'")
        seconds, rest = seconds + int(part.group(1)) * unit, rest[part.end() :]
    if not 1 <= seconds <= INTERVAL_SECONDS_MAX:
        raise bad(name, value, f"an interval of 1 second to {INTERVAL_SECONDS_MAX // 86_400} days")
    unit_name, unit = next((it, of) for it, of in reversed(_UNITS.items()) if seconds % of == 0)
    return f"{seconds // unit} {unit_name}{'s' if seconds != unit else ''}"


def seconds_of(canonical_interval: str) -> int:
    """The length of a ``target_lag`` as it is stored."""
    number, unit = canonical_interval.split()
    return int(number) * _UNITS[unit.removesuffix("s")]


VIEW_SETTINGS: Mapping[str, Check] = {
    "maintain": one_of(on_commit=ON_COMMIT, deferred=DEFERRED),
    "target_lag": interval,
    "on_error": one_of(fail="fail", suspend="suspend"),
    "max_attempts": count(1, ATTEMPTS_MAX),
}
"""What ALTER can change without planning the view anew."""

_PLANNED: Mapping[str, Check] = {
    "policy": one_of(**{policy.value: policy.value for policy in Policy}),
    "exact_floats": boolean,
}
VIEW_OPTIONS: Mapping[str, Check] = {**_PLANNED, **VIEW_SETTINGS}


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """What WITH (…) of CREATE MATERIALIZED VIEW says."""

    policy: Policy
    exact_floats: bool
    settings: Mapping[str, str]  # those that were given, canonical


def bind_view_options(options: Options) -> ViewOptions:
    """Errors: UnknownOption with the nearest known name; ProgrammingError 22023 for a value that is not allowed, and
    for settings that contradict each other."""
    given = canonical(options, VIEW_OPTIONS)
    settings = {name: value for name, value in given.items() if name in VIEW_SETTINGS}
    is_deferred(settings)
    return ViewOptions(
        policy=Policy(given.get("policy", Policy.AUTO)),
        exact_floats=given.get("exact_floats") == "true",
        settings=settings,
    )


def bind_view_setting(name: str, value: str | None) -> str | None:
    """The canonical value of an option that ALTER MATERIALIZED VIEW sets, or resets (None). Errors as
    ``bind_view_options``."""
    if name not in VIEW_OPTIONS:
        raise unknown(name, VIEW_OPTIONS)
    if name == "exact_floats":
        raise error(
            "option 'exact_floats' changes what the view stores", "use CREATE OR REPLACE MATERIALIZED VIEW … WITH (…)"
        )
    return None if value is None else VIEW_OPTIONS[name](name, value)


def is_deferred(settings: Mapping[str, str]) -> bool:
    """Whether a view with these settings follows at a refresh of it. A target_lag implies that it does.

    ProgrammingError 22023: it is to follow at commit and have a target_lag.
    """
    maintain = settings.get("maintain")
    if maintain == ON_COMMIT and "target_lag" in settings:
        raise error(
            f"a view that is maintained on commit has no lag, and target_lag is '{settings['target_lag']}'",
            "RESET (target_lag), or leave out maintain = 'on_commit'",
        )
    return maintain == DEFERRED or "target_lag" in settings
