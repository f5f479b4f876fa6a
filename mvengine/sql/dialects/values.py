"""VALUES outside of INSERT: its columns are called column1, column2, … in PostgreSQL."""

from __future__ import annotations

from sqlglot import exp


def name_values(tree: exp.Expr) -> exp.Expr:
    """The tree with the names of PostgreSQL on the columns of each VALUES that is a table."""
    for values in list(tree.find_all(exp.Values)):
        if isinstance(values.parent, exp.Insert) or not values.expressions:
            continue
        _unify(values)
        named = _named(values)
        if values is tree:
            tree = named
        elif named is not values:
            values.replace(named)
    return tree


def _named(values: exp.Values) -> exp.Expr:
    first = values.expressions[0]
    count = len(first.expressions) if isinstance(first, exp.Tuple) else 1
    names = [exp.to_identifier(f"column{index}") for index in range(1, count + 1)]
    alias = values.args.get("alias")
    if alias is None and isinstance(values.parent, exp.Subquery) and values.parent.args.get("alias"):
        alias = values.parent.args["alias"]
    if isinstance(alias, exp.TableAlias) and alias.this is not None:
        given = alias.args.get("columns") or []
        alias.set("columns", [*given, *names[len(given) :]])
        return values
    order, limit, offset = (values.args.get(key) for key in ("order", "limit", "offset"))
    inner = exp.Values(
        expressions=[row.copy() for row in values.expressions],
        alias=exp.TableAlias(this=exp.to_identifier("values", quoted=True), columns=names),
    )
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=inner), order=order, limit=limit, offset=offset)


def _unify(values: exp.Values) -> None:
    """A string that stands alone has the type to which another row casts the column, as in PostgreSQL."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row.this] for row in values.expressions]
    for column in zip(*rows, strict=False):
        casts = [value.to for value in column if isinstance(value, exp.Cast)]
        for value in column:
            if casts and isinstance(value, exp.Literal) and value.is_string:
                value.replace(exp.Cast(this=value.copy(), to=casts[0].copy()))
