"""Functions in FROM that make rows of their arguments → subqueries that unnest a list.

FROM t, unnest(t.list) AS u(x)  =>  FROM t, LATERAL (SELECT unnest(t.list) AS x) AS u
FROM range(3) AS r(x)           =>  FROM (SELECT unnest(range(3)) AS x) AS r
"""

from __future__ import annotations

from sqlglot import exp

from mvengine.planner.binder.names import unaliased


def rewrite_table_functions(tree: exp.Expr) -> None:
    """Rewrites ``unnest``, ``range`` and ``generate_series`` wherever they stand in FROM."""
    for node in list(tree.find_all(exp.Unnest, exp.GenerateSeries)):
        item = _item_of(node)
        if item is None:
            continue
        names = _column_names(item, node)
        call = exp.Explode(this=node.expressions[0].copy() if isinstance(node, exp.Unnest) else node.copy())
        outputs: list[exp.Expr] = [exp.alias_(call, names[0], quoted=True)]
        if isinstance(node, exp.Unnest) and node.args.get("offset"):
            subscripts = exp.func("generate_subscripts", node.expressions[0].copy(), exp.Literal.number(1))
            outputs.append(exp.alias_(subscripts, names[1], quoted=True))
        query = exp.Subquery(this=exp.Select(expressions=outputs))
        name = exp.to_identifier(item.alias or names[0], quoted=True)
        joins = item.args.get("joins")
        item.replace(exp.Lateral(this=query, alias=exp.TableAlias(this=name), joins=joins))


def rewrite_arrays(tree: exp.Expr) -> None:
    """``ARRAY (SELECT x … ORDER BY o)  =>  (SELECT coalesce(list(x ORDER BY o), []) …)``, of simple queries."""
    for node in list(tree.find_all(exp.Array)):
        query = node.expressions[0] if node.expressions else None
        query = query.this if isinstance(query, exp.Subquery) else query
        if not isinstance(query, exp.Select) or any(query.args.get(key) for key in _AFTER_ROWS):
            continue
        order = query.args.get("order")
        value = unaliased(query.expressions[0]).copy()
        argument = exp.Order(this=value, expressions=[key.copy() for key in order.expressions]) if order else value
        query.set("order", None)
        listed = exp.Coalesce(this=exp.ArrayAgg(this=argument), expressions=[exp.Array(expressions=[])])
        query.set("expressions", [listed])
        node.replace(exp.Subquery(this=query.copy()))


_AFTER_ROWS = ("group", "distinct", "limit", "offset", "qualify")


def _item_of(node: exp.Expr) -> exp.Expr | None:
    """The item of FROM that a function is; None where it stands elsewhere."""
    item = node
    while isinstance(item.parent, exp.Table | exp.Lateral) and item.arg_key == "this":
        item = item.parent
    in_from = isinstance(item.parent, exp.From | exp.Join) and item.arg_key == "this"
    is_simple = not isinstance(node, exp.Unnest) or len(node.expressions) == 1
    return item if in_from and is_simple else None


def _column_names(item: exp.Expr, node: exp.Expr) -> list[str]:
    """The names of the value and of the ordinal number."""
    default = (
        "unnest" if isinstance(node, exp.Unnest) else "range" if node.args["is_end_exclusive"] else "generate_series"
    )
    alias = item.args.get("alias")
    given = [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    offset = node.args.get("offset")
    ordinal = offset.name if isinstance(offset, exp.Identifier) else "ordinality"
    return [given[0] if given else default, given[1] if len(given) > 1 else ordinal]
