"""Which columns a subquery reads from outside, and the table of their values.

Aliases are unique in the whole query, so a column is from outside where no item of FROM inside has its alias.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from mvengine.planner.binder.scopes import Names, column_node
from mvengine.planner.logical import Distinct, Project
from mvengine.planner.node import Node
from mvengine.planner.scalar import Output, column

_ITEMS = (exp.Table, exp.Subquery, exp.Lateral, exp.Values, exp.CTE)


def has_query(tree: exp.Expr) -> bool:
    """Whether there is a subquery in an expression."""
    return tree.find(exp.Query) is not None


def free_columns(tree: exp.Expr) -> list[exp.Column]:
    """The columns that a query reads from outside, as they stand in it."""
    own = {node.alias_or_name.lower() for node in tree.find_all(*_ITEMS)}
    return [node for node in tree.find_all(exp.Column) if node.table and node.table.lower() not in own]


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The different values of the columns outside that a subquery reads, as a table that it can join."""

    name: str  # under which FROM finds it
    plan: Distinct
    alias: str
    columns: tuple[tuple[exp.Column, str], ...]  # the column outside, and its name in the table


def domain_of(query: exp.Expr, plan: Node, names: Names) -> Domain:
    """The domain of a correlated query over the plan outside. The query reads its columns from now on."""
    alias = names.fresh("outside")
    found: dict[tuple[str, str], tuple[exp.Column, str]] = {}
    taken: set[str] = set()
    for node in free_columns(query):
        key = (node.table, node.name)
        if key not in found:
            name = node.name if node.name.lower() not in taken else f"{node.table}_{node.name}"
            taken.add(name.lower())
            found[key] = (node.copy(), name)
        node.replace(column_node(alias, found[key][1]))
    columns = tuple(found.values())
    outputs = tuple(Output(name=name, expr=column(node.table, node.name)) for node, name in columns)
    values = Project(input=plan, outputs=outputs, alias=names.fresh("outside"))
    distinct = Distinct(input=values, columns=tuple(name for _, name in columns), alias=alias)
    return Domain(name=names.fresh("outside"), plan=distinct, alias=alias, columns=columns)


def domain_table(domain: Domain, alias: str) -> exp.Table:
    """The domain as an item of FROM."""
    name = exp.to_identifier(domain.name, quoted=True)
    return exp.Table(this=name, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


def add_domain(query: exp.Select, domain: Domain) -> None:
    """Puts the domain into FROM: first where other items read it, else last."""
    table = domain_table(domain, domain.alias)
    clause, joins = query.args.get("from_"), list(query.args.get("joins") or [])
    if clause is None:
        query.set("from_", exp.From(this=table))
    elif any(node.table == domain.alias for item in (clause, *joins) for node in item.find_all(exp.Column)):
        query.set("from_", exp.From(this=table))
        query.set("joins", [exp.Join(this=clause.this), *joins])
    else:
        query.set("joins", [*joins, exp.Join(this=table)])
