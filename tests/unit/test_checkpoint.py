"""When a checkpoint must not be used: P24. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mvengine.refresh.plan.checkpoint import Checkpoint, discard_reason

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHECKPOINT = Checkpoint(digest="abc", stages=2, at=NOON)
GOOD = CHECKPOINT.dumps()


def reason(text: str | None, *, digest: str = "abc", seconds: float = 0.0) -> str | None:
    return discard_reason(text, digest=digest, now=NOON + timedelta(seconds=seconds), age_max_seconds=60)


def test_p24_one_that_fits_is_used_and_where_there_is_none_nothing_speaks_against_it() -> None:
    assert (reason(GOOD), reason(GOOD, seconds=60), reason(None)) == (None, None, None)


def test_p24_another_definition_and_too_great_an_age_are_told_apart() -> None:
    assert reason(GOOD, digest="abd") == "the definition of the table has changed since"
    assert reason(GOOD, seconds=61) == "its checkpoint is 61 s old, more than checkpoint_age_max = 60 s"
    assert reason(replace(CHECKPOINT, digest="").dumps()) == "the definition of the table has changed since"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace('"format": 1', '"format": 2'), "its checkpoint has format 2, this is format 1"),
        ("", "its checkpoint cannot be read: JSONDecodeError"),
        (GOOD[:-1], "its checkpoint cannot be read: JSONDecodeError"),
        ("null", "its checkpoint cannot be read: TypeError"),
        ("[]", "its checkpoint cannot be read: TypeError"),
        ("{}", "its checkpoint cannot be read: KeyError"),
        (GOOD.replace("2,", '"many",'), "its checkpoint cannot be read: ValueError"),
        (GOOD.replace("+00:00", ""), "its checkpoint cannot be read: TypeError"),
        (GOOD.replace("2026-11-20", "yesterday"), "its checkpoint cannot be read: ValueError"),
    ],
)
def test_p24_one_that_cannot_be_read_is_not_used(text: str, expected: str) -> None:
    assert text != GOOD
    assert str(reason(text)).startswith(expected)
