"""Settings: who wins, and which values are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvengine.config import load_config, with_stored
from mvengine.errors import ProgrammingError, UnknownOption


def test_code_wins_over_the_environment_and_that_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mvengine.toml").write_text("lock_timeout = 1\nretry_pause = 1\nmax_attempts = 1\n")
    environment = {"MVENGINE_RETRY_PAUSE": "2", "MVENGINE_MAX_ATTEMPTS": "2"}
    config = load_config({"max_attempts": 3}, environment)
    assert (config.lock_timeout, config.retry_pause, config.max_attempts) == (1.0, 2.0, 3)


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("lock_timeout", -1, "a number of seconds from 0 on"),
        ("lock_timeout", "inf", "a number of seconds from 0 on"),
        ("retry_pause", "nan", "a number of seconds from 0 on"),
        ("checkpoint_age_max", "a week", "a number of seconds from 0 on"),
        ("max_concurrency", 0, "a whole number from 1 on"),
        ("recovery", "hope", "resume, restart or reset"),
        ("scheduler", "perhaps", "true or false"),
    ],
)
def test_a_bad_value_is_refused_and_the_setting_named(setting: str, value: object, expected: str) -> None:
    with pytest.raises(ProgrammingError, match=rf"setting {setting} in connect\(\) must be {expected}, not"):
        load_config({setting: value}, {})


def test_an_unknown_setting_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(UnknownOption) as caught:
        load_config({"max_concurency": 2}, {})
    assert caught.value.hint == "did you mean max_concurrency?"


def test_an_unknown_variable_of_the_environment_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(UnknownOption, match="unknown setting MVENGINE_LOCK_TIMOUT in the environment") as caught:
        load_config({}, {"MVENGINE_LOCK_TIMOUT": "3"})
    assert caught.value.hint == "did you mean MVENGINE_LOCK_TIMEOUT?"


@pytest.mark.parametrize("text", [b"lock_timeout = = 3", b"lock_timeout = '\xff'", b"[lock_timeout"])
def test_a_broken_file_of_settings_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mvengine.toml").write_bytes(text)
    with pytest.raises(ProgrammingError, match=r"mvengine\.toml cannot be read") as caught:
        load_config({}, {})
    assert caught.value.code == "F0000"


def test_what_is_stored_counts_where_nothing_else_is_given() -> None:
    config = load_config({"max_attempts": 2}, {})
    stored = {"max_attempts": "9", "retry_pause": "0.5", "TimeZone": "UTC"}
    assert (with_stored(config, stored).max_attempts, with_stored(config, stored).retry_pause) == (2, 0.5)
