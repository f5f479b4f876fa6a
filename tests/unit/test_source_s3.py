"""Objects of an S3-compatible store, served on loopback by moto."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyarrow.fs import S3FileSystem

from mvengine.errors import DatabaseError, LoadError, SourceError
from mvengine.planner.source import FileSource
from mvengine.refresh.plan.failure import failure_of
from mvengine.schema import Column
from mvengine.sources import bind_files, infer_columns, load_split, open_source, stages_of
from mvengine.sources.part import whole
from mvengine.testing.flaky_store import FlakyStore


class Duck:
    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except duckdb.Error as error:
            raise DatabaseError(str(error)) from error


class Store:
    """A bucket named ``data``."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.options = (
            ("s3.endpoint_url", self.url),
            ("s3.region", "us-east-1"),
            ("s3.credentials.access", "key"),
            ("s3.credentials.secret", "hush"),
        )
        self.files = S3FileSystem(
            access_key="key",
            secret_key="hush",
            region="us-east-1",
            endpoint_override=f"127.0.0.1:{port}",
            scheme="http",
            allow_bucket_creation=True,
        )
        self.files.create_dir("data")

    def put(self, path: str, content: bytes) -> None:
        with self.files.open_output_stream(path, compression=None) as stream:
            stream.write(content)

    def source(self, root: str, *options: tuple[str, str]) -> FileSource:
        return bind_files(root, self.options + options, None, ()).source

    def source_through(self, proxy: FlakyStore, root: str) -> FileSource:
        return bind_files(root, (("s3.endpoint_url", proxy.url), *self.options[1:]), None, ()).source


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield Store(port)
    server.stop()


def test_a_prefix_and_a_glob_list_objects_in_byte_order(store: Store) -> None:
    for name in ("b.csv", "a.csv", "_SUCCESS", "sub/c.csv", "x.json"):
        store.put(f"data/listing/{name}", b"id\n")

    def listed(root: str, *options: tuple[str, str]) -> list[str]:
        source = store.source(root, *options)
        return [split.path.removeprefix("s3://data/listing/") for split in open_source(source).list_splits()]

    assert listed("s3://data/listing", ("match_pattern", "*.csv")) == ["a.csv", "b.csv", "sub/c.csv"]
    assert listed("s3://data/listing/*.csv") == ["a.csv", "b.csv"]
    assert listed("s3://data/listing/**/c.csv") == ["sub/c.csv"]
    assert listed("s3://data/listing/a.csv") == ["a.csv"]
    assert listed("s3://data/nothing/*.csv") == []


def test_objects_are_inferred_and_loaded_like_files(store: Store) -> None:
    store.put("data/load/a.csv.gz", gzip.compress(b"id,name\n1,a\n2,b\n"))
    source = store.source("s3://data/load")
    reader, duck = open_source(source), Duck()
    splits = reader.list_splits()
    columns = infer_columns(duck, source, splits, reader)
    assert columns == (Column(name="id", type="BIGINT"), Column(name="name", type="VARCHAR"))
    duck.query("create table staging (id bigint, name varchar, _file_id integer)")
    loaded = load_split(
        duck, source=source, columns=columns, key=("id",), split=splits[0], reader=reader, file_id=3, into="staging"
    )
    assert loaded.rows == 2
    assert duck.query("from staging") == [(1, "a", 3), (2, "b", 3)]


def test_a_bad_object_is_named_by_its_url(store: Store) -> None:
    store.put("data/bad/a.csv", b"id\n1\nz\n")
    store.put("data/bad/b.parquet", b"")
    duck = Duck()
    duck.query("create table staging (id bigint, _file_id integer)")
    for name, line in (("a.csv", 3), ("b.parquet", None)):
        source = store.source(f"s3://data/bad/{name}")
        reader = open_source(source)
        with pytest.raises(LoadError) as caught:
            load_split(
                duck,
                source=source,
                columns=(Column(name="id", type="BIGINT"),),
                key=(),
                split=reader.list_splits()[0],
                reader=reader,
                file_id=1,
                into="staging",
            )
        assert (caught.value.path, caught.value.line) == (f"s3://data/bad/{name}", line)
        assert "/tmp" not in caught.value.message


def test_an_object_that_goes_or_changes_after_listing_is_an_error(store: Store) -> None:
    store.put("data/change/a.csv", b"id\n")
    reader = open_source(store.source("s3://data/change/a.csv"))
    (split,) = reader.list_splits()
    store.put("data/change/a.csv", b"id\n1\n")
    with pytest.raises(SourceError, match=r"s3://data/change/a\.csv.*changed"), reader.open(split, whole(split.size)):
        pass
    store.files.delete_file("data/change/a.csv")
    with pytest.raises(SourceError, match=r"s3://data/change/a\.csv"), reader.open(split, whole(split.size)):
        pass


def test_a_bucket_or_a_store_that_is_not_there_is_an_error(store: Store) -> None:
    with pytest.raises(SourceError, match="no bucket 'gone'"):
        open_source(store.source("s3://gone/x.csv")).list_splits()
    nowhere = bind_files("s3://data/x.csv", (("s3.endpoint_url", "http://127.0.0.1:9"), *store.options[1:]), None, ())
    with pytest.raises(SourceError, match=r"cannot read 's3://data/x\.csv'") as caught:
        open_source(nowhere.source).list_splits()
    assert "hush" not in str(caught.value)


def test_an_object_rewritten_within_a_second_with_as_many_bytes_has_another_etag(store: Store) -> None:
    store.put("data/etag/a.csv", b"id,name\n1,a\n")
    reader = open_source(store.source("s3://data/etag/a.csv"))
    (before,) = reader.list_splits()
    store.put("data/etag/a.csv", b"id,name\n1,Z\n")
    (after,) = reader.list_splits()
    assert before.size == after.size
    assert before.etag is not None
    assert before.etag != after.etag


def test_of_a_large_parquet_object_only_the_part_is_fetched(store: Store) -> None:
    buffer = pa.BufferOutputStream()
    data = pa.table({"id": list(range(80_000)), "x": [i * 7919 for i in range(80_000)]})
    pq.write_table(data, buffer, row_group_size=10_000, compression="none", use_dictionary=False)
    content = buffer.getvalue().to_pybytes()
    store.put("data/parts/a.parquet", content)
    duck = Duck()
    duck.query("create table staging (id bigint, x bigint, _file_id integer)")
    source = store.source("s3://data/parts/a.parquet")
    reader = open_source(source)
    (split,) = reader.list_splits()
    parts = stages_of(duck, source=source, split=split, reader=reader, bytes_max=len(content) // 3)
    assert len(parts) == 4
    with reader.open(split, parts[1]) as path:
        assert path.stat().st_size == len(content)
        assert path.read_bytes()[parts[1].first_byte :].startswith(content[parts[1].first_byte :][: parts[1].size])
        assert not any(path.read_bytes()[4 : parts[1].first_byte])
    columns = (Column(name="id", type="BIGINT"), Column(name="x", type="BIGINT"))
    for part in parts:
        load_split(
            duck,
            source=source,
            columns=columns,
            key=("id",),
            split=split,
            reader=reader,
            file_id=1,
            into="staging",
            part=part,
        )
    assert duck.query("select count(*), sum(x), max(id) from staging") == [(80_000, sum(data["x"].to_pylist()), 79_999)]
    store.put("data/parts/a.parquet", content[:-1000])
    with pytest.raises(SourceError, match="changed"), reader.open(split, parts[1]):
        pass


@pytest.mark.parametrize(
    ("status", "type_", "retryable"),
    [(503, "object_store", True), (0, "object_store", True), (403, "io", False), (400, "object_store", False)],
)
def test_a_store_that_is_busy_or_gone_may_be_tried_again_and_one_that_forbids_may_not(
    store: Store, status: int, type_: str, retryable: bool
) -> None:
    store.put("data/flaky/a.csv", b"id\n1\n")
    with FlakyStore(store.url) as proxy:
        reader = open_source(store.source_through(proxy, "s3://data/flaky/a.csv"))
        (split,) = reader.list_splits()
        if status:
            proxy.answer("/data/flaky/a.csv*", status=status, times=9)
        else:
            proxy.hang_up("/data/flaky/a.csv*", times=9)
        with pytest.raises(SourceError, match=r"s3://data/flaky/a\.csv") as caught, reader.open(split, whole(6)):
            pass
        found = failure_of(caught.value)
        assert (found.type.value, found.retryable, found.file) == (type_, retryable, "s3://data/flaky/a.csv")


def test_a_store_that_is_busy_once_is_asked_again_at_once(store: Store) -> None:
    store.put("data/flaky/b.csv", b"id\n1\n")
    with FlakyStore(store.url) as proxy:
        reader = open_source(store.source_through(proxy, "s3://data/flaky/b.csv"))
        (split,) = reader.list_splits()
        proxy.answer("/data/flaky/b.csv*", status=503)
        with reader.open(split, whole(split.size)) as path:
            assert path.read_bytes() == b"id\n1\n"


def test_what_is_missing_in_a_store_is_told(store: Store) -> None:
    found = failure_of(_caught(lambda: open_source(store.source("s3://gone/x.csv")).list_splits()))
    assert (found.type.value, found.retryable) == ("io", False)
    store.put("data/missing/a.csv", b"id\n")
    reader = open_source(store.source("s3://data/missing/a.csv"))
    (split,) = reader.list_splits()
    store.files.delete_file("data/missing/a.csv")
    found = failure_of(_caught(lambda: reader.open(split, whole(split.size)).__enter__()))
    assert (found.type.value, found.retryable, found.file) == ("missing_file", True, "s3://data/missing/a.csv")


def _caught(action: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        action()
    return caught.value
