"""Loading files: every row exactly, or an error that names file, line and value, whatever the format."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mvengine.errors import BindError, DatabaseError, LoadError, SourceError
from mvengine.planner.source import FileSource, OnError
from mvengine.schema import Column, quote
from mvengine.sources import LoadedSplit, bind_files, infer_columns, load_split, open_source

COLUMNS = {"id": "INTEGER", "name": "VARCHAR", "x": "DOUBLE"}


class Duck:
    """DuckDB as loading sees it: errors are mvengine's."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except duckdb.Error as error:
            raise DatabaseError(str(error)) from error


class Table:
    """A table to load one file into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()

    def load(
        self,
        name: str,
        content: bytes | None,
        *,
        key: tuple[str, ...] = ("id",),
        columns: dict[str, str] = COLUMNS,
        skip: bool = False,
        errors_max: int = 10,
        in_transaction: bool = False,
        before_reading: Callable[[], object] = lambda: None,
        options: dict[str, str] | None = None,
    ) -> LoadedSplit:
        if content is not None:
            (self.folder / name).write_bytes(content)
        encoding = bind_files(name, (), None, ()).source.encoding
        source = FileSource(
            connector="posix_fs",
            root=str(self.folder / name),
            pattern=None,
            encoding=encoding,
            options=tuple(sorted((options or {}).items())),
            on_error=OnError.SKIP if skip else OnError.FAIL,
            errors_max=errors_max,
        )
        declared = ", ".join(f"{quote(column)} {type_}" for column, type_ in columns.items())
        self.connection.execute(f"create or replace table staging ({declared}, _file_id integer)")
        if in_transaction:
            self.connection.execute("begin")
        reader = open_source(source)
        (split,) = reader.list_splits()
        before_reading()
        return load_split(
            Duck(self.connection),
            source=source,
            columns=tuple(Column(name=column, type=type_) for column, type_ in columns.items()),
            key=key,
            split=split,
            reader=reader,
            file_id=7,
            into="main.staging",
            probe=Duck(self.connection.cursor()),
        )

    def rows(self) -> list[tuple[Any, ...]]:
        return self.connection.execute("select * exclude (_file_id) from staging").fetchall()


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


GOOD = {
    "a.csv": b'ID,extra,x,name\n1,q,1.5,a\n2,q,,"b\nc"\n',
    "a.tsv": b'name\tid\tx\na\t1\t1.5\n"b\nc"\t2\t\n',
    "a.jsonl": b'{"id": 1, "name": "a", "x": 1.5, "extra": [1]}\n\n{"id": 2, "name": "b\\nc"}\n',
    "a.json": b'[{"id": 1, "name": "a", "x": 1.5},\n {"id": 2, "name": "b\\nc", "x": null}]',
    "b.json": b'{\n "id": 1, "name": "a", "x": 1.5}\n{\n "id": 2, "name": "b\\nc"}',
}


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
@pytest.mark.parametrize("name", GOOD)
def test_good_rows_are_loaded_by_name_in_file_order(table: Table, name: str, compression: str, skip: bool) -> None:
    content = GOOD[name]
    if compression == ".gz":
        content = gzip.compress(content)
    elif compression == ".zst":
        content = pa.Codec("zstd").compress(content, asbytes=True)
    loaded = table.load(name + compression, content, skip=skip)
    expected = [(1, "a", 1.5), (2, "b\nc", None)]
    assert (table.rows(), loaded.rows, loaded.rejected) == (expected, 2, ())
    assert table.connection.execute("select distinct _file_id from staging").fetchall() == [(7,)]


@pytest.mark.parametrize("skip", [False, True])
def test_parquet_is_loaded_by_name_and_cast(table: Table, skip: bool) -> None:
    pq.write_table(pa.table({"x": ["1.5", None], "ID": [1, 2], "name": ["a", "b"]}), table.folder / "a.parquet")
    assert table.load("a.parquet", None, skip=skip).rows == 2
    assert table.rows() == [(1, "a", 1.5), (2, "b", None)]


def test_fields_whose_name_differs_in_case_throughout_are_found(table: Table) -> None:
    table.load("a.jsonl", b'{"ID": 1, "Name": "a"}\n{"Name": "b", "ID": 2}\n')
    assert table.rows() == [(1, "a", None), (2, "b", None)]


BAD = [
    ("a.csv", b'id,name,x\n1,"a\nb",2\n\nz,c,3\n', 5, "column id: cannot read 'z' as INTEGER"),
    ("a.csv", b"id,name,x\n1,a,2\n2,b\n", 3, "3 columns expected, 2 found"),
    ("a.csv", b"id,name,x\n1,a,2\n2,b,3,4\n", 3, "3 columns expected, 4 found"),
    ("a.csv", b"id,name,x\n1,a,2\n2,\xe9,3\n", 3, "not utf-8"),
    ("a.csv", b'id,name,x\n1,a,2\n2,"b,3\n', 3, "unterminated quote"),
    ("a.csv", b"id,name,x\n1\0,a,2\n", 2, "column id"),
    ("a.csv", b'id,name,x\n1,"a\nb",2\n,c,3\n', 4, "NULL in the key: column id"),
    ("a.csv", b"id,name\n1,a\n", 1, "column x is not in the header: id, name"),
    ("a.csv", b"id,name,x,ID\n1,a,2,3\n", 1, "column id is more than once in the header"),
    ("a.csv", b"\r\n\r\nid,name,x\r\n\r\n1,a,2\r\n\r\nz,b,3\r\n", 7, "column id: cannot read 'z' as INTEGER"),
    ("a.csv", b"", 1, "the header line is missing"),
    ("a.jsonl", b'{"id": 1}\n\n{"id": "z"}\n', 3, "column id: cannot read 'z' as INTEGER"),
    ("a.jsonl", b'{"id": 1}\n{"id":\n{"id": 3}\n', 2, "not valid JSON"),
    ("a.jsonl", b'{"id": 1}\n{"id": 2} {"id": 3}\n', 2, "not valid JSON"),
    ("a.jsonl", b'{"id": 1}\n[2]\n', 2, "an object is expected, found ARRAY"),
    ("a.jsonl", b'{"id": 1}\n{"id": 2, "name": "\xe9"}\n', 2, "not utf-8"),
    ("a.jsonl", b'{"id": 1}\n{"name": "a"}\n', 2, "NULL in the key: column id"),
    ("a.jsonl", b'{"idx": 1}\n', None, "no object has a column of the table; they have idx"),
    ("a.json", b'[{"id": 1},\n{"id": "z"}]', None, "record 2: column id: cannot read 'z' as INTEGER"),
    ("a.json", b'[{"id": 1},\n{"id": 2', None, "Malformed JSON"),
    ("a.json", b'[{"id": 1},\n{"name": "a"}]', None, "record 2: NULL in the key: column id"),
    ("a.parquet", b"", None, "too small to be a Parquet file"),
    ("a.parquet", b"PAR1 this is no footer at all PAR1", None, "Footer"),
    ("a.csv.gz", b"id,name,x\n1,a,2\n", None, "gzip"),
    ("a.jsonl.zst", b'{"id": 1}\n', None, "cannot be read"),
    ("a.csv.gz", gzip.compress(b"id,name,x\n" + b"1,a,2\n" * 1000, mtime=0)[:-20], None, ""),
]


@pytest.mark.parametrize("in_transaction", [False, True])
@pytest.mark.parametrize(("name", "content", "line", "said"), BAD)
def test_a_bad_file_is_an_error_that_names_file_line_and_fault(
    table: Table, name: str, content: bytes, line: int | None, said: str, in_transaction: bool
) -> None:
    with pytest.raises(LoadError) as caught:
        table.load(name, content, in_transaction=in_transaction)
    assert said in caught.value.message
    assert caught.value.path == str(table.folder / name)
    assert caught.value.line == line
    assert caught.value.message.startswith(str(table.folder / name))


def test_a_bad_value_in_parquet_is_named_with_its_row(table: Table) -> None:
    pq.write_table(pa.table({"id": ["1", "z"], "name": ["a", "b"], "x": [1.0, 2.0]}), table.folder / "a.parquet")
    with pytest.raises(LoadError, match="row 2: column id: cannot read 'z' as INTEGER"):
        table.load("a.parquet", None, in_transaction=True)
    pq.write_table(pa.table({"id": [1, None], "name": ["a", "b"], "x": [1.0, 2.0]}), table.folder / "a.parquet")
    table.connection.execute("rollback")
    with pytest.raises(LoadError, match="row 2: NULL in the key: column id"):
        table.load("a.parquet", None)
    pq.write_table(pa.table({"id": [1]}), table.folder / "a.parquet")
    with pytest.raises(LoadError, match="column name is not in the file; it has id"):
        table.load("a.parquet", None)


def test_parquet_that_breaks_off_in_its_data_is_an_error(table: Table) -> None:
    path = table.folder / "a.parquet"
    pq.write_table(pa.table({"id": list(range(5000)), "name": ["a"] * 5000, "x": [1.0] * 5000}), path)
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    with pytest.raises(LoadError, match=r"a\.parquet"):
        table.load("a.parquet", bytes(content))


MANY_BAD = b'id,name,x\n1,a,1\nz,"q\nr",2\n\n,b,3\n2,c\n3,d,4,5\n4,"e\nf",6\n,g,7\n5,\xe9,8\n6,h,9\n'


@pytest.mark.parametrize("in_transaction", [False, True])
def test_bad_rows_of_csv_are_skipped_and_told(table: Table, in_transaction: bool) -> None:
    loaded = table.load("a.csv", MANY_BAD, skip=True, in_transaction=in_transaction)
    assert table.rows() == [(1, "a", 1.0), (4, "e\nf", 6.0), (6, "h", 9.0)]
    assert [(row.line, row.reason.partition(" (")[0]) for row in loaded.rejected] == [
        (3, "column id: cannot read 'z' as INTEGER"),
        (6, "NULL in the key: column id"),
        (7, "3 columns expected, 2 found"),
        (8, "3 columns expected, 4 found"),
        (11, "NULL in the key: column id"),
        (12, "Invalid unicode"),
    ]
    assert loaded.rejected[0].text == 'z,"q\nr",2'
    left = table.connection.execute("select count(*) from duckdb_tables() where table_name <> 'staging'").fetchall()
    assert left == [(0,)]


def test_bad_lines_of_json_are_skipped_and_told(table: Table) -> None:
    content = b'{"id": 1, "x": 2}\n{"id": "z"}\n\n[3]\n{"id":\n{"name": "n"}\n{"id": 2, "x": [1]}\n{"id": 3}\n'
    loaded = table.load("a.jsonl", content, skip=True)
    assert table.rows() == [(1, None, 2.0), (3, None, None)]
    assert [(row.line, row.reason, row.text) for row in loaded.rejected] == [
        (2, "column id: cannot read 'z' as INTEGER", '{"id": "z"}'),
        (4, "an object is expected, found ARRAY", "[3]"),
        (5, "not valid JSON", '{"id":'),
        (6, "NULL in the key: column id", '{"name": "n"}'),
        (7, "column x: cannot read '[1]' as DOUBLE", '{"id": 2, "x": [1]}'),
    ]


def test_bad_records_of_a_json_array_and_of_parquet_are_skipped_and_told(table: Table) -> None:
    loaded = table.load("a.json", b'[{"id": 1}, {"id": "z"}, 3, {"id": 4}]', skip=True)
    assert table.rows() == [(1, None, None), (4, None, None)]
    assert [row.reason.partition(":")[0] for row in loaded.rejected] == ["record 2", "record 3"]
    data = {"id": ["1", "z", None], "name": ["a", "b", "c"], "x": [1.0, 2.0, 3.0]}
    pq.write_table(pa.table(data), table.folder / "a.parquet")
    loaded = table.load("a.parquet", None, skip=True)
    assert table.rows() == [(1, "a", 1.0)]
    assert [row.reason for row in loaded.rejected] == [
        "row 2: column id: cannot read 'z' as INTEGER",
        "row 3: NULL in the key: column id",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_more_bad_rows_than_allowed_are_an_error(table: Table, name: str) -> None:
    content = MANY_BAD if name == "a.csv" else b'{"id": 1}\n' + b'{"id": "z"}\n' * 3
    with pytest.raises(LoadError, match="errors_max = 2"):
        table.load(name, content, skip=True, errors_max=2)


def test_a_nested_value_with_a_wrong_part_is_a_bad_row(table: Table) -> None:
    content = b'{"id": 1, "l": [1, 2]}\n{"id": 2, "l": [1, "x"]}\n'
    columns = {"id": "INTEGER", "l": "INTEGER[]"}
    with pytest.raises(LoadError) as caught:
        table.load("a.jsonl", content, columns=columns)
    assert caught.value.line == 2
    assert [row.line for row in table.load("a.jsonl", content, columns=columns, skip=True).rejected] == [2]
    assert table.rows() == [(1, [1, 2])]


def test_files_without_a_header_go_by_position(table: Table) -> None:
    table.load("a.csv", b"1,a,2\n", options={"header": "false"})
    assert table.rows() == [(1, "a", 2.0)]
    assert table.load("a.csv", b"", options={"header": "false"}).rows == 0
    with pytest.raises(LoadError) as caught:
        table.load("a.csv", b"1,a,2\n2,b\n", options={"header": "false"})
    assert caught.value.line == 2


@pytest.mark.parametrize(("name", "content"), [("a.csv", b"id,name,x\n"), ("a.jsonl", b""), ("a.json", b"[]")])
@pytest.mark.parametrize("skip", [False, True])
def test_a_file_without_rows_is_an_empty_table(table: Table, name: str, content: bytes, skip: bool) -> None:
    assert table.load(name, content, skip=skip).rows == 0


def test_dialects_and_null_strings_are_as_declared(table: Table) -> None:
    flights = b"# weather\nid;name;x\n1;NA;NA\n2;'NA';1,5\n3;'';2\n"
    dialect = {"delimiter": ";", "quote": "'", "nullstr": "NA", "decimal_separator": ",", "skip": "1"}
    table.load("a.csv", flights, options=dialect)
    assert table.rows() == [(1, None, None), (2, "NA", 1.5), (3, "", 2.0)]


def test_dates_are_read_in_the_declared_format(table: Table) -> None:
    columns = {"id": "INTEGER", "d": "DATE", "t": "TIMESTAMP"}
    formats = {"dateformat": "%d.%m.%Y", "timestampformat": "%d.%m.%Y %H:%M"}
    content = {
        "a.csv": b"id,d,t\n1,24.12.2026,24.12.2026 18:30\n2,12/24/2026,\n",
        "a.jsonl": b'{"id": 1, "d": "24.12.2026", "t": "24.12.2026 18:30"}\n{"id": 2, "d": "12/24/2026"}\n',
    }
    for name, text in content.items():
        loaded = table.load(name, text, columns=columns, skip=True, options=formats)
        assert [(row[0], str(row[1]), str(row[2])) for row in table.rows()] == [
            (1, "2026-12-24", "2026-12-24 18:30:00")
        ]
        assert len(loaded.rejected) == 1
        with pytest.raises(LoadError, match="12/24/2026"):
            table.load(name, text, columns=columns, options=formats)


def test_another_encoding_is_read_as_declared(table: Table) -> None:
    table.load("a.csv", "id,name,x\n1,café,2\n".encode("latin-1"), options={"encoding": "latin-1"})
    assert table.rows() == [(1, "café", 2.0)]
    table.load("a.csv", "id,name,x\n1,café,2\n".encode("utf-16"), options={"encoding": "utf-16"})
    assert table.rows() == [(1, "café", 2.0)]
    table.load("a.csv", "id,name,x\n1,café,2\n".encode("utf-8-sig"))
    assert table.rows() == [(1, "café", 2.0)]


def test_a_missing_column_is_null_only_where_that_is_declared(table: Table) -> None:
    table.load("a.csv", b"id,name\n1,a\n", options={"missing_columns": "null"})
    assert table.rows() == [(1, "a", None)]
    pq.write_table(pa.table({"id": [1]}), table.folder / "a.parquet")
    table.load("a.parquet", None, options={"missing_columns": "null"})
    assert table.rows() == [(1, None, None)]
    with pytest.raises(LoadError, match="no column of the table"):
        table.load("a.csv", b"a;b\n1;2\n", options={"missing_columns": "null"}, key=())


def test_a_file_whose_name_is_a_glob_is_read_alone(table: Table) -> None:
    (table.folder / "a1.csv").write_bytes(b"id,name,x\n9,z,9\n")
    assert table.load("a[1]*.csv", b"id,name,x\n1,a,2\n").rows == 1
    assert table.rows() == [(1, "a", 2.0)]


def test_names_that_need_quoting_are_found(table: Table) -> None:
    columns = {'a/b ~"c': "INTEGER", "select": "VARCHAR"}
    content = {
        "a.csv": b'"a/b ~""c",select\n1,x\n',
        "a.jsonl": b'{"a/b ~\\"c": 1, "select": "x"}\n',
    }
    for name, text in content.items():
        for skip in (False, True):
            table.load(name, text, columns=columns, key=('a/b ~"c',), skip=skip)
            assert table.rows() == [(1, "x")]


def test_a_file_that_goes_or_changes_between_listing_and_reading_is_an_error(table: Table) -> None:
    path = table.folder / "a.csv"
    with pytest.raises(SourceError, match=r"a\.csv"):
        table.load("a.csv", b"id,name,x\n", before_reading=path.unlink)
    with pytest.raises(SourceError, match="changed"):
        table.load("a.csv", b"id,name,x\n", before_reading=lambda: path.write_bytes(b"id,name,x\n1,a,2\n"))
    assert table.rows() == []


def infer(root: Path | str, *options: tuple[str, str]) -> list[tuple[str, str]]:
    bound = bind_files(str(root), options, None, ())
    reader = open_source(bound.source)
    columns = infer_columns(Duck(duckdb.connect()), bound.source, reader.list_splits(), reader)
    return [(column.name, column.type) for column in columns]


def test_columns_are_inferred_from_all_files(tmp_path: Path) -> None:
    for name, text in {"c/1.csv": "id,x\n1,2026-01-01\n", "c/2.csv": "id,y\n1.5,q\n", "c/_x": "?"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert infer(tmp_path / "c") == [("id", "DOUBLE"), ("x", "DATE"), ("y", "VARCHAR")]
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "1.json").write_text('{"id": 1}')
    (tmp_path / "j" / "2.json").write_text('[{"id": 1.5, "d": "2026-01-01"}]')
    assert infer(tmp_path / "j") == [("id", "DOUBLE"), ("d", "DATE")]


def test_types_of_parquet_files_must_agree(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"A": [2], "b": ["x"]}), tmp_path / "2.parquet")
    assert infer(tmp_path) == [("a", "BIGINT"), ("b", "VARCHAR")]
    pq.write_table(pa.table({"a": ["2"]}), tmp_path / "3.parquet")
    with pytest.raises(LoadError, match=r"3\.parquet: column a is VARCHAR, and BIGINT in .*1\.parquet"):
        infer(tmp_path)


def test_columns_of_no_files_cannot_be_inferred(tmp_path: Path) -> None:
    with pytest.raises(BindError, match="no files yet"):
        infer(tmp_path / "*.csv")
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(BindError, match="empty"):
        infer(tmp_path / "*.csv")
    (tmp_path / "a.csv").write_text("id;name\n1;a\n")
    with pytest.raises(BindError, match="add delimiter = ';'"):
        infer(tmp_path)
    assert infer(tmp_path, ("delimiter", ";")) == [("id", "BIGINT"), ("name", "VARCHAR")]
