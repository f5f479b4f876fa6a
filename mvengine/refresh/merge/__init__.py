"""Publishing a refreshable table: makes it equal to its files by what was staged, and captures the difference.

Four ways, from the cheapest: the staging table *becomes* the table where that was empty (``adopt``); rows are compared
by key where no key is in two files (``exclusive``), and else ranked by file (``contested``); without a key they are
compared as a bag (``bag``).
"""

from mvengine.refresh.merge.publish import merge
from mvengine.refresh.merge.table import clear_staging, create_table_sql, optional_columns
from mvengine.refresh.merge.values import FileOrder, Merged

__all__ = ["FileOrder", "Merged", "clear_staging", "create_table_sql", "merge", "optional_columns"]
