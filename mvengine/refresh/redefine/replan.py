"""A view planned again, after what it reads has changed its name or its columns."""

from __future__ import annotations

from collections.abc import Callable

from mvengine.planner.logical import Materialize
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.reader import SessionReader
from mvengine.refresh.settings import settings_of
from mvengine.refresh.storage import storage_name
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Columns, Name
from mvengine.sql.statements import Policy

ColumnNames = tuple[tuple[str, str], ...]
"""The columns of a relation that a view may read: each under its name now, and under that which the view knows."""


def renamed_query(transaction: Transaction, view: ViewDefinition, old: Name, new: Name) -> str | None:
    """The view's query over the new name of what it reads; None where its references cannot be told. To be asked while
    the relation still has its old name."""
    from mvengine.planner.restate import rename

    with settings_of(transaction.engine, view.plan.settings):
        path = next((setting.value for setting in view.plan.settings if setting.name == "search_path"), "")
        return rename(view.plan.definition, _means(transaction, old), new, has_path=path not in ("", "main"))


def frozen_query(transaction: Transaction, view: ViewDefinition, relation: Name, columns: ColumnNames) -> str | None:
    """The view's query over these columns of what it reads; None as above."""
    from mvengine.planner.restate import freeze

    with settings_of(transaction.engine, view.plan.settings):
        return freeze(view.plan.definition, _means(transaction, relation), columns)


def columns_of_query(transaction: Transaction, view: ViewDefinition, relation: Name) -> frozenset[str] | None:
    """The columns of a relation that the view's query uses, in lower case; None where that cannot be told."""
    from mvengine.planner.reading import columns_read

    with settings_of(transaction.engine, view.plan.settings):
        return columns_read(view.plan.definition, relation, reader_of(transaction))


def replan(
    transaction: Transaction,
    view: ViewDefinition,
    query: str,
    name: Name | None = None,
    columns: Columns | None = None,
) -> Materialize:
    """The plan of another query under the view's name and columns (or new ones), policy and settings. Errors as of
    ``bind_view``; DuckDB aborts a transaction in which they occur."""
    from mvengine.planner.binder import bind_view
    from mvengine.planner.plan import plan_view

    plan, relation = view.plan, name or view.name

    def bind(failure: str) -> Materialize:
        return bind_view(
            relation=relation,
            storage=storage_name(relation),
            staging=storage_name(relation, "$staging"),
            query=query,
            column_names=tuple(column.name for column in columns or plan.columns),
            policy=Policy(plan.policy),
            definition=query,
            settings=plan.settings,
            reader=reader_of(transaction),
            exact_floats=plan.exact_floats,
            failure=failure,
        )

    with settings_of(transaction.engine, plan.settings):
        return plan_view(bind, reader_of(transaction).describe)


def _means(transaction: Transaction, relation: Name) -> Callable[[str | None, str | None, str], bool]:
    reader = reader_of(transaction)

    def means(catalog: str | None, schema: str | None, name: str) -> bool:
        found = reader.resolve(catalog, schema, name)
        return found is not None and found.name == relation

    return means


def reader_of(transaction: Transaction) -> SessionReader:
    """What names mean in the transaction."""
    return SessionReader(transaction.engine, transaction.graph, transaction.database.name)
