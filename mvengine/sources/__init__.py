"""Where rows come from: files in folders and object stores.

``bind_files`` turns a declaration into a source, ``open_source`` a source into a reader that lists its splits,
``load_split`` appends one split to a table, ``infer_columns`` tells a table's columns from its files.
"""

from mvengine.sources.base import LoadedSplit, Reader, RejectedRow, Split, Sql
from mvengine.sources.infer import infer_columns
from mvengine.sources.load import load_split
from mvengine.sources.open import bind_files, open_source

__all__ = [
    "LoadedSplit",
    "Reader",
    "RejectedRow",
    "Split",
    "Sql",
    "bind_files",
    "infer_columns",
    "load_split",
    "open_source",
]
