"""Line numbers of a CSV file, as an editor counts them.

The engine's reader counts records and blank lines, and takes a record whose quoted values hold line breaks for one
line; a query over it can only number the records that it accepts. Both are placed by one walk through the file.
"""

from __future__ import annotations

from collections.abc import Collection, Generator

from mvengine.sources.base import Load
from mvengine.sources.csv_layout import Layout
from mvengine.sources.head import open_text


def true_lines(
    load: Load, layout: Layout, reported: Collection[int], accepted: Collection[int]
) -> tuple[dict[int, int], dict[int, int]]:
    """The lines that the reader's lines ``reported`` and the ``accepted`` records (from 1, without those) begin on."""
    by_reader: dict[int, int] = {}
    by_record: dict[int, int] = {}
    record = 0
    starts = _starts(load, layout)
    for reader_line, (line, is_blank) in enumerate(starts, start=1):
        if reader_line in reported:
            by_reader[reader_line] = line
        elif line > layout.lines_before and not (is_blank and len(layout.read) > 1):
            record += 1
            if record in accepted:
                by_record[record] = line
        if len(by_reader) == len(reported) and len(by_record) == len(accepted):
            break
    starts.close()
    return by_reader, by_record


def _starts(load: Load, layout: Layout) -> Generator[tuple[int, bool], None, None]:
    """For each line on which a record begins, or that is blank: its number, and whether it is blank."""
    options = dict(load.source.options)
    quoting, skip = options.get("quote", '"'), int(options.get("skip", "0")) + layout.blank_before
    is_quoted = False
    with open_text(load.local, encoding=options.get("encoding", "utf-8")) as lines:
        for number, line in enumerate(lines, start=1):
            if not is_quoted:
                yield number, not line.strip("\r\n")
            if quoting and number > skip and line.count(quoting) % 2:
                is_quoted = not is_quoted
