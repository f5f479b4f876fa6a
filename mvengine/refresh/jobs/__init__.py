"""Tables and views that are made in the background, by jobs: start, cancel, wait, resume."""

from mvengine.refresh.jobs.cancel import cancel_job, stopped
from mvengine.refresh.jobs.outcome import JobOutcome
from mvengine.refresh.jobs.removal import remove_build
from mvengine.refresh.jobs.run import resume
from mvengine.refresh.jobs.start import start_table, start_view
from mvengine.refresh.jobs.wait import wait_jobs

__all__ = ["JobOutcome", "cancel_job", "remove_build", "resume", "start_table", "start_view", "stopped", "wait_jobs"]
