"""What a statement may be at most.

DuckDB and sqlglot recurse over expressions, and some of what they do takes quadratic or exponential time: beyond these
bounds an error with a place is better than a long wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mvengine.errors import ParseError, Position, TooComplex
from mvengine.sql.tokens import Token

DEPTH_MAX = 1000  # brackets in brackets; DuckDB's own bound for expressions (max_expression_depth)
CHAIN_MAX = 500  # parts of a name, subscripts or casts behind each other: time is quadratic
SET_OPERATIONS_MAX = 2000  # time is quadratic: 2 s
LAMBDAS_MAX = 12  # within each other: time is exponential
ITEMS_MAX = 1_000_000  # commas in a text; DuckDB reads some 20,000 rows of VALUES a second
_FREE = 1000  # tokens: a statement of fewer cannot be beyond one of the bounds but that of lambdas
_PARTNERS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_PARTNERS.values())
_SET_OPERATIONS = frozenset({"UNION", "EXCEPT", "INTERSECT"})

Place = Callable[[int], Position]


def check_length(text: str) -> None:
    """Errors: TooComplex (54000) for a text that would be read for minutes."""
    if text.count(",") > ITEMS_MAX:
        raise TooComplex(
            f"the text has more than {ITEMS_MAX:,} items",
            hint="load rows by COPY, from a file or from a DataFrame",
            code="54000",
        )


def check_brackets(tokens: Sequence[Token], place: Place) -> None:
    """Every bracket needs its partner. DuckDB takes exponential time and memory to find out that one is missing.

    ``place``: the position of the token at an index. Errors: ParseError; TooComplex (54001).
    """
    opened: list[int] = []
    lambdas: list[int] = []  # how many brackets were open at those that the token is in
    for index, token in enumerate(tokens):
        word = token.word
        if word in _PARTNERS:
            opened.append(index)
            if len(opened) > DEPTH_MAX:
                raise _too_deep(f"{DEPTH_MAX} levels of brackets", place(index))
        elif word in _CLOSING:
            if word != (_PARTNERS[tokens[opened.pop()].word] if opened else ""):
                hint = "check the brackets before it"
                raise ParseError(f'syntax error at "{word}": it closes nothing', position=place(index), hint=hint)
            while lambdas and lambdas[-1] > len(opened):
                lambdas.pop()
        elif word == "LAMBDA":
            lambdas.append(len(opened))
            if len(lambdas) > LAMBDAS_MAX:
                raise _too_deep(f"{LAMBDAS_MAX} lambdas in each other", place(index))
    if opened:
        mark = tokens[opened[-1]].word
        raise ParseError(
            f"syntax error at end of statement: expected '{_PARTNERS[mark]}' for this '{mark}'",
            position=place(opened[-1]),
            hint="close the bracket",
        )


def check_chains(tokens: Sequence[Token], place: Place) -> None:
    """Long chains of ``a.b.c``, ``x[1][2]``, ``x::a::b`` and of set operations. Errors: TooComplex (54001)."""
    if len(tokens) <= _FREE:
        return
    links, last, operations, before = 0, 0, 0, ""
    for index, token in enumerate(tokens):
        word = token.word
        if word == "." or (word == "[" and before == "]") or word == before == ":":
            links = links + 1 if index - last <= 3 else 1
            last = index
            if links > CHAIN_MAX:
                raise _too_deep(f"{CHAIN_MAX} names, subscripts or casts behind each other", place(index))
        elif word in _SET_OPERATIONS:
            operations += 1
            if operations > SET_OPERATIONS_MAX:
                raise _too_deep(f"{SET_OPERATIONS_MAX} set operations", place(index))
        before = word


def _too_deep(what: str, position: Position) -> TooComplex:
    return TooComplex(
        f"the statement is too complex: more than {what}",
        position=position,
        hint="divide it, as by tables or views for its parts",
    )
