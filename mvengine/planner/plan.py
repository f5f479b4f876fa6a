"""A view's plan, whatever its query is: where the planner fails on one that the engine takes, it is computed again."""

from __future__ import annotations

from collections.abc import Callable

from mvengine.errors import Error, InternalError
from mvengine.planner.compile import compile_view
from mvengine.planner.delta.stages import Describe
from mvengine.planner.logical import Materialize

raises_own_errors = False
"""Whether an error of the planner's own is raised, as tests want it, instead of having the view computed again."""


def plan_view(bind: Callable[[str], Materialize], describe: Describe) -> Materialize:
    """The compiled plan. ``describe`` is the engine's; ``bind`` is ``bind_view`` but for its ``failure``: why the query
    is not to be taken apart.

    Errors: those of ``bind_view`` and ``compile_view``.
    """
    try:
        return compile_view(bind(""), describe)
    except MemoryError:
        raise
    except Exception as error:
        is_users = isinstance(error, Error) and not isinstance(error, InternalError)
        if is_users or raises_own_errors:
            raise
        message = (str(error).splitlines() or [""])[0][:120]
        return compile_view(bind(f"{type(error).__name__}{': ' * bool(message)}{message}"), describe)
