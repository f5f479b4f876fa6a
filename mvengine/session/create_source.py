"""CREATE SOURCE: files that are queried where they are, and not stored: a plain view to DuckDB, with a row in meta."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import BindError, NotSupportedError, WrongObject
from mvengine.meta.store.objects import Source
from mvengine.planner.options import given_settings, redacted, without_secrets
from mvengine.schema import Name
from mvengine.session import answer
from mvengine.session.create import new_name
from mvengine.session.create_table import columns_of
from mvengine.session.objects import is_source
from mvengine.session.replace_definition import replace
from mvengine.session.writing import writing
from mvengine.sources import bind_files
from mvengine.sources.query import refuse_unreadable, source_query
from mvengine.sql.statements import CreateRefreshableTable, CreateSource

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: CreateSource) -> None:
    """Declares the source, or puts it in the place of one. Errors name the option, column or file that is wrong."""
    declared = statement.table
    _refuse_stored(declared)
    name = _name(session, statement)
    if name is None:
        answer.done(session)
        return
    if declared.source is None and not declared.options:
        raise BindError(
            "a source needs files", hint="write FROM 'folder | glob', or WITH (connector = 'posix_fs', root = 'folder')"
        )
    bound = bind_files(declared.source, declared.options, declared.encoding, declared.encoding_options)
    refuse_unreadable(bound.source)
    columns = columns_of(session, declared, bound.source)
    query = source_query(bound.source, columns)
    shown = redacted(bound.source)
    source = Source(
        name=name,
        definition=without_secrets(declared.text, declared.options),
        location=shown.root + (f" matching {shown.pattern}" if shown.pattern else ""),
        encoding=shown.encoding,
    )
    what = f"CREATE SOURCE {name}"
    with writing(session, what, (name,)) as transaction:
        verb = "CREATE OR REPLACE" if statement.or_replace else "CREATE"
        replace(session, transaction, [name], lambda: session.engine.query(f"{verb} VIEW {name.sql} AS {query}"), what)
        session.database.store(session.engine).add_source(source)
    answer.done(session)


def _name(session: Session, statement: CreateSource) -> Name | None:
    """The name, or None where the source is there and that is fine. Errors: DuplicateRelation, WrongObject."""
    declared = statement.table
    if not statement.or_replace:
        exists = declared.if_not_exists and _present(session, declared) is not None
        return None if exists else new_name(session, declared.table, False)
    present = _present(session, declared)
    if present is None:
        return new_name(session, declared.table, False)
    if not is_source(session, present):
        raise WrongObject(f"{present} is no source", hint="DROP it first, or choose another name")
    return present


def _present(session: Session, declared: CreateRefreshableTable) -> Name | None:
    ref = declared.table
    place = ref.schema or session.reader.place().schema
    found = session.reader.resolve(ref.catalog, place, ref.name)
    return found.name if found is not None else None


def _refuse_stored(declared: CreateRefreshableTable) -> None:
    """Raises NotSupportedError for what only a table can have, which stores its rows."""
    constrained = next((column for column in declared.columns if column.constraints), None)
    found = [
        ("a key", bool(declared.primary_key or declared.unique_keys or declared.foreign_keys)),
        ("a CHECK", bool(declared.checks)),
        ("ON CONFLICT", declared.ignore_conflicts),
        ("BACKGROUND", declared.is_background),
        (f"{constrained.constraints} of {constrained.name}" if constrained else "", constrained is not None),
        (", ".join(given_settings(declared.options)), bool(given_settings(declared.options))),
        ("refresh_interval_sec", any(name == "refresh_interval_sec" for name, _ in declared.options)),
    ]
    if what := next((what for what, is_given in found if is_given), None):
        raise NotSupportedError(
            f"a source with {what}: its files are read in place",
            hint="CREATE TABLE … REFRESHABLE keeps the rows, and their constraints",
        )
