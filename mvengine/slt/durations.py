"""Durations as scripts write them: ``1s``, ``500ms``, ``1m30s``."""

from __future__ import annotations

import re

_UNITS = {
    "ns": 1e-9,
    "nsec": 1e-9,
    "nano": 1e-9,
    "nanosecond": 1e-9,
    "us": 1e-6,
    "usec": 1e-6,
    "micro": 1e-6,
    "microsecond": 1e-6,
    "ms": 1e-3,
    "msec": 1e-3,
    "milli": 1e-3,
    "millisecond": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def seconds_of(text: str) -> float | None:
    """The seconds of a duration, units as in ``_UNITS`` with or without a plural s; None if it is none."""
    seconds, at = 0.0, 0
    while at < len(text):
        part = _PART.match(text, at)
        unit = part and (_UNITS.get(part[2]) or _UNITS.get(part[2].removesuffix("s")))
        if part is None or unit is None:
            return None
        seconds += float(part[1]) * unit
        at = part.end()
    return seconds if text else None
