"""A script's text, taken apart line by line: where a record's body ends, and where what it expects ends.

Lines are looked up with ``list.index``, so that a record costs a few calls whatever its length.
"""

from __future__ import annotations

from mvengine.slt.flavors import Flavor
from mvengine.slt.records import Location, ScriptError, Source

SEPARATOR = "----"


class Reader:
    """A script being read: the line of the current directive, and the lines that follow it."""

    def __init__(self, text: str, source: Source, flavor: Flavor) -> None:
        self.lines = lines_of(text)
        self.count = len(self.lines)
        self.lines.append("")  # so that there always is a line that ends a body
        self.source = source
        self.flavor = flavor
        self.at = 0  # the next line, from 0
        self.line = 0  # of the directive, from 1
        self.words: list[str] = []
        self.connection: str | None = None  # that the directive's own line names, as in DuckDB's files
        self.forget_expected()

    def next_directive(self) -> bool:
        """Goes on to the next line that is neither empty nor a comment; False at the end."""
        lines = self.lines
        while self.at < self.count:
            text = lines[self.at]
            self.at += 1
            if text and text[0] != "#" and (words := text.split()):
                self.line, self.words = self.at, words
                return True
        return False

    def forget_expected(self) -> None:
        self.expected_from = self.expected_to = self.at
        self.has_separator = False

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def rest(self) -> str:
        """What stands behind the directive's name, as it is written."""
        return self.lines[self.line - 1].strip()[len(self.name) :].strip()

    @property
    def location(self) -> Location:
        return Location(file=self.source.file, line=self.line, included_from=self.source.included_from)

    def error(self, message: str, *, hint: str | None = None) -> ScriptError:
        return ScriptError(message, location=self.location, hint=hint)

    def arguments(self) -> list[str]:
        """The words behind the name, without a remark."""
        words = self.words[1:]
        for index, word in enumerate(words):
            if word.startswith("#"):
                return words[:index]
        return words

    def only_word(self, meaning: str) -> str:
        words = self.arguments()
        if len(words) != 1:
            raise self.error(f"{self.name!r} takes one word, {meaning}; found {' '.join(words)!r}")
        return words[0]

    def body(self) -> str:
        """The lines up to an empty one or ``----``; ``has_separator`` says which. Errors: ``ScriptError``, if none."""
        lines, start = self.lines, self.at
        end = lines.index("", start)
        body = lines[start:end]
        self.has_separator = SEPARATOR in body
        if self.has_separator:
            del body[body.index(SEPARATOR) :]
        if self.flavor.has_comments_in_sql:
            self._end_at_comment(body)
        self.at = start + len(body) + self.has_separator
        self.expected_from = self.expected_to = self.at
        text = "\n".join(body)
        if not text or text.isspace():
            raise self.error(
                f"{self.name!r} is followed by nothing to run", hint="write it on the next lines, none empty"
            )
        return text

    def _end_at_comment(self, body: list[str]) -> None:
        for index, line in enumerate(body):
            if line.startswith("#"):
                del body[index:]
                self.has_separator = False
                return

    def rows(self) -> tuple[str, ...]:
        """The lines up to an empty one."""
        start = self.at
        end = self.lines.index("", start)
        self.at, self.expected_to = end + 1, end
        return tuple(self.lines[start:end])

    def text(self) -> str:
        """The lines up to an empty one, or to two where the flavor says so, without the white space around them."""
        if self.flavor.error_ends_at_empty_line:
            return "\n".join(self.rows()).strip()
        return self.output()

    def output(self) -> str:
        """The lines up to two empty ones, without the white space around them."""
        lines, start = self.lines, self.at
        end = lines.index("", start)
        while end < self.count - 1 and lines[end + 1] != "":
            end = lines.index("", end + 1)
        if SEPARATOR in lines[start:end]:
            raise self.error("the text under '----' runs into the next record", hint="end it with two empty lines")
        self.at, self.expected_to = min(end + 2, self.count), end
        return "\n".join(lines[start:end]).strip()

    def up_to(self, mark: str) -> str:
        """The lines up to one that is ``mark``. Errors: ``ScriptError``, if there is none."""
        try:
            end = self.lines.index(mark, self.at)
        except ValueError:
            raise self.error(f"no line {mark!r} ends the record") from None
        text = "\n".join(self.lines[self.at : end])
        self.at, self.expected_to = end + 1, end
        return text


def lines_of(text: str) -> list[str]:
    """The lines of a text, without their ends, whether these are UNIX's or Windows'."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines
