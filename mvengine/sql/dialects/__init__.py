"""SQL of other systems, read as theirs: each statement is translated to DuckDB's SQL before it is classified."""
