"""docs/python.md, made from the docstrings of what ``mvengine`` exports. Run as a script it writes the page.

The examples in docstrings are doctests. Each runs in a world of its own, which is that of the page's first example.
"""

from __future__ import annotations

import doctest
import inspect
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import mvengine
from mvengine import errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"

WORLD = '''\
>>> import mvengine
>>> rows = "id,customer,amount\\n1,ann,19.90\\n2,ben,5.00\\n3,ann,100.00\\n"
>>> _ = open("orders-1.csv", "w").write(rows)
>>> con = mvengine.connect()
>>> columns = {"id": "INTEGER", "customer": "VARCHAR", "amount": "DECIMAL(9, 2)"}
>>> con.create_table_from_files("orders", "orders-*.csv", columns=columns, primary_key="id")
>>> _ = con.execute("CREATE TABLE customers (name VARCHAR, country VARCHAR)")
>>> _ = con.execute("INSERT INTO customers VALUES ('ann', 'AT'), ('ben', 'BE')")
>>> con.create_view("revenue", """
...     SELECT country, sum(amount) AS amount FROM orders JOIN customers ON customer = name
...     GROUP BY country ORDER BY country""")
'''

_INTRODUCTION = f"""\
# Python

This page is made from the docstrings (`python tests/docs/python_reference.py`); its examples run in the tests, each
after these lines:

```python
{WORLD}```

[interoperability.md](interoperability.md) is about DataFrames, notebooks, and other programs that read the file;
the [README](../README.md#settings) lists the settings, and [sql.md](sql.md) the statements.
"""
_SECTIONS = (
    ("Connections", mvengine.Connection),
    ("Relations", mvengine.Relation),
    ("Refreshes", mvengine.Refresh),
    ("Jobs", mvengine.Job),
    ("Lineage", mvengine.Lineage),
)
_VALUES = (
    *(mvengine.TableInfo, mvengine.ViewInfo, mvengine.Verification, mvengine.Listing, mvengine.Text),
    *(mvengine.LineageNode, mvengine.Progress, mvengine.Task, mvengine.Failure),
    *(mvengine.Outcome, mvengine.Refusal, mvengine.RefusalKind, mvengine.JobOutcome),
    *(mvengine.PlanStatus, mvengine.TaskStatus, mvengine.JobStatus),
)


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, "## Connecting\n", _member("mvengine.connect", mvengine.connect)]
    for title, kind in _SECTIONS:
        parts += [f"## {title}\n", _text(kind)]
        parts += [_member(name, member) for name, member in _members(kind)]
    parts += ["## Values\n", *(_value(kind) for kind in _VALUES)]
    parts += ["## PEP 249\n", _text(mvengine.dbapi), _type_objects()]
    parts += ["## Errors\n", f"{_markdown(errors.Error.__doc__ or '')}\n", "```text\n" + _tree(errors.Error) + "```\n"]
    return "\n".join(parts)


def examples() -> Iterator[doctest.DocTest]:
    """The examples of docstrings, each with what precedes it."""
    owners: list[tuple[str, Any]] = [("connect", mvengine.connect), ("dbapi", mvengine.dbapi)]
    owners += members()
    owners += [(kind.__name__, kind) for kind in (*(kind for _, kind in _SECTIONS), *_VALUES)]
    for name, owner in owners:
        if ">>>" in (owner.__doc__ or ""):
            yield doctest.DocTestParser().get_doctest(f"{WORLD}\n{inspect.getdoc(owner)}", {}, name, None, None)


def members() -> list[tuple[str, Any]]:
    """The methods and properties of the page, by class and name."""
    return [(f"{kind.__name__}.{name}", member) for _, kind in _SECTIONS for name, member in _members(kind)]


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties, those of the class itself first, in the order of the source."""
    found = {name: member for base in kind.__mro__[:-1] for name, member in vars(base).items()}
    found = {name: getattr(kind, name) if inspect.isfunction(member) else member for name, member in found.items()}
    for name, member in found.items():
        member = member.__func__ if isinstance(member, classmethod) else member
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def _member(name: str, member: Any) -> str:
    if isinstance(member, property):
        returned = inspect.signature(member.fget).return_annotation if member.fget else ""
        return f"### `{name}: {returned}`\n\n{_text(member)}"
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(member)))
    signature = signature.replace("(self, ", "(").replace("(self)", "()")
    signature = re.sub(r"\b(?:collections\.abc|typing|os)\.", "", signature).replace("(cls, ", "(")
    return f"### `{name}{signature}`\n\n{_text(member)}"


def _value(kind: type) -> str:
    lines = [f"### `{kind.__name__}`\n", _text(kind)]
    if issubclass(kind, Enum):
        lines.append(", ".join(f"`{member.value}`" for member in kind) + ".\n")
    elif is_dataclass(kind):
        lines.append("| field | type |\n|---|---|")
        lines += [f"| `{field.name}` | `{field.type}` |".replace(" | None`", " \\| None`") for field in fields(kind)]
        lines.append("")
    return "\n".join(lines)


def _type_objects() -> str:
    names = ("Date", "Time", "Timestamp", "DateFromTicks", "TimeFromTicks", "TimestampFromTicks", "Binary")
    objects = ("STRING", "NUMBER", "DATETIME", "BINARY", "ROWID", "NESTED")
    facts = (
        f"`apilevel` {mvengine.apilevel}, `threadsafety` {mvengine.threadsafety}, `paramstyle` {mvengine.paramstyle}"
    )
    return (
        f"{facts}. Constructors: {', '.join(f'`{name}`' for name in names)}. "
        f"Type objects: {', '.join(f'`{name}`' for name in objects)}.\n\n"
        "It is checked with `dbapi-compliance`. Where it differs: cursors have transactions of their own, statements\n"
        "without rows have a result all the same (a write's is its count, as with DuckDB), and closing twice is fine.\n"
    )


def _tree(kind: type[errors.Error], indent: str = "") -> str:
    code = getattr(kind, "default_code", "")
    below = sorted(kind.__subclasses__(), key=lambda it: it.__name__)
    line = f"{indent}{kind.__name__} {code}\n"
    return line + "".join(_tree(it, indent + "  ") for it in below if it.__module__ == errors.__name__)


def _text(owner: Any) -> str:
    return f"{_markdown(inspect.getdoc(owner) or '')}\n"


def _markdown(text: str) -> str:
    """A docstring as Markdown: examples become blocks, a colon before an indented block stays one."""
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    return re.sub(r"^>>> .*?(?=\n\n|\Z)", lambda found: f"```python\n{found[0]}\n```", text, flags=re.M | re.S)


def main() -> None:
    """Writes the page anew, in place."""
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
