"""Listing and opening local files: what is a split, and what is an error that names its path."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mvengine.errors import SourceError
from mvengine.sources.base import Split
from mvengine.sources.local import LocalReader
from mvengine.sources.part import whole


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "é.csv", "B.csv", "x.json", "_SUCCESS", ".part.csv", "sub/c.csv", "_tmp/d.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return tmp_path


def listed(root: Path | str, base: Path, pattern: str | None = None) -> list[str]:
    splits = LocalReader(root=str(root), pattern=pattern).list_splits()
    return [os.path.relpath(split.path, base) for split in splits]


def test_a_folder_is_all_files_below_it_in_byte_order_without_hidden_ones(tree: Path) -> None:
    assert listed(tree, tree) == ["B.csv", "a.csv", "b.csv", "sub/c.csv", "x.json", "é.csv"]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.csv", ["B.csv", "a.csv", "b.csv", "é.csv"]),
        ("[ab].csv", ["a.csv", "b.csv"]),
        ("[!ab].csv", ["B.csv", "é.csv"]),
        ("?.json", ["x.json"]),
        ("**/*.csv", ["B.csv", "a.csv", "b.csv", "sub/c.csv", "é.csv"]),
        ("*/c.csv", ["sub/c.csv"]),
        ("_tmp/*.csv", ["_tmp/d.csv"]),
        (".part*", [".part.csv"]),
        ("*.parquet", []),
        ("a.csv", ["a.csv"]),
    ],
)
def test_a_glob_is_the_files_that_match(tree: Path, glob: str, expected: list[str]) -> None:
    assert listed(tree / glob, tree) == expected


def test_a_match_pattern_chooses_by_name_or_by_relative_path(tree: Path) -> None:
    assert listed(tree, tree, "[a-c].csv") == ["a.csv", "b.csv", "sub/c.csv"]
    assert listed(tree, tree, "sub/*.csv") == ["sub/c.csv"]


def test_a_name_with_wildcard_characters_that_exists_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x")
    (tmp_path / "a1.csv").write_text("x")
    assert listed(tmp_path / "a[1].csv", tmp_path) == ["a[1].csv"]


def test_a_split_tells_size_and_time_of_modification(tree: Path) -> None:
    os.utime(tree / "a.csv", ns=(1, 123_456_789))
    (split,) = LocalReader(root=str(tree / "a.csv"), pattern=None).list_splits()
    assert (split.size, split.mtime_ns, split.etag) == (5, 123_456_789, None)


def test_an_empty_folder_is_an_empty_source(tmp_path: Path) -> None:
    assert listed(tmp_path, tmp_path) == []


@pytest.mark.parametrize("root", ["gone", "gone/*.csv", "gone/**/x.csv", "gone.csv"])
def test_a_root_that_does_not_exist_is_an_error(tmp_path: Path, root: str) -> None:
    with pytest.raises(SourceError, match="gone"):
        listed(tmp_path / root, tmp_path)


def test_a_broken_symbolic_link_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SourceError, match=r"a\.csv.*symbolic link.*nowhere"):
        listed(tmp_path, tmp_path)


def test_links_that_go_in_circles_are_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "up").symlink_to(tmp_path)
        (tmp_path / name / "up2").symlink_to(tmp_path)
    with pytest.raises(SourceError, match=r"up.*circle"):
        listed(tmp_path, tmp_path)


def test_links_to_each_other_are_an_error_and_a_link_elsewhere_is_followed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f.csv").write_text("x")
    (tmp_path / "a" / "to").symlink_to(tmp_path / "b")
    assert listed(tmp_path / "a", tmp_path) == ["a/f.csv", "a/to/f.csv"]
    (tmp_path / "b" / "to").symlink_to(tmp_path / "a")
    with pytest.raises(SourceError, match="circle"):
        listed(tmp_path / "a", tmp_path)


def test_a_pattern_that_is_no_glob_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a glob"):
        listed(tmp_path / "[z-a].csv", tmp_path)


def test_a_folder_where_a_file_was_meant_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(SourceError, match=r"a\.csv.*is a folder"):
        listed(tmp_path / "*.csv", tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(SourceError, match=r"a\.csv.*not a regular file"):
        listed(tmp_path, tmp_path)


@contextmanager
def nobody() -> Iterator[None]:
    """Root may read everything: as root, be somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission_is_an_error_that_names_the_path() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "shut").mkdir()
        (folder / "a.csv").write_text("id\n")
        reader = LocalReader(root=str(folder / "a.csv"), pattern=None)
        (split,) = reader.list_splits()
        (folder / "a.csv").chmod(0)
        (folder / "shut").chmod(0)
        with nobody(), pytest.raises(SourceError, match=r"shut.*Permission denied"):
            LocalReader(root=str(folder / "shut"), pattern=None).list_splits()
        with nobody(), pytest.raises(SourceError, match=r"shut/x.*Permission denied"):
            LocalReader(root=str(folder / "shut/x"), pattern=None).list_splits()
        with (
            nobody(),
            pytest.raises(SourceError, match=r"a\.csv.*Permission denied"),
            reader.open(split, whole(split.size)),
        ):
            pass
        (folder / "shut").chmod(0o755)


def test_a_file_that_disappears_or_becomes_a_folder_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n")
    reader = LocalReader(root=str(tmp_path), pattern=None)
    (split,) = reader.list_splits()
    path.unlink()
    with pytest.raises(SourceError, match=r"a\.csv.*No such file"), reader.open(split, whole(split.size)):
        pass
    path.mkdir()
    with pytest.raises(SourceError, match=r"a\.csv"), reader.open(split, whole(split.size)):
        pass


def test_a_file_that_changes_before_or_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n")
    reader = LocalReader(root=str(tmp_path), pattern=None)
    (split,) = reader.list_splits()
    with pytest.raises(SourceError, match=r"a\.csv.*changed while it was read"), reader.open(split, whole(split.size)):
        path.write_text("id\n1\n")
    with pytest.raises(SourceError, match="changed while it was read"), reader.open(split, whole(split.size)):
        raise AssertionError("a file that is not what was listed is not handed out")
    (split,) = reader.list_splits()
    path_written_while_open(path, reader, split)


def path_written_while_open(path: Path, reader: LocalReader, split: Split) -> None:
    """A half-written file looks broken: that it changed is the better reason."""

    def read() -> None:
        with reader.open(split, whole(split.size)):
            path.write_text("id\n12\n")
            raise ValueError("broken")

    with pytest.raises(SourceError, match="changed while it was read"):
        read()
