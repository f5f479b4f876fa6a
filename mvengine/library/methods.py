"""The methods of ``Connection`` that ask what there is, and those that make tables and views from Python arguments."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from mvengine.handles import Job, job_of, reading
from mvengine.library import catalog, explanation, statements
from mvengine.library.catalog import TableInfo, Verification, ViewInfo
from mvengine.library.listing import Listing, Text
from mvengine.library.statements import Option
from mvengine.lineage import Lineage, read_lineage
from mvengine.results import Results
from mvengine.session import Session
from mvengine.sql.dialects.settings import DUCKDB

if TYPE_CHECKING:
    from mvengine.refresh.database import Database


class Catalog(Results):
    """A part of ``Connection``."""

    _session: Session

    @abstractmethod
    def _open_database(self) -> Database:
        """The database. Errors: InterfaceError, where the connection is closed."""

    @abstractmethod
    def _execute(self, sql: str, parameters: None, frame: Any, *, dialect: str | None = DUCKDB) -> Self:
        """Runs a statement; its result stays open. ``dialect``: None for what the user wrote."""

    def tables(self) -> Listing[TableInfo]:
        """All tables, plain and refreshable, with their states. The open result stays.

        >>> [(table.name, table.rows, table.is_refreshable, table.state) for table in con.tables()]
        [('customers', 2, False, None), ('orders', 3, True, 'idle')]
        """
        with reading(self._open_database) as engine:
            return catalog.tables(engine, self._open_database().name)

    def views(self) -> Listing[ViewInfo]:
        """All views, materialized and plain, with strategies and states. The open result stays.

        >>> [(view.name, view.strategy, view.state) for view in con.views()]
        [('revenue', 'algebraic', 'fresh')]
        """
        with reading(self._open_database) as engine:
            return catalog.views(engine, self._open_database().name)

    def lineage(self, name: str | None = None) -> Lineage:
        """Tables and views with their states, and what follows from what; with a ``name``, only the part around it.

        Notebooks draw it; see ``Lineage`` for Mermaid, SVG and text. Errors: UnknownRelation.

        >>> [str(node.name) for node in con.lineage().inputs(con.lineage().node("revenue").name)]
        ['customers', 'orders']
        """
        with reading(self._open_database) as engine:
            found = read_lineage(engine, self._open_database().name)
        return found if name is None else found.around(name)

    def explain(self, what: object, *, stage: str | None = None, analyze: bool = False) -> Text:
        """How a view is maintained, given its name; how a statement or query would be carried out, given that.

        ``analyze`` carries it out and says what it took. ``stage`` is ``parsed``, ``logical``, ``optimized``,
        ``delta``, ``fragment`` or ``maintenance_sql``, of a ``CREATE``. Errors: those of the statement.

        >>> print(con.explain("revenue").splitlines()[1])
        strategy: algebraic, sums and counts follow the delta
        """
        self._open_database()
        statement = explanation.explain_statement(self._session, what, stage=stage, analyze=analyze)
        self._execute(statement, None, sys._getframe(1), dialect=None if isinstance(what, str) else DUCKDB)
        return explanation.text_of([column[0] for column in self.description or ()], self.fetchall())

    def verify(self, *views: str) -> Listing[Verification]:
        """Compares these views, or all, with their queries, and says of each what differs; nothing waits meanwhile.

        A view that is wrong is marked so. Errors: UnknownRelation; ProgrammingError in a transaction.

        >>> [(found.view, found.rows, found.verdict) for found in con.verify("revenue")]
        [('revenue', 2, 'equal')]
        """
        names = ", ".join(map(statements.named, views))
        self._execute(f"VERIFY MATERIALIZED VIEW {names}" if names else "VERIFY ALL", None, None)
        return catalog.verifications(self.fetchall())

    def create_table_from_files(
        self,
        name: str,
        files: str | PathLike[str],
        *,
        columns: Mapping[str, str] | None = None,
        primary_key: str | Sequence[str] = (),
        format: str | None = None,  # noqa: A002 - the word of the statement
        options: Mapping[str, Option] | None = None,
        if_not_exists: bool = False,
        refresh: bool = True,
    ) -> None:
        """Makes a refreshable table of the files of a folder, a glob or an ``s3://`` URL, and loads them.

        ``columns`` are names with their SQL types; without them they are inferred from the files, like the ``format``
        (``csv``, ``json``, ``parquet``) from their suffix. ``options`` are those of ``WITH`` in docs/sql.md. With
        ``refresh=False`` nothing is loaded until ``con.refresh(name)``. Errors: those of both statements.

        >>> _ = open("prices.json", "w").write('{"item": "tea", "price": 2.5}')
        >>> con.create_table_from_files("prices", "prices.json", primary_key="item", options={"on_error": "skip"})
        >>> con.execute("FROM prices").fetchall()
        [('tea', 2.5)]
        """
        self._execute(
            statements.create_table(
                name,
                files,
                columns=columns,
                primary_key=primary_key,
                encoding=format,
                options=options,
                if_not_exists=if_not_exists,
            ),
            None,
            None,
        )
        if refresh:
            self._execute(f"REFRESH TABLE {statements.named(name)}", None, None)

    def create_view(
        self,
        name: str,
        query: object,
        *,
        columns: Sequence[str] = (),
        options: Mapping[str, Option] | None = None,
        replace: bool = False,
        if_not_exists: bool = False,
        background: bool = False,
    ) -> Job | None:
        """Makes a materialized view of a query: SQL, a relation of mvengine or of DuckDB, an Ibis table expression.

        Of relations and expressions their SQL counts: its names mean what they mean in this database. ``columns`` are
        names for the query's; ``options`` are those of ``WITH`` in docs/sql.md. In the ``background`` it returns the
        job that builds the view. Errors: those of CREATE MATERIALIZED VIEW; InterfaceError for another kind of query.

        >>> con.create_view("large", con.sql("FROM orders").filter("amount > 50"), options={"policy": "strict"})
        >>> _ = con.execute("INSERT INTO orders VALUES (9, 'ben', 75)")
        >>> con.execute("SELECT id FROM large ORDER BY id").fetchall()
        [(3,), (9,)]
        """
        self._execute(
            statements.create_view(
                name,
                statements.query_text(query),
                columns=columns,
                options=options,
                replace=replace,
                if_not_exists=if_not_exists,
                background=background,
            ),
            None,
            None,
            dialect=None if isinstance(query, str) else DUCKDB,
        )
        if not background:
            return None
        row = self.fetchone()
        return job_of(self._open_database, row[0]) if row is not None else None

    def register(self, name: str, data: object) -> Self:
        """Lets statements of this connection read a DataFrame or Arrow data by a name, without a copy where possible.

        ``data`` is of pandas, polars or pyarrow, or anything with ``__arrow_c_stream__``. It hides a plain table of
        that name; materialized views cannot read it. Errors: InterfaceError for data of another kind; StateError where
        a maintained table or view has the name.

        >>> import polars
        >>> _ = con.register("new", polars.DataFrame({"name": ["cleo"], "country": ["CH"]}))
        >>> con.execute("INSERT INTO customers FROM new").rowcount
        1
        """
        self._open_database()
        self._session.register(name, data)
        return self

    def unregister(self, name: str) -> Self:
        """Forgets what was registered under a name; nothing happens where nothing was."""
        self._open_database()
        self._session.unregister(name)
        return self
