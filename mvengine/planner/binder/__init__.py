"""Query text → logical plan.

The engine has the first word (it describes the query, so that bad SQL fails with its position) and the last on types;
the structure comes from sqlglot's qualified tree. A query that holds a construct without a delta rule becomes an
``Opaque`` node whose reason names the construct; nothing is guessed.
"""

from __future__ import annotations

from mvengine.planner.binder.view import bind_view

__all__ = ["bind_view"]
