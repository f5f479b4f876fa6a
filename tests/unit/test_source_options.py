"""The options of refreshable tables: what is understood, and what is refused by name."""

from __future__ import annotations

import pytest

from mvengine.errors import BindError, ProgrammingError, UnknownOption
from mvengine.planner.options import bind_source, redacted
from mvengine.planner.source import Encoding, OnError


def test_the_risingwave_form_means_the_same_as_the_short_form() -> None:
    long = bind_source(
        None,
        (
            ("connector", "batch_posix_fs"),
            ("batch_posix_fs.root", "/data"),
            ("match_pattern", "*.csv"),
            ("refresh_mode", "full_reload"),
            ("refresh_interval_sec", "60"),
        ),
        "csv",
        (("without_header", "true"), ("delimiter", ";")),
    )
    short = bind_source("/data", (("match_pattern", "*.csv"), ("header", "f"), ("delim", ";")), None, ())
    assert long.source == short.source
    assert (long.refresh_interval_sec, short.refresh_interval_sec) == (60, None)
    assert long.source.options == (("delimiter", ";"), ("header", "false"))


@pytest.mark.parametrize("connector", ["batch_posix_fs", "posix_fs", "__for_testing_only_batch_posix_fs"])
def test_a_connector_has_three_names(connector: str) -> None:
    bound = bind_source(None, (("connector", connector), ("posix_fs.root", "/d")), "PARQUET", ())
    assert (bound.source.connector, bound.source.root) == ("posix_fs", "/d")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("connector", "kafka", "connector"),
        ("refresh_mode", "CDC", "FULL_RELOAD"),
        ("refresh_interval_sec", "0", "at least 1"),
        ("refresh_interval_sec", "1.5", "at least 1"),
        ("refresh_interval_sec", "-3", "at least 1"),
        ("on_error", "ignore", "fail, skip"),
        ("errors_max", "many", "whole number"),
        ("header", "perhaps", "true or false"),
        ("delimiter", "", "one to four bytes"),
        ("quote", "ab", "one ASCII character"),
        ("encoding", "ebcdic", "utf-8"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_what_is(option: str, value: str, said: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        bind_source("/d", ((option, value),), "CSV", ())
    assert f"'{option}'" in caught.value.message
    assert said in str(caught.value)
    assert caught.value.code == "22023"


@pytest.mark.parametrize(
    ("options", "nearest"),
    [((("refresh_intervall_sec", "3"),), "refresh_interval_sec"), ((("delimter", ";"),), "delimiter")],
)
def test_an_unknown_option_is_refused_with_the_nearest_known_one(
    options: tuple[tuple[str, str], ...], nearest: str
) -> None:
    with pytest.raises(UnknownOption, match=f"did you mean '{nearest}'") as caught:
        bind_source("/d", options, "CSV", ())
    assert options[0][0] in caught.value.message


def test_an_option_of_another_format_or_connector_is_unknown() -> None:
    with pytest.raises(UnknownOption, match="delimiter"):
        bind_source("/d", (), "PARQUET", (("delimiter", ";"),))
    with pytest.raises(UnknownOption, match=r"s3\.region"):
        bind_source("/d", (("s3.region", "eu"),), "CSV", ())


def test_a_table_without_a_source_says_how_to_give_one() -> None:
    with pytest.raises(BindError, match="REFRESHABLE FROM"):
        bind_source(None, (("refresh_mode", "FULL_RELOAD"),), "CSV", ())
    with pytest.raises(ProgrammingError, match=r"posix_fs\.root"):
        bind_source(None, (("connector", "posix_fs"),), "CSV", ())


def test_what_is_given_twice_is_refused() -> None:
    with pytest.raises(ProgrammingError, match="twice"):
        bind_source("/d", (("root", "/e"),), "CSV", ())
    with pytest.raises(ProgrammingError, match="twice"):
        bind_source("/d", (("header", "true"), ("without_header", "true")), "CSV", ())
    with pytest.raises(ProgrammingError, match="twice"):
        bind_source("/d", (("delimiter", ";"),), "CSV", (("sep", ","),))


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["a.csv", "b.tsv.gz"], Encoding.CSV),
        (["a.json", "b.jsonl.zst", "c.NDJSON"], Encoding.JSON),
        (["a.parquet"], Encoding.PARQUET),
    ],
)
def test_the_format_is_told_by_the_files_names(names: list[str], encoding: Encoding) -> None:
    assert bind_source("/d", (), None, (), names).source.encoding is encoding
    assert bind_source(f"/d/{names[0]}", (), None, ()).source.encoding is encoding


@pytest.mark.parametrize("names", [[], ["a.csv", "b.json"], ["a.csv", "README"], ["a.parquet.gz"]])
def test_a_format_that_cannot_be_told_is_asked_for(names: list[str]) -> None:
    with pytest.raises(BindError, match="ENCODE CSV"):
        bind_source("/d", (), None, (), names)


def test_credentials_are_never_shown() -> None:
    options = (("s3.credentials.access", "AKIA"), ("s3.credentials.secret", "hush"), ("s3.region", "eu"))
    bound = bind_source("s3://bucket/x.csv", options, None, ())
    assert dict(redacted(bound.source).options) == {
        "s3.credentials.access": "***",
        "s3.credentials.secret": "***",
        "s3.region": "eu",
    }
    with pytest.raises(ProgrammingError) as caught:
        bind_source("s3://AKIA:hush@bucket/x.csv", (), None, ())
    assert "hush" not in str(caught.value)


def test_a_bad_row_policy_is_bound() -> None:
    source = bind_source("/d", (("on_error", "SKIP"), ("errors_max", "7")), "CSV", ()).source
    assert (source.on_error, source.errors_max) == (OnError.SKIP, 7)
