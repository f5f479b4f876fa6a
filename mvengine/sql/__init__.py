"""SQL text → statements. ``classify.parse`` is the way in; ``split.is_complete`` is for shells.

    text ─tokens─► tokens ─split─► pieces ─classify─┬─ ours ──────► grammar (lark) ─► build, elements
                                                    └─ DuckDB's ──► hidden, write, ddl, prepared

No file here runs SQL: DuckDB's reading of a text is handed in as a function.
"""
