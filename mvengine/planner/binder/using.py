"""USING and NATURAL behind an outer join: the column has the value of whichever table has a row.

    a FULL JOIN b USING (k) JOIN c USING (k)  =>  a FULL JOIN b ON a.k = b.k JOIN c ON coalesce(a.k, b.k) = c.k

sqlglot's ``qualify`` turns USING into ON. With one column it compares with the first table's, which is NULL where an
earlier RIGHT or FULL JOIN has padded it. So these joins are marked before, and completed behind it.
"""

from __future__ import annotations

from sqlglot import exp

_MARK = "mv_using"


def mark(tree: exp.Query) -> None:
    """Marks the joins that name columns and no condition."""
    for join in tree.find_all(exp.Join):
        if join.args.get("using") or join.method == "NATURAL":
            join.meta[_MARK] = True


def complete(tree: exp.Query) -> None:
    """Lets marked joins compare with all tables that earlier ones have joined by the same column."""
    for select in tree.find_all(exp.Select):
        tables: dict[str, list[str]] = {}
        padded: set[str] = set()  # columns that an outer join may have padded in the first table
        for join in select.args.get("joins") or ():
            if not join.meta.get(_MARK) or not join.args.get("on"):
                continue
            for equality in join.args["on"].find_all(exp.EQ):
                name = equality.right.name.lower()
                if isinstance(equality.left, exp.Column):
                    joined = tables.setdefault(name, [equality.left.table])
                    if name in padded:
                        columns = [exp.column(equality.left.name, table=table, quoted=True) for table in joined]
                        equality.set("this", exp.Coalesce(this=columns[0], expressions=columns[1:]))
                if not join.is_semi_or_anti_join:
                    tables.setdefault(name, []).append(join.alias_or_name)
                if join.side in ("RIGHT", "FULL"):
                    padded.add(name)
