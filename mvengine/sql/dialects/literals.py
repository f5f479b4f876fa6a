"""Array literals of PostgreSQL, ``'{1,NULL,"a b"}'``: the text, its elements, and DuckDB's list of them."""

from __future__ import annotations

import re

from mvengine.errors import DataError
from mvengine.schema import literal

_OFFSET = re.compile(r"(:\d\d(?:\.\d+)?) ([+-]\d\d(?::?\d\d)?)(?=')")

Elements = list["Elements | str | None"]


def elements_of(text: str) -> Elements:
    """The elements of an array literal: strings, None for NULL, and lists for arrays within.

    Errors: DataError (22P02) where it is none.
    """
    reader = _Reader(text.strip())
    found = reader.group()
    if reader.position != len(reader.text):
        raise reader.malformed()
    return found


def list_of(text: str) -> str:
    """The literal as a list in DuckDB's SQL, its elements strings."""
    return _written(elements_of(text))


def without_blank(text: str) -> str:
    """A moment without the blank before the offset of its zone, which DuckDB would take for the name of one."""
    return _OFFSET.sub(r"\1\2", text)


def _written(elements: Elements) -> str:
    parts = (
        "NULL" if each is None else literal(each) if isinstance(each, str) else _written(each) for each in elements
    )
    return f"[{', '.join(parts)}]"


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def group(self) -> Elements:
        if self._next() != "{":
            raise self.malformed()
        self.position += 1
        found: Elements = []
        while self._skipped() != "}":
            found.append(self.group() if self._next() == "{" else self._element())
            if self._skipped() == ",":
                self.position += 1
            elif self._next() != "}":
                raise self.malformed()
        self.position += 1
        return found

    def malformed(self) -> DataError:
        return DataError(f"malformed array literal: '{self.text}'", hint="write '{1,2}'", code="22P02")

    def _element(self) -> str | None:
        value, is_quoted = "", False
        while self._next() not in (",", "}", ""):
            if self._next() == '"':
                is_quoted = True
                value += self._quoted()
                continue
            self.position += self._next() == "\\"
            value += self._next()
            self.position += 1
        if is_quoted:
            return value
        return None if value.strip().upper() == "NULL" else value.strip()

    def _quoted(self) -> str:
        value = ""
        self.position += 1
        while self._next() not in ('"', ""):
            self.position += self._next() == "\\"
            value += self._next()
            self.position += 1
        self.position += 1
        return value

    def _next(self) -> str:
        return self.text[self.position : self.position + 1]

    def _skipped(self) -> str:
        while self._next().isspace():
            self.position += 1
        if not self._next():
            raise self.malformed()
        return self._next()
