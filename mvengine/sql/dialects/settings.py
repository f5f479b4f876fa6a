"""SET and RESET of the other systems' session settings."""

from __future__ import annotations

from mvengine.sql.split import Piece
from mvengine.sql.statements import IgnoredSetting
from mvengine.sql.tokens import identifier, word_at

DUCKDB = "duckdb"
RISINGWAVE = "risingwave"

IGNORED = {
    "risingwave": frozenset(
        """
        rw_implicit_flush streaming_parallelism query_mode query_epoch visibility_mode sink_decouple
        streaming_use_arrangement_backfill streaming_use_snapshot_backfill streaming_use_shared_source
        streaming_over_window_cache_policy rw_enable_two_phase_agg rw_force_two_phase_agg rw_enable_share_plan
        rw_enable_join_ordering rw_streaming_enable_delta_join rw_streaming_enable_bushy_join
        rw_streaming_allow_jsonb_in_stream_key rw_batch_enable_sort_agg rw_batch_enable_lookup_join
        rw_force_split_distinct_agg enable_two_phase_agg force_two_phase_agg enable_share_plan enable_join_ordering
        streaming_enable_delta_join streaming_enable_bushy_join streaming_allow_jsonb_in_stream_key
        batch_enable_sort_agg batch_enable_lookup_join force_split_distinct_agg batch_parallelism
        batch_enable_distributed_dml implicit_flush create_compaction_group_for_mv client_min_messages
        client_encoding bytea_output extra_float_digits application_name statement_timeout datestyle intervalstyle
        standard_conforming_strings row_security background_ddl_priority max_split_range_gap
        synchronize_seqscans recovery_init_sql_timeout idle_in_transaction_session_timeout
        streaming_parallelism_for_table streaming_parallelism_for_materialized_view streaming_parallelism_for_sink
        streaming_parallelism_for_index streaming_parallelism_for_source source_rate_limit backfill_rate_limit
        dml_rate_limit sink_rate_limit streaming_max_parallelism streaming_separate_consecutive_join
        streaming_separate_sink streaming_unsafe_allow_updating_distribution cdc_source_wait_streaming_start_timeout
        batch_expr_strict_mode streaming_force_filter_inside_join enable_locality_backfill
        streaming_use_arrangement_backfill rw_enable_shared_source enable_index_selection
        """.split()  # noqa: SIM905 - a list of words reads better as words
    ),
    "postgres": frozenset(
        """
        client_min_messages client_encoding bytea_output extra_float_digits application_name statement_timeout
        datestyle intervalstyle standard_conforming_strings row_security work_mem maintenance_work_mem enable_seqscan
        enable_indexscan enable_bitmapscan enable_hashjoin enable_mergejoin enable_nestloop enable_sort enable_hashagg
        enable_material enable_memoize enable_indexonlyscan enable_incremental_sort enable_parallel_hash jit
        max_parallel_workers_per_gather parallel_setup_cost parallel_tuple_cost min_parallel_table_scan_size
        synchronous_commit from_collapse_limit join_collapse_limit geqo random_page_cost seq_page_cost
        debug_parallel_query plan_cache_mode transform_null_equals check_function_bodies default_tablespace
        default_table_access_method xmloption constraint_exclusion enable_partitionwise_join
        enable_partitionwise_aggregate
        """.split()  # noqa: SIM905 - a list of words reads better as words
    ),
}
"""Settings that change how the other system works, and no result."""


_IGNORED_PREFIXES = {RISINGWAVE: ("rw_", "streaming_", "batch_"), "postgres": ("enable_", "parallel_")}


def read_ignored(piece: Piece, dialect: str) -> IgnoredSetting | None:
    """SET and RESET of settings that have no meaning here; None for all other statements."""
    tokens = piece.tokens
    index = 2 if word_at(tokens, 1) in ("SESSION", "LOCAL") else 1
    name = identifier(tokens[index]).lower() if index < len(tokens) else ""
    is_ignored = name in IGNORED.get(dialect, ()) or name.startswith(_IGNORED_PREFIXES.get(dialect, ()) or " ")
    if word_at(tokens, 0) in ("SET", "RESET") and is_ignored:
        return IgnoredSetting(name=name, dialect=dialect)
    return None


def native_setting(piece: Piece) -> str:
    """``SET TIME ZONE x`` and ``SET timezone TO x``, as DuckDB takes them."""
    tokens = piece.tokens
    if [word_at(tokens, index) for index in range(3)] == ["SET", "TIME", "ZONE"]:
        return f"SET TimeZone = {_quoted(piece, 3)}"
    if word_at(tokens, 0) == "SET" and word_at(tokens, 1) == "TIMEZONE" and word_at(tokens, 2) in ("TO", "="):
        return f"SET TimeZone = {_quoted(piece, 3)}"
    return piece.text


def _quoted(piece: Piece, index: int) -> str:
    text = piece.span(index, len(piece.tokens))
    return text if text.startswith("'") else f"'{text}'"
