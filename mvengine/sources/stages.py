"""In which parts a split is loaded: planned from its size, and from the footer of a large Parquet file."""

from __future__ import annotations

from mvengine.errors import DatabaseError, LoadError, SourceError
from mvengine.planner.source import Encoding, FileSource
from mvengine.sources.base import Reader, Split, Sql, file_literal
from mvengine.sources.part import FOOTER, Part, RowGroup, parts_of, whole

_ROW_NUMBER = "file_row_number"  # parts are found by it; a file with a column of this name cannot be cut


def stages_of(sql: Sql, *, source: FileSource, split: Split, reader: Reader, bytes_max: int) -> tuple[Part, ...]:
    """The parts of ``split``, each of about ``bytes_max`` bytes: always the same for the same file and bound.

    Reads nothing of a file that is one part anyway. Errors: ``SourceError``; ``LoadError`` for a broken footer.
    """
    if source.encoding is not Encoding.PARQUET or split.size <= bytes_max:
        return (whole(split.size),)
    with reader.open(split, FOOTER) as path:
        try:
            rows = sql.query(
                f"""
                select any_value(row_group_num_rows), sum(total_compressed_size), bool_or(path_in_schema = $1),
                       min(least(data_page_offset, coalesce(nullif(dictionary_page_offset, 0), data_page_offset)))
                from parquet_metadata({file_literal(path)}) group by row_group_id order by row_group_id""",
                (_ROW_NUMBER,),
            )
        except SourceError:
            raise
        except DatabaseError as error:
            message = error.message.partition("\n")[0].replace(str(path), split.path)
            raise LoadError(message, path=split.path) from error
    if any(is_taken for _, _, is_taken, _ in rows):
        return (whole(split.size),)
    groups = [RowGroup(rows=int(n), first_byte=int(first), size=int(size)) for n, size, _, first in rows]
    return parts_of(groups, split.size, bytes_max)
