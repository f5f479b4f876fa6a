"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE and COPY … FROM on tables that views read or that are refreshable.

The statement's own clauses run, word for word; around them the old and new images of the touched rows are taken, only
of the columns that some view reads. What is touched is decided once: rows are found by their ids, then changed by them.

    INSERT           the new rows by RETURNING
    DELETE           the old rows with their ids, then a delete by id
    UPDATE, MERGE,   the rows that may be touched before and after, by id, and the rows that were appended meanwhile
    ON CONFLICT      (an update of an indexed column moves its row); the difference is the change
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mvengine.engines.duckdb import LOCAL_ROW_IDS, DuckDbEngine
from mvengine.errors import BindError, KeyViolation
from mvengine.planner.emit.bag import difference
from mvengine.planner.logical import WEIGHT, MaterializeTable
from mvengine.refresh.changes import FILE_ID, CapturedTable, capture_statement, no_rows
from mvengine.refresh.parameters import used_by
from mvengine.refresh.upsert import upsert_as_merge
from mvengine.schema import Name, quote
from mvengine.sql.statements import Write, WriteKind

RESULT = "mv_result"
"""The temporary table that holds what RETURNING gives."""

_ROWS, _BEFORE, _SOURCE = "mv_rows", "mv_before", "mv_source"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The table that a statement writes."""

    name: Name
    storage: str
    columns: tuple[str, ...]
    insertable: tuple[str, ...]  # those that can be given a value
    keys: tuple[tuple[str, ...], ...]  # columns of its primary and unique keys
    has_unique_index: bool  # made by CREATE INDEX: an upsert may meet it
    may_move_rows: bool  # an update can give a row another id: indexed or nested columns
    plan: MaterializeTable | None  # of a refreshable table


@dataclass
class DmlRun:
    """One statement on one table. ``captured`` is None where no view reads the table."""

    engine: DuckDbEngine
    write: Write
    target: Target
    captured: CapturedTable | None
    parameters: Mapping[str, Any]
    volatile: frozenset[str]

    def run(self) -> tuple[int, int]:
        """Returns the statement's own count, and the rows that went into the change."""
        if self.captured is not None:
            self._query(self.captured.create())
        count, captured = self._dispatch()
        if self.target.plan is not None and self.write.kind is not WriteKind.DELETE:
            self._check_keys(self.target.plan)
        return count, captured

    def _dispatch(self) -> tuple[int, int]:
        match self.write.kind:
            case WriteKind.INSERT:
                return self._insert()
            case WriteKind.DELETE | WriteKind.TRUNCATE:
                return self._delete()
            case WriteKind.UPDATE:
                return self._update()
            case WriteKind.MERGE:
                return self._merge()
            case WriteKind.COPY_FROM:
                return self._copy()

    # -- statements ------------------------------------------------------------------------------------------------

    def _insert(self) -> tuple[int, int]:
        if self.write.on_conflict or self.write.modifier:
            return self._upsert()
        statement = self._insert_text()
        if not self.write.returning:
            return self._insert_captured(statement)
        self._query(f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS {no_rows(self._all(), self.target.storage)}")
        count = self._query(
            f"WITH touched AS ({statement} RETURNING {self._all()}) INSERT INTO {_ROWS} SELECT * FROM touched"
        )[0][0]
        return count, self._finish_rows(1)

    def _insert_captured(self, statement: str) -> tuple[int, int]:
        if self.captured is None:
            count = self._query(statement)[0][0]
            return count, 0
        parameters = used_by(statement, self.parameters)
        count = capture_statement(self.engine, self.captured, statement, parameters, 1)
        return count, count

    def _insert_text(self) -> str:
        write, columns = self.write, self.write.columns
        if not columns and self.target.plan is not None and not _names_columns_itself(write.body):
            columns = self.target.insertable
        listed = f" ({', '.join(quote(column) for column in columns)})" if columns else ""
        parts = (
            write.with_clause,
            f"INSERT {write.modifier}",
            f"INTO {self._target()}{listed}",
            write.body,
            write.on_conflict,
        )
        return " ".join(part for part in parts if part)

    def _upsert(self) -> tuple[int, int]:
        if self.target.plan is not None:
            self.write = upsert_as_merge(self.write, self.target.plan)
            return self._merge()
        columns = self.write.columns or self.target.insertable
        if _names_columns_itself(self.write.body) or "default" in self.write.names:
            return self._by_difference(self._insert_text(), self._images(None))
        names = ", ".join(quote(column) for column in columns)
        self._query(f"CREATE OR REPLACE TEMP TABLE {_SOURCE} AS {no_rows(names, self.target.storage)}")
        self._query(f"{self.write.with_clause} INSERT INTO {_SOURCE} {self.write.body}")  # each value cast by itself
        self.write = replace(self.write, with_clause="", columns=columns, body=f"SELECT {names} FROM {_SOURCE}")
        lowered = {column.lower() for column in columns}
        conditions = [
            f"EXISTS (SELECT 1 FROM {_SOURCE} AS n WHERE "
            + " AND ".join(f"n.{quote(column)} = t.{quote(column)}" for column in key)
            + ")"
            for key in self.target.keys
            if all(column.lower() in lowered for column in key)
        ]
        is_covered = len(conditions) == len(self.target.keys) and not self.target.has_unique_index
        hits = f"SELECT t.rowid FROM {self.target.storage} AS t WHERE {' OR '.join(conditions) or 'false'}"
        result = self._by_difference(self._insert_text(), self._images(hits if is_covered else None))
        self._query(f"DROP TABLE {_SOURCE}")
        return result

    def _delete(self) -> tuple[int, int]:
        write = self.write
        if self.captured is None and not write.returning and self.target.plan is None:
            return self._query(write.text)[0][0], 0
        self._take_before(self._selected())
        count = self._query(f"DELETE FROM {self.target.storage} WHERE {self._chosen()}")[0][0]
        captured = 0
        if self.captured is not None:
            self._query(f"INSERT INTO {self.captured.change} SELECT {self.captured.selected}-1 FROM {_BEFORE}")
            captured = count
        if write.returning:
            self._query(f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS SELECT {self._all()} FROM {_BEFORE}")
            self._result_of_rows()
        self._query(f"DROP TABLE {_BEFORE}")
        return count, captured

    def _selected(self) -> str:
        """The old images of the rows that WHERE and FROM | USING select: a query for ``_take_before``. One scan finds
        and reads them, unless a join may find a row twice."""
        write, alias = self.write, self._alias()
        where = f" WHERE {write.where}" if write.where else ""
        source = f"FROM {self._target()}"
        if write.from_clause:
            return self._images(
                f"{write.with_clause} SELECT DISTINCT {alias}.rowid {source}, {write.from_clause}{where}"
            )
        columns = "".join(f"{alias}.{quote(column)}, " for column in self._imaged())
        return f"{write.with_clause} SELECT {columns}{alias}.rowid AS _mv_row {source}{where}"

    def _update(self) -> tuple[int, int]:
        write, alias = self.write, self._alias()
        chosen = self._chosen(alias)
        from_clause = f" FROM {write.from_clause}" if write.from_clause else ""
        where = f"({write.where}) AND {chosen}" if write.from_clause and write.where else chosen
        head = f"{write.with_clause} UPDATE {self._target()} SET {write.assignments}{from_clause}"
        if write.from_clause and self.volatile & set(write.names):  # evaluated once: any row may be touched
            where = write.where or "true"
            return self._by_difference(f"{head} WHERE {where}", self._images(None))
        return self._by_difference(f"{head} WHERE {where}", self._selected())

    def _chosen(self, alias: str = "") -> str:
        """The rows whose old images were taken. DuckDB 2.0 mixes up rows of a table to which the transaction has added
        some, where a join's filter on ``rowid`` is pushed into its scan. That of an expression is not: all are read."""
        row = f"{alias}.rowid" if alias else "rowid"
        has_own_rows = self._query(f"SELECT 1 FROM {self.target.storage} WHERE rowid >= {LOCAL_ROW_IDS} LIMIT 1")
        return f"{f'abs({row})' if has_own_rows else row} IN (SELECT _mv_row FROM {_BEFORE})"

    def _merge(self) -> tuple[int, int]:
        write, alias = self.write, self._alias()
        statement = (
            f"{write.with_clause} MERGE INTO {self._target()} USING {write.from_clause} {write.where} {write.body}"
        )
        is_bounded = not self.volatile & set(write.names) and not {"by", "source"} <= set(write.names)
        hits = (
            f"{write.with_clause} SELECT DISTINCT {alias}.rowid FROM {self._target()} "
            f"JOIN {write.from_clause} {write.where}"
        )
        return self._by_difference(statement, self._images(hits if is_bounded else None))

    def _copy(self) -> tuple[int, int]:
        columns = self.write.columns or self.target.insertable
        known = {column.lower() for column in self.target.columns}
        if missing := next((column for column in columns if column.lower() not in known), None):
            raise BindError(
                f"{self.target.name} has no column {missing}", hint=f"columns are {', '.join(self.target.columns)}"
            )
        names = ", ".join(quote(column) for column in columns)
        self._query(f"CREATE OR REPLACE TEMP TABLE {_SOURCE} AS {no_rows(names, self.target.storage)}")
        self._query(f"COPY {_SOURCE} FROM {self.write.body}")
        insert = replace(self.write, kind=WriteKind.INSERT, columns=columns, body=f"SELECT {names} FROM {_SOURCE}")
        result = replace(self, write=insert)._insert()
        self._query(f"DROP TABLE {_SOURCE}")
        return result

    # -- images ----------------------------------------------------------------------------------------------------

    def _take_before(self, images: str) -> None:
        """Keeps old images, with their ids."""
        self._query(f"CREATE OR REPLACE TEMP TABLE {_BEFORE} AS {images}")

    def _images(self, hits: str | None) -> str:
        """The query for the images of the rows in ``hits`` (None: of all)."""
        columns = "".join(f"{quote(column)}, " for column in self._imaged())
        where = f" WHERE rowid IN ({hits})" if hits is not None else ""
        return f"SELECT {columns}rowid AS _mv_row FROM {self.target.storage}{where}"

    def _imaged(self) -> tuple[str, ...]:
        """The columns of images: all where RETURNING may want them, else those that views read."""
        if self.write.returning:
            return self.target.columns
        return self.captured.used if self.captured else ()

    def _by_difference(self, statement: str, images: str) -> tuple[int, int]:
        """Runs a statement that touches only the rows of ``images``, a query for them, and rows that it appends."""
        is_native = self.target.plan is None and self.captured is None
        if is_native and not self.write.returning:
            return self._query(self.write.text)[0][0], 0
        is_update = self.write.kind is WriteKind.UPDATE
        self._take_before(images)
        may_append = self.target.may_move_rows or not is_update
        kept = self._chosen()
        touched = f"{kept} OR rowid >= {self._appended_from()}" if may_append else kept
        if self.write.returning and not is_update:
            count = self._keep_returned(f"{statement} RETURNING {self.write.returning}")
        else:
            count = self._query(statement)[0][0]
        if self.target.plan is not None:  # what DML has written is no file's row any more
            self._query(f"UPDATE {self.target.storage} SET {FILE_ID} = NULL WHERE {self._chosen()}")
        captured = self._capture_difference(touched)
        if self.write.returning and is_update:
            self._returning_of_update(touched)
        self._query(f"DROP TABLE {_BEFORE}")
        return count, captured

    def _appended_from(self) -> int:
        """Rows appended from now on have at least this id."""
        found = self._query(f"SELECT max(rowid) FROM {self.target.storage} WHERE rowid >= {LOCAL_ROW_IDS}")[0][0]
        return LOCAL_ROW_IDS if found is None else int(found) + 1

    def _capture_difference(self, touched: str) -> int:
        """What differs between the old images and the rows that ``touched`` selects now."""
        if self.captured is None:
            return 0
        if not self.captured.used:
            return self._capture_count_difference(self.captured, touched)
        now = f"(SELECT {self._used()} FROM {self.target.storage} WHERE {touched})"
        change = difference(now, _BEFORE, self.captured.used, self.captured.twins)
        return int(self._query(f"INSERT INTO {self.captured.change}\n{change}")[0][0])

    def _capture_count_difference(self, captured: CapturedTable, touched: str) -> int:
        """Views that read no column (COUNT(*)) need to know the number of rows only."""
        more = self._query(
            f"SELECT (SELECT count(*) FROM {self.target.storage} WHERE {touched}) - (SELECT count(*) FROM {_BEFORE})"
        )[0][0]
        if more:
            self._query(f"INSERT INTO {captured.change} ({WEIGHT}) VALUES ({more})")
        return abs(int(more))

    # -- results and checks ----------------------------------------------------------------------------------------

    def _finish_rows(self, weight: int) -> int:
        captured = 0
        if self.captured is not None:
            captured = self._query(
                f"INSERT INTO {self.captured.change} SELECT {self.captured.selected}{weight} FROM {_ROWS}"
            )[0][0]
        self._result_of_rows()
        return int(captured)

    def _result_of_rows(self) -> None:
        alias = self._alias()
        self._query(f"CREATE OR REPLACE TEMP TABLE {RESULT} AS SELECT {self.write.returning} FROM {_ROWS} AS {alias}")
        self._query(f"DROP TABLE {_ROWS}")

    def _returning_of_update(self, touched: str) -> None:
        """RETURNING of an UPDATE gives the new image of every touched row."""
        rows = f"SELECT {self._all()} FROM {self.target.storage} WHERE {touched}"
        self._query(f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS {rows}")
        self._result_of_rows()

    def _keep_returned(self, statement: str) -> int:
        """Runs a statement whose rows DuckDB lets stand in no CTE, and keeps them through Arrow."""
        self._query("SET arrow_lossless_conversion = true")
        result = self.engine.execute(statement, used_by(statement, self.parameters))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")  # few rows, copied once
            returned: Any = result.to_arrow_table()
        self._query("RESET arrow_lossless_conversion")
        self.engine.raw.register("mv_returned", returned)
        hidden = f" EXCLUDE ({FILE_ID})" if FILE_ID in returned.column_names else ""
        self._query(f"CREATE OR REPLACE TEMP TABLE {RESULT} AS SELECT *{hidden} FROM mv_returned")
        self.engine.raw.unregister("mv_returned")
        return int(returned.num_rows)

    def _check_keys(self, plan: MaterializeTable) -> None:
        """Refreshable tables have no index: keys are checked by query."""
        for key in plan.keys:
            columns = ", ".join(quote(column) for column in key.columns)
            not_null = " AND ".join(f"{quote(column)} IS NOT NULL" for column in key.columns)
            twice = self._query(
                f"SELECT {columns} FROM {plan.storage} WHERE {not_null} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
            )
            if twice:
                shown = ", ".join(str(value) for value in twice[0])
                raise KeyViolation(
                    f"duplicate key ({', '.join(key.columns)}) = ({shown}) in {plan.relation}",
                    hint="use INSERT … ON CONFLICT, or UPDATE",
                )

    def _alias(self) -> str:
        return self.write.alias or quote(self.target.name.name)

    def _target(self) -> str:
        """The table as the statement's clauses name it: by its alias, or by its name with or without schema."""
        has_own_name = not self.write.alias and self.target.plan is None
        return self.target.storage if has_own_name else f"{self.target.storage} AS {self._alias()}"

    def _all(self) -> str:
        return ", ".join(quote(column) for column in self.target.columns)

    def _used(self) -> str:
        return ", ".join(quote(column) for column in self.captured.used) if self.captured else ""

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.engine.query(sql, used_by(sql, self.parameters))


def _names_columns_itself(body: str) -> bool:
    words = body.upper().split(None, 2)
    return words[:2] in (["BY", "NAME"], ["DEFAULT", "VALUES"])
