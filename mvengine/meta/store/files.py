"""Files of sources: which are in the table, which are staged, and which rows were rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mvengine.meta.records import RejectedRowRecord, SourceFileRow, StagedFileRow
from mvengine.meta.store.base import Row, StoreBase, of_relations, records, utc

_FILE_TYPES = {
    "relation_id": "BIGINT",
    "file_id": "INTEGER",
    "path": "VARCHAR",
    "size": "BIGINT",
    "mtime_ns": "BIGINT",
    "etag": "VARCHAR",
    "rows": "BIGINT",
    "rejected": "BIGINT",
}
_REJECTED_TYPES = {
    "relation_id": "BIGINT",
    "path": "VARCHAR",
    "line": "BIGINT",
    "reason": "VARCHAR",
    "text": "VARCHAR",
    "epoch": "BIGINT",
}


class FileStore(StoreBase):
    def source_files(self, relation_ids: Sequence[int]) -> dict[int, tuple[SourceFileRow, ...]]:
        """Loaded files of many tables at once, ordered by path; a table without files has an empty tuple."""
        rows = self._file_rows("source_files", "epoch", relation_ids)
        return {id_: records(SourceFileRow, rows[id_]) for id_ in relation_ids}

    def staged_files(self, relation_ids: Sequence[int]) -> dict[int, tuple[StagedFileRow, ...]]:
        """Files that lie in the staging tables of many tables, ordered by path; an empty tuple where there are none."""
        rows = self._file_rows("staged_files", "staged_at, part, parts", relation_ids)
        return {id_: records(StagedFileRow, rows[id_]) for id_ in relation_ids}

    def add_staged_files(self, relation_id: int, files: Sequence[StagedFileRow]) -> None:
        """Record files of one table as staged."""
        self.add_all_staged_files({relation_id: files})

    def add_all_staged_files(self, files: Mapping[int, Sequence[StagedFileRow]]) -> None:
        """Record files of many tables, by relation id, as staged."""
        rows = [
            (
                relation_id,
                it.file_id,
                it.path,
                it.size,
                it.mtime_ns,
                it.etag,
                it.rows,
                it.rejected,
                utc(it.staged_at),
                it.part,
                it.parts,
            )
            for relation_id, staged in files.items()
            for it in staged
        ]
        types = {**_FILE_TYPES, "staged_at": "TIMESTAMP", "part": "INTEGER", "parts": "INTEGER"}
        self._insert("staged_files", types, rows)

    def clear_staged_files(self, relation_ids: Sequence[int]) -> None:
        """Forget all staged files of these tables, and their rejected rows that were not published."""
        among = of_relations(relation_ids)
        self._rows(f"DELETE FROM mv_meta.staged_files WHERE {among}")
        self._rows(f"DELETE FROM mv_meta.rejected_rows WHERE epoch IS NULL AND {among}")

    def publish_files(self, relation_ids: Sequence[int], removed: Mapping[int, Sequence[str]], epoch: int) -> None:
        """All that is staged of these tables is in them from ``epoch`` on, in place of what was recorded for the same
        paths, rejected rows included; the parts of a file are one file again. ``removed`` are the paths, by relation
        id, that are not in the tables any more."""
        if not relation_ids:
            return
        among = of_relations(relation_ids)
        gone = [(id_, path) for id_, paths in removed.items() for path in paths]
        staged = f"(relation_id, path) IN (SELECT (relation_id, path) FROM mv_meta.staged_files WHERE {among})"
        self._forget("source_files", f"{among} AND {staged}", gone)
        self._rows(
            f"""INSERT INTO mv_meta.source_files ({", ".join(_FILE_TYPES)}, epoch)
            SELECT relation_id, file_id, path, size, mtime_ns, etag, sum(rows), sum(rejected), {int(epoch)}
            FROM mv_meta.staged_files WHERE {among} GROUP BY relation_id, file_id, path, size, mtime_ns, etag"""
        )
        if self._rows(f"SELECT 1 FROM mv_meta.rejected_rows WHERE {among} LIMIT 1"):
            self._forget("rejected_rows", f"{among} AND epoch IS NOT NULL AND {staged}", gone)
            self._rows(f"UPDATE mv_meta.rejected_rows SET epoch = {int(epoch)} WHERE {among} AND epoch IS NULL")
        self._rows(f"DELETE FROM mv_meta.staged_files WHERE {among}")

    def _forget(self, table: str, condition: str, gone: Sequence[tuple[int, str]]) -> None:
        """Removes the rows that a condition holds for, and those of the paths that are gone."""
        self._rows(f"DELETE FROM mv_meta.{table} WHERE {condition}")
        if gone:
            self._rows(
                f"""DELETE FROM mv_meta.{table}
                WHERE (relation_id, path) IN (SELECT (unnest($1::BIGINT[]), unnest($2::VARCHAR[])))""",
                [[id_ for id_, _ in gone], [path for _, path in gone]],
            )

    def forget_files(self, relation_id: int) -> None:
        """The table has the rows of no file any more, loaded or staged."""
        for table in ("source_files", "staged_files", "rejected_rows"):
            self._rows(f"DELETE FROM mv_meta.{table} WHERE relation_id = ?", [relation_id])

    def add_rejected_rows(self, relation_id: int, rows: Sequence[RejectedRowRecord], epoch: int | None) -> None:
        """Keep rows that a load skipped. ``epoch`` None: their files are staged, ``publish_files`` sets it."""
        values = [(relation_id, it.path, it.line, it.reason, it.text, epoch) for it in rows]
        self._insert("rejected_rows", _REJECTED_TYPES, values)

    def _file_rows(self, table: str, last_columns: str, relation_ids: Sequence[int]) -> dict[int, list[Row]]:
        """Rows without relation id, by relation id, sorted by path here: ORDER BY doubles the time of a small query."""
        sql = f"""SELECT relation_id, file_id, path, size, mtime_ns, etag, rows, rejected, {last_columns}
            FROM mv_meta.{table} WHERE {of_relations(relation_ids)}"""
        rows: dict[int, list[Row]] = {id_: [] for id_ in relation_ids}
        for relation_id, *row in sorted(self._rows(sql), key=lambda row: row[2]):
            rows[relation_id].append(tuple(row))
        return rows
