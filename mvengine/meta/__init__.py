"""What the engine remembers, in a schema ``mv_meta`` of the user's DuckDB file, read through views in ``mv_catalog``.

``migrate`` brings a file to the present format, ``store`` is the only writer, ``states`` holds the transition tables,
``records`` the values that go in and come out. No function here begins or commits a transaction: what is remembered
stands or falls with the rows that it speaks of. Other connections read everything as plain tables.
"""
