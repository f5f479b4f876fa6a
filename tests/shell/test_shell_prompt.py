"""The prompt, driven by keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from shell_world import err, out

from mvengine.repl import prompt
from mvengine.repl.shell import Shell


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


CTRL_C, CTRL_D = "\x03", "\x04"


def test_the_prompt_collects_lines_until_the_semicolon(shell: Shell, keys: PipeInput) -> None:
    keys.send_text("SELECT 40 +\r2 AS answer;\r" + CTRL_D)
    prompt.interact(shell)
    assert out(shell).splitlines()[2].strip() == "42"


def test_control_c_clears_the_line(shell: Shell, keys: PipeInput) -> None:
    keys.send_text("SELECT 1 AS one" + CTRL_C + "SELECT 2 AS two;\r" + CTRL_D)
    prompt.interact(shell)
    assert "one" not in out(shell)
    assert "two" in out(shell)


def test_an_error_does_not_end_the_shell(shell: Shell, keys: PipeInput) -> None:
    keys.send_text("SELECT nonesuch;\rSELECT 2 AS two;\r.quit\r")
    prompt.interact(shell)
    assert "nonesuch" in err(shell)
    assert "two" in out(shell)


def test_the_history_is_kept_in_the_state_directory(shell: Shell, keys: PipeInput, tmp_path: Path) -> None:
    keys.send_text("SELECT 7 AS seven;\r" + CTRL_D)
    prompt.interact(shell)
    kept = FileHistory(str(tmp_path / "mvengine" / "history"))
    assert list(kept.load_history_strings()) == ["SELECT 7 AS seven;"]


def test_without_a_state_directory_the_shell_says_so_and_works(
    shell: Shell, keys: PipeInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    keys.send_text("SELECT 7 AS seven;\r" + CTRL_D)
    prompt.interact(shell)
    assert "the history is not kept" in err(shell)
    assert "seven" in out(shell)
