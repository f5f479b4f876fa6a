"""Compares views with their queries, on demand and before a refresh publishes."""

from mvengine.refresh.verify.check import Finding, Verdict, check_view, not_compared
from mvengine.refresh.verify.mark import confirm_and_mark, failure_of, mark_wrong
from mvengine.refresh.verify.refreshed import ViewDiffers, verify_maintained

__all__ = [
    "Finding",
    "Verdict",
    "ViewDiffers",
    "check_view",
    "confirm_and_mark",
    "failure_of",
    "mark_wrong",
    "not_compared",
    "verify_maintained",
]
