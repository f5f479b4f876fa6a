"""Functions of the user are put out of a query, as DuckDB does it: each call becomes its body, over its arguments.

    add_one(x) := x + 1                    SELECT add_one(a * 2) FROM t      =>  SELECT ((a * 2) + 1) FROM t
    above(n)   := TABLE SELECT * FROM t    SELECT * FROM above(3) AS o       =>  SELECT * FROM (SELECT * FROM t …) AS o
                  WHERE k > n

So a view follows the tables that a body reads, by the rules of what the body is. A call that cannot be taken apart (an
argument that is left to its default, one of several forms of one length) stays, and is computed again.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mvengine.planner.parse import parse
from mvengine.planner.reader import UserFunction

DEPTH_MAX = 32
CALLS_MAX = 1000  # at once: functions that call one another twice double them at each step


def expand_functions(tree: exp.Expr, functions: Iterable[UserFunction]) -> None:
    """Expands calls in place, those in bodies too; beyond the bounds they stay."""
    known: dict[tuple[str, int], list[UserFunction]] = {}
    for function in functions:
        known.setdefault((function.name.name.lower(), len(function.parameters)), []).append(function)
    for _ in range(DEPTH_MAX if known else 0):
        calls = [node for node in tree.find_all(exp.Anonymous) if _form(node) in known]
        if len(calls) > CALLS_MAX or not sum([_expand(call, known[_form(call)]) for call in calls]):
            return


def _form(call: exp.Anonymous) -> tuple[str, int]:
    return call.name.lower(), len(call.expressions)


def _expand(call: exp.Anonymous, forms: list[UserFunction]) -> bool:
    """Puts the body of a function in the place of a call, where that can be done."""
    item = call.parent if isinstance(call.parent, exp.Table) else None
    whole = call.parent if isinstance(call.parent, exp.Dot) else call
    schema = item.db if item is not None else call.parent.this.name if isinstance(call.parent, exp.Dot) else ""
    forms = [
        f for f in forms if f.returns_table is (item is not None) and schema.lower() in ("", f.name.schema.lower())
    ]
    if len(forms) != 1:
        return False
    body, arguments = _parsed(forms[0]), _arguments(call, forms[0])
    if body is None or arguments is None or not _substitute(body, arguments, call):
        return False
    if item is None:
        whole.replace(body)
        return True
    assert isinstance(body, exp.Query)
    alias = item.args.get("alias") or exp.TableAlias(this=exp.to_identifier(call.name, quoted=True))
    put_query(item, body, alias.copy())
    return True


def put_query(item: exp.Table, query: exp.Query, alias: exp.TableAlias) -> None:
    """A query in the place of an item of FROM, with what stands behind that."""
    subquery = exp.Subquery(this=query, alias=alias)
    for key in ("joins", "pivots", "laterals", "sample"):
        subquery.set(key, item.args.get(key))
    item.replace(subquery)


def _parsed(function: UserFunction) -> exp.Expr | None:
    try:
        if function.returns_table:
            tree = parse(function.body)
        else:
            (value,) = parse(f"SELECT {function.body}").expressions
            tree = exp.paren(value, copy=False)
    except (SqlglotError, RecursionError, ValueError):
        return None
    for node in list(tree.find_all(exp.Anonymous)):
        if node.name.lower() == "count_star":  # so DuckDB writes count(*)
            node.replace(exp.Count(this=exp.Star()))
    if function.returns_table and not isinstance(tree, exp.Query):
        return None
    return tree


def _arguments(call: exp.Anonymous, function: UserFunction) -> dict[str, exp.Expr] | None:
    """By the parameters' names in lower case; None where they cannot be told."""
    names = [name.lower() for name in function.parameters]
    found: dict[str, exp.Expr] = {}
    for place, argument in enumerate(call.expressions):
        is_named = isinstance(argument, exp.PropertyEQ | exp.Kwarg)
        name = argument.this.name.lower() if is_named else names[place]
        value = argument.expression if is_named else argument
        if name not in names or name in found:
            return None
        type_ = function.types[names.index(name)]
        found[name] = exp.cast(value.copy(), type_, dialect="duckdb") if type_ else exp.paren(value.copy())
    return found


def _substitute(body: exp.Expr, arguments: dict[str, exp.Expr], call: exp.Anonymous) -> bool:
    """Puts arguments in the place of parameters. False where a name in one could mean something else in the body."""
    columns = [column for value in arguments.values() for column in value.find_all(exp.Column)]
    if body.find(exp.Query) is not None:
        if isinstance(call.parent, exp.Table) and columns:
            return False
        if not _qualify([column for column in columns if not column.table], call):
            return False
    for column in list(body.find_all(exp.Column)):
        if column.table.lower() in arguments and not column.args.get("db"):
            return False  # a field of an argument
    for column in list(body.find_all(exp.Column)):
        value = arguments.get(column.name.lower()) if not column.table else None
        if value is not None:
            column.replace(value.copy())
    return True


def _qualify(columns: list[exp.Column], call: exp.Anonymous) -> bool:
    """Names the table of bare columns, where there is one table only."""
    if not columns:
        return True
    select = call.parent_select
    origin = (select.args.get("from_") or select.args.get("from")) if select is not None else None
    if select is None or origin is None or select.args.get("joins") or not origin.this.alias_or_name:
        return False
    for column in columns:
        column.set("table", exp.to_identifier(origin.this.alias_or_name, quoted=True))
    return True
