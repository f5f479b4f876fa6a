"""Changes made behind mvengine's back: what another program wrote to the file is found at the next start.

At the last close, what mvengine depends on is recorded (``seal``); at a start it is compared, if the file was written
since (``detect``); views that are concerned are suspended, and heal when they are derived
again (``mark``, ``restore``).
"""

from mvengine.refresh.foreign.detect import ForeignChange, foreign_changes
from mvengine.refresh.foreign.file import DatabaseFile
from mvengine.refresh.foreign.mark import mark
from mvengine.refresh.foreign.restore import restore_table, restore_view
from mvengine.refresh.foreign.seal import seal

__all__ = ["DatabaseFile", "ForeignChange", "foreign_changes", "mark", "restore_table", "restore_view", "seal"]
