"""REFRESH … VERIFY: what a refresh has maintained is compared with its queries before it is published."""

from __future__ import annotations

from collections.abc import Callable

from mvengine.errors import VerificationFailed
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.transaction import Transaction
from mvengine.refresh.verify.check import check_view
from mvengine.refresh.verify.mark import failure_of


class ViewDiffers(VerificationFailed):
    """A view that a refresh has maintained differs from its query: nothing of the refresh is published."""

    def __init__(self, view: ViewDefinition, failure: VerificationFailed) -> None:
        super().__init__(f"{failure.message}; nothing was published", hint=failure.hint)
        self.view = view
        self.failure = failure


def verify_maintained(
    transaction: Transaction, before_view: Callable[[ViewDefinition], object] = lambda view: None
) -> None:
    """Compares each view that the running transaction has maintained. ``before_view`` is told of each before its turn.
    Errors: ViewDiffers."""
    for name in dict.fromkeys(transaction.maintained):
        view = transaction.graph.views.get(name)
        if view is None or view.is_suspended:
            continue
        before_view(view)
        failure = failure_of(check_view(transaction.engine, view))
        if failure is not None:
            raise ViewDiffers(view, failure)
