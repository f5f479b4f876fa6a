"""A query as a value: composed and read like DuckDB's relations, while its writes go through the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from mvengine.errors import ProgrammingError
from mvengine.library.listing import html_table, text_table
from mvengine.results import polars_of
from mvengine.schema import quote
from mvengine.sql.classify import read
from mvengine.sql.statements import Native, Statement

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from mvengine.connection import Connection


_ROWS_SHOWN = 20  # of a relation, in a prompt or notebook
_QUERIES = frozenset({"SELECT", "MULTI"})  # DuckDB's kinds; MULTI: a PIVOT is inside
_SHOWING = ("SHOW", "DESC", "SUMM")  # SELECT to DuckDB, but nothing to compose


class Relation:
    """A query on a connection, run anew at every read, in the transaction that is open then.

    The caller's DataFrames and Arrow tables that the query names are those of the frame in which it was written.

    >>> con.sql("FROM revenue")
    country  amount
    -------  ------
    AT       119.90
    BE       5.00
    """

    def __init__(self, connection: Connection, query: str, frame: Any) -> None:
        self._connection = connection
        self._frame = frame
        self.query_text = query

    @classmethod
    def of(cls, connection: Connection, query: str, frame: Any) -> Relation:
        """A relation of a query; of another statement's result, which is then run once, at once."""
        session = connection._session
        statements = [parsed.statement for parsed in read(query, session.engine.extract, session.dialect)]
        if not statements:
            raise ProgrammingError("there is no statement in the text", hint="write a query", code="42601")
        if len(statements) == 1 and _is_query(statements[0]):
            relation = cls(connection, statements[0].text, frame)
            connection._execute(f"DESCRIBE {relation.query_text}", None, frame)
            return relation
        connection._execute(query, None, frame, dialect=None)
        return cls(connection, "FROM mv_statement_result", Variables({"mv_statement_result": connection.arrow()}))

    # -- reading ---------------------------------------------------------------------------------------------------

    def execute(self) -> Connection:
        """Runs the query; the connection holds its result."""
        return self._connection._execute(self.query_text, None, self._frame)

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return self.limit(1).execute().fetchone()

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """The first ``size`` rows."""
        return self.execute().fetchmany(size)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.execute().fetchall()

    def df(self) -> pandas.DataFrame:
        """All rows as a pandas DataFrame."""
        return self.execute().df()

    def pl(self) -> polars.DataFrame:
        """All rows as a polars DataFrame, whose columns are the Arrow table's."""
        return polars_of(self.arrow())

    def arrow(self) -> pyarrow.Table:
        """All rows as an Arrow table."""
        return self._connection._arrow(self.query_text, self._frame)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's PyCapsule protocol: ``polars.DataFrame(relation)``, ``pyarrow.table(relation)`` and others take a
        relation without a copy of its own."""
        table: Any = self.arrow()  # pyarrow has no types of its own, and those of its stubs leave this method out
        capsule: object = table.__arrow_c_stream__(requested_schema)
        return capsule

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [row[0] for row in self._describe()]

    @property
    def types(self) -> list[str]:
        """The types of the columns, as DuckDB writes them."""
        return [row[1] for row in self._describe()]

    def _describe(self) -> list[tuple[Any, ...]]:
        return self._connection._execute(f"DESCRIBE {self.query_text}", None, self._frame).fetchall()

    # -- composing -------------------------------------------------------------------------------------------------

    def filter(self, condition: str) -> Relation:
        """Rows for which the condition is true."""
        return self._over(f"SELECT * FROM ({self.query_text}) AS relation WHERE {condition}")

    def project(self, outputs: str) -> Relation:
        """Computed columns."""
        return self._over(f"SELECT {outputs} FROM ({self.query_text}) AS relation")

    def aggregate(self, aggregates: str, keys: str = "") -> Relation:
        """Aggregates, per group where ``keys`` are given."""
        outputs = f"{keys}, {aggregates}" if keys else aggregates
        grouping = f" GROUP BY {keys}" if keys else ""
        return self._over(f"SELECT {outputs} FROM ({self.query_text}) AS relation{grouping}")

    def order(self, keys: str) -> Relation:
        """Sorted rows."""
        return self._over(f"SELECT * FROM ({self.query_text}) AS relation ORDER BY {keys}")

    def limit(self, rows: int, offset: int = 0) -> Relation:
        """At most ``rows`` rows."""
        return self._over(f"SELECT * FROM ({self.query_text}) AS relation LIMIT {int(rows)} OFFSET {int(offset)}")

    def distinct(self) -> Relation:
        """Each different row once."""
        return self._over(f"SELECT DISTINCT * FROM ({self.query_text}) AS relation")

    def union(self, other: Relation) -> Relation:
        """The rows of both, duplicates included."""
        return self._over(f"({self.query_text}) UNION ALL ({other.query_text})")

    def _over(self, query: str) -> Relation:
        return Relation(self._connection, query, self._frame)

    # -- writing: statements of the engine -------------------------------------------------------------------------

    def insert_into(self, table: str) -> None:
        """Inserts the rows into a table; views over it follow."""
        self._connection._execute(f"INSERT INTO {_qualified(table)} {self.query_text}", None, self._frame)

    def create(self, table: str) -> None:
        """Makes a table of the rows."""
        self._connection._execute(f"CREATE TABLE {_qualified(table)} AS {self.query_text}", None, self._frame)

    def create_materialized_view(self, name: str) -> None:
        """Keeps the query's result under a name."""
        self._connection._execute(
            f"CREATE MATERIALIZED VIEW {_qualified(name)} AS {self.query_text}", None, self._frame
        )

    def __repr__(self) -> str:
        names, rows, note = self._first(_ROWS_SHOWN)
        return "\n".join(
            [text_table(names, rows, null="NULL"), note] if note else [text_table(names, rows, null="NULL")]
        )

    def _repr_html_(self) -> str:
        names, rows, note = self._first(_ROWS_SHOWN)
        return html_table(names, rows, note)

    def _first(self, rows: int) -> tuple[list[str], list[tuple[Any, ...]], str]:
        """Names, the first rows, and a remark where there are more."""
        found = self.limit(rows + 1).execute()
        names = [column[0] for column in found.description or ()]
        fetched = found.fetchall()
        return names, fetched[:rows], f"… more than {rows} rows" if len(fetched) > rows else ""


def _is_query(statement: Statement) -> TypeGuard[Native]:
    """Whether a statement only reads, and can stand in a FROM."""
    if not isinstance(statement, Native) or statement.kind not in _QUERIES:
        return False
    return not statement.text.upper().startswith(_SHOWING)


def _qualified(name: str) -> str:
    return ".".join(quote(part) for part in name.split("."))


class Variables:
    """A scope with given variables, in the shape of a Python frame."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.f_globals: dict[str, Any] = {}
        self.f_locals = variables
