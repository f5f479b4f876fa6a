"""Where rows come from: files in folders and object stores.

``bind_files`` turns a declaration into a source, ``open_source`` a source into a reader that lists its splits,
``stages_of`` cuts a split into parts, ``load_split`` appends one of them to a table, ``infer_columns`` tells a table's
columns from its files.
"""

from mvengine.sources.base import LoadedSplit, Reader, RejectedRow, Split, Sql
from mvengine.sources.infer import infer_columns
from mvengine.sources.load import load_split
from mvengine.sources.open import bind_files, list_source, open_source
from mvengine.sources.part import Part
from mvengine.sources.stages import stages_of

__all__ = [
    "LoadedSplit",
    "Part",
    "Reader",
    "RejectedRow",
    "Split",
    "Sql",
    "bind_files",
    "infer_columns",
    "list_source",
    "load_split",
    "open_source",
    "stages_of",
]
