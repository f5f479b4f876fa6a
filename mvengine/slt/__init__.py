"""The sqllogictest runner: scripts of statements with what they must answer, in the format of sqllogictest-rs.

Where it differs: a condition holds for the next record whatever it is (``halt`` and ``include`` too); queries with one
label must agree; the number of type letters is checked; DOUBLEs under ``R`` agree to nine digits; all failures of a
file are reported; ``$__DATABASE__`` is the database's path.

records       a script as values
directives    a directive's line and body -> its value (the table of directives)
parser        files and includes -> records
substitution  variables in SQL and commands
render        how a value is printed
check         whether an answer is the expected one
execution     a script at work
runner        run_file, run_paths
report        what is printed of it
command       main, for the command line
"""

from mvengine.slt.command import LABELS, main
from mvengine.slt.results import ConnectionLike, Failure, FileResult, OnRecord, Outcome
from mvengine.slt.runner import run_file, run_paths

__all__ = [
    "LABELS",
    "ConnectionLike",
    "Failure",
    "FileResult",
    "OnRecord",
    "Outcome",
    "main",
    "run_file",
    "run_paths",
]
