"""Plan → SQL text. One file a subject; the dialect is DuckDB's."""
