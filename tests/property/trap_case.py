# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""What a case of ``test_differential_traps`` is: what it promises is in its name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Case:
    """Tables, views over them, and epochs of statements. ``full``: the views that are computed again; ``asked``: those
    of them that would not be if their policy did not say so."""

    name: str
    setup: tuple[str, ...]
    views: dict[str, str]
    epochs: tuple[tuple[str, ...], ...]
    full: frozenset[str]
    asked: frozenset[str]


def case(name: str, setup: str, views: dict[str, str], *epochs: str, full: str = "", asked: str = "") -> Case:
    """Statements are parted by semicolons. ``full`` and ``asked`` name views."""
    return Case(
        name=name,
        setup=_parts(setup),
        views=views,
        epochs=tuple(_parts(epoch) for epoch in epochs),
        full=frozenset(f"{full} {asked}".split()),
        asked=frozenset(asked.split()),
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


R = "CREATE TABLE r (k INT, x INT); INSERT INTO r VALUES (1, 1), (1, 1), (1, 2), (2, NULL), (NULL, 3), (NULL, NULL)"
RS = (
    "CREATE TABLE r (k INT, x INT); CREATE TABLE s (k INT, y INT); INSERT INTO r VALUES (1, 1), (2, 2), (2, 2), (NULL, 3);"
    " INSERT INTO s VALUES (1, 1), (2, 2), (2, 3), (NULL, 4)"
)
