"""What the tests of the shell share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shell_world import make_shell

import mvengine
from mvengine.repl.shell import Shell


@pytest.fixture
def connection() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        yield connection


@pytest.fixture
def shell(connection: mvengine.Connection) -> Shell:
    return make_shell(connection, is_terminal=False)
