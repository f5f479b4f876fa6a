"""CREATE INDEX: DuckDB's on its tables; on materialized views and refreshable tables it is only declared.

Their rows are stored without indexes: DuckDB finds rows by the minima and maxima of row groups, and joins and
maintenance read by these and by hash tables. An index would cost memory and make every change of a row slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import BindError, DuplicateRelation, NotSupportedError
from mvengine.meta.store.objects import DeclaredIndex
from mvengine.planner.reader import RelationKind
from mvengine.refresh.reader import require_foreign
from mvengine.schema import Column, Name
from mvengine.session import answer, native
from mvengine.session.objects import require_any
from mvengine.session.writing import writing
from mvengine.sql.statements import CreateIndex, DdlAction, NativeDdl
from mvengine.sql.tokens import identifier, tokenize

if TYPE_CHECKING:
    from mvengine.session import Session

_NOTE = (Column(name="index_name", type="VARCHAR"), Column(name="note", type="VARCHAR"))
_KEPT = frozenset({RelationKind.MATERIALIZED_VIEW, RelationKind.REFRESHABLE})


def run(session: Session, statement: CreateIndex) -> None:
    """Makes or declares the index; the answer says what it does. Errors: UnknownRelation, DuplicateRelation, BindError;
    NotSupportedError for a UNIQUE one on what is maintained."""
    require_foreign(statement.table.schema)
    relation = require_any(session, statement.table)
    name = Name(schema=relation.name.schema, name=statement.name)
    if _exists(session, name):
        if not statement.if_not_exists:
            raise DuplicateRelation(
                f"there is an index {name} already", hint="DROP INDEX it first, or use IF NOT EXISTS"
            )
        answer.done(session)
        return
    if relation.kind not in _KEPT:
        ddl = NativeDdl(
            kind="CREATE",
            text=statement.native.text,
            action=DdlAction.CREATE,
            object_kind="INDEX",
            targets=(statement.table,),
            is_temporary=relation.kind is RelationKind.TEMPORARY,
            names=(),
        )
        native.run(session, ddl, None, {})
        answer.answer(session, _NOTE, [(statement.name, _what(is_unique=statement.is_unique))])
        return
    if statement.is_unique:
        raise NotSupportedError(
            f"a UNIQUE index on the {relation.kind} {relation.name}: its rows follow from elsewhere",
            hint="declare UNIQUE or PRIMARY KEY on the tables that it is made from",
        )
    known = {column.name.lower() for column in relation.columns}
    words = [identifier(token) for token in tokenize(statement.columns) if token.kind in ("word", "quoted")]
    if not any(word.lower() in known for word in words):
        raise BindError(
            f"{relation.name} has no column of the index {statement.columns}",
            hint=f"columns are {', '.join(column.name for column in relation.columns)}",
        )
    with writing(session, f"CREATE INDEX {name}", ()):
        index = DeclaredIndex(name=name, relation=relation.name, columns=statement.columns)
        session.database.store(session.engine).add_index(index)
    note = f"is declared only: a {relation.kind} is read by row groups, without an index"
    answer.answer(session, _NOTE, [(statement.name, note)])


def _what(*, is_unique: bool) -> str:
    if is_unique:
        return "no two rows may have the same values; rows are found by it where a query asks for few"
    return "rows are found by it where a query asks for few; maintenance of views does not use it"


def _exists(session: Session, name: Name) -> bool:
    declared = session.database.store(session.engine).declared_indexes()
    rows = session.engine.query(
        "SELECT 1 FROM duckdb_indexes() WHERE lower(schema_name) = $1 AND lower(index_name) = $2", list(name.key)
    )
    return bool(rows) or any(index.name == name for index in declared)
