"""``CREATE FUNCTION`` with PostgreSQL's clauses → the macro that DuckDB makes of it.

    CREATE FUNCTION add(a INT, b INT) RETURNS INT LANGUAGE SQL AS $$ SELECT a + b $$
    =>  CREATE MACRO add(a INT, b INT) AS CAST((a + b) AS INT)

    CREATE FUNCTION up_to(n INT) RETURNS TABLE (i INT) LANGUAGE SQL AS $$ SELECT range FROM range(n) $$
    =>  CREATE MACRO up_to(n INT) AS TABLE SELECT CAST(i AS INT) AS i FROM (SELECT range FROM range(n)) AS rows(i)

DuckDB's own form, ``CREATE FUNCTION f(x) AS x + 1``, is left to it.
"""

from __future__ import annotations

from mvengine.errors import NotSupportedError, ParseError
from mvengine.schema import quote
from mvengine.sql.names import read_name
from mvengine.sql.split import Piece, split
from mvengine.sql.statements import CreateFunction, DdlAction, NativeDdl, RelationRef
from mvengine.sql.tokens import end_of_group, identifier, names_in, string_value, top_level, word_at

_IGNORED: tuple[tuple[str, ...], ...] = (  # what says nothing about the result
    *(("IMMUTABLE",), ("STABLE",), ("VOLATILE",), ("LEAKPROOF",), ("NOT", "LEAKPROOF"), ("WINDOW",)),
    *(("CALLED", "ON", "NULL", "INPUT"), ("PARALLEL", "SAFE"), ("PARALLEL", "UNSAFE"), ("PARALLEL", "RESTRICTED")),
)
_STRICT: tuple[tuple[str, ...], ...] = (("STRICT",), ("RETURNS", "NULL", "ON", "NULL", "INPUT"))
_HINT = "CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE SQL AS $$ SELECT a + 1 $$"


def read_function(piece: Piece) -> CreateFunction | None:
    """The statement; None where it is another one, or DuckDB's own form. Errors: ParseError, NotSupportedError."""
    index, words = 1, set[str]()
    while word_at(piece.tokens, index) in ("OR", "REPLACE", "TEMP", "TEMPORARY"):
        words.add(word_at(piece.tokens, index))
        index += 1
    if word_at(piece.tokens, 0) != "CREATE" or word_at(piece.tokens, index) not in ("FUNCTION", "MACRO"):
        return None
    if_not_exists = word_at(piece.tokens, index + 1) == "IF"
    name, after = read_name(piece, index + (4 if if_not_exists else 1))
    if name is None or word_at(piece.tokens, after) != "(":
        return None
    end = end_of_group(piece.tokens, after)
    if word_at(piece.tokens, end) == "AS" and (end + 1 >= len(piece.tokens) or piece.tokens[end + 1].kind != "string"):
        return None
    clauses = _Clauses(piece, end)
    names, listed = _parameters(piece, after, end)
    modifiers = "".join(f" {word}" for word in ("OR", "REPLACE", "TEMP", "TEMPORARY") if word in words)
    exists = " IF NOT EXISTS" if if_not_exists else ""
    head = f"CREATE{modifiers} MACRO{exists} {piece.span(after - _length(name), after)}({listed})"
    return CreateFunction(
        native=NativeDdl(
            kind="CREATE",
            text=f"{head} AS {clauses.macro(names)}",
            action=DdlAction.REPLACE if "REPLACE" in words else DdlAction.CREATE,
            object_kind="FUNCTION",
            targets=(name,),
            is_temporary=bool(words & {"TEMP", "TEMPORARY"}),
            names=names_in(piece.tokens),
        )
    )


def _length(name: RelationRef) -> int:
    """Tokens of a name, dots included."""
    parts = sum(part is not None for part in (name.catalog, name.schema, name.name))
    return 2 * parts - 1


def _parameters(piece: Piece, index: int, end: int) -> tuple[tuple[str, ...], str]:
    """The names of the parameters (those without are called p1, p2, …), and the list for the macro."""
    tokens, names, texts = piece.tokens, list[str](), list[str]()
    inside = range(index + 1, end - 1)
    commas = [index + 1 + i for i in top_level(tokens[index + 1 : end - 1]) if word_at(tokens, index + 1 + i) == ","]
    for first, after in zip([index + 1, *(c + 1 for c in commas)], [*commas, end - 1], strict=True):
        if first not in inside:
            continue
        first += word_at(tokens, first) == "IN"
        default = next((i for i in range(first, after) if word_at(tokens, i) in ("DEFAULT", "=", ":")), after)
        has_name = default - first > 1 and tokens[first + 1].kind in ("word", "quoted") and not _is_type(piece, first)
        names.append(identifier(tokens[first]) if has_name else f"p{len(names) + 1}")
        type_ = piece.span(first + has_name, default)
        behind = default + (2 if word_at(tokens, default) == ":" else 1)
        value = f" := {piece.span(behind, after)}" if default < after else ""
        texts.append(f"{quote(names[-1])} {type_}{value}")
    return tuple(names), ", ".join(texts)


def _is_type(piece: Piece, index: int) -> bool:
    """Whether two words are one type: DOUBLE PRECISION, CHARACTER VARYING, TIMESTAMP WITH …"""
    words = (word_at(piece.tokens, index), word_at(piece.tokens, index + 1))
    return words in (("DOUBLE", "PRECISION"), ("CHARACTER", "VARYING")) or (
        words[0] in ("TIMESTAMP", "TIME") and words[1] in ("WITH", "WITHOUT")
    )


class _Clauses:
    """What stands behind the parameters."""

    def __init__(self, piece: Piece, index: int) -> None:
        self.piece = piece
        self.returns = ""  # the type
        self.columns: tuple[tuple[str, str], ...] = ()  # of RETURNS TABLE: names and types
        self.is_set = False
        self.is_strict = False
        self.body = ""
        self.is_expression = False  # RETURN expression
        while index < len(piece.tokens):
            index = self._clause(index)
        if not self.body:
            raise ParseError("a function without a body", position=piece.position(len(piece.tokens)), hint=_HINT)

    def _clause(self, index: int) -> int:
        tokens = self.piece.tokens
        for words in (*_STRICT, *_IGNORED):
            if tuple(word_at(tokens, index + i) for i in range(len(words))) == words:
                self.is_strict = self.is_strict or words in _STRICT
                return index + len(words)
        match word_at(tokens, index):
            case "RETURNS":
                return self._read_returns(index + 1)
            case "LANGUAGE":
                self._require_sql(index + 1)
                return index + 2
            case "COST" | "ROWS":
                return index + 2
            case "AS" if index + 1 < len(tokens) and tokens[index + 1].kind == "string":
                self.body = string_value(tokens[index + 1]).strip().rstrip(";").strip()
                return index + 2
            case "RETURN":
                self.body, self.is_expression = self.piece.span(index + 1, len(tokens)), True
                return len(tokens)
        raise ParseError(f'syntax error at "{tokens[index].text}"', position=self.piece.position(index), hint=_HINT)

    def _require_sql(self, index: int) -> None:
        token = self.piece.tokens[index] if index < len(self.piece.tokens) else None
        language = identifier(token) if token is not None else ""
        if language.upper() != "SQL":
            raise NotSupportedError(
                f"a function in LANGUAGE {language}",
                position=self.piece.position(index),
                hint="write its body in SQL: LANGUAGE SQL AS $$ SELECT … $$",
            )

    def _read_returns(self, index: int) -> int:
        piece, tokens = self.piece, self.piece.tokens
        if word_at(tokens, index) == "TABLE" and word_at(tokens, index + 1) == "(":
            end = end_of_group(tokens, index + 1)
            inner = piece.tail(index + 2)
            inner = Piece(source=piece.source, tokens=inner.tokens[: end - index - 3])
            ends = [i for i in top_level(inner.tokens) if word_at(inner.tokens, i) == ","]
            spans = zip([0, *(i + 1 for i in ends)], [*ends, len(inner.tokens)], strict=True)
            self.columns = tuple((identifier(inner.tokens[a]), inner.span(a + 1, b)) for a, b in spans)
            return end
        self.is_set = word_at(tokens, index) == "SETOF"
        index += self.is_set
        end = index + 1
        while end < len(tokens) and (word_at(tokens, end) in _OF_TYPE or tokens[end].kind == "number"):
            end = end_of_group(tokens, end) if word_at(tokens, end) in ("(", "[") else end + 1
        self.returns = piece.span(index, end)
        return end

    def macro(self, names: tuple[str, ...]) -> str:
        """What stands behind AS in CREATE MACRO."""
        body = _with_names(self.body, names)
        if self.columns:
            outputs = ", ".join(f"CAST({quote(name)} AS {type_}) AS {quote(name)}" for name, type_ in self.columns)
            listed = ", ".join(quote(name) for name, _ in self.columns)
            return f"TABLE SELECT {outputs} FROM ({body}) AS rows({listed})"
        if self.is_set:
            return f"TABLE SELECT CAST(value AS {self.returns}) AS value FROM ({body}) AS rows(value)"
        value = body if self.is_expression else _expression(body)
        typed = f"CAST(({value}) AS {self.returns})" if self.returns else f"({value})"
        if self.is_strict and names:
            nulls = " OR ".join(f"{quote(name)} IS NULL" for name in names)
            return f"CASE WHEN {nulls} THEN NULL ELSE {typed} END"
        return typed


_OF_TYPE = frozenset({"(", "[", "PRECISION", "VARYING", "WITH", "WITHOUT", "TIME", "ZONE", "."})


def _expression(body: str) -> str:
    """``SELECT a + b`` without its SELECT; a query with more clauses stays one, as a scalar subquery."""
    pieces = split(body)
    if len(pieces) != 1:
        raise NotSupportedError(
            f"a function of {len(pieces)} statements", hint="its body is one SELECT; write it as one query"
        )
    piece = pieces[0]
    words = {word_at(piece.tokens, index) for index in top_level(piece.tokens)}
    if word_at(piece.tokens, 0) == "SELECT" and not words & _CLAUSES and "," not in words:
        after = next((i for i in top_level(piece.tokens) if word_at(piece.tokens, i) == "AS"), len(piece.tokens))
        return piece.span(1, after)
    return body


_CLAUSES = frozenset(
    {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "DISTINCT", "ALL", "WINDOW"}
)


def _with_names(body: str, names: tuple[str, ...]) -> str:
    """``$1`` as the first parameter's name, and so on."""
    pieces = split(body)
    tokens = [token for piece in pieces for token in piece.tokens if token.kind == "parameter"]
    for token in reversed(tokens):
        place = token.text[1:]
        if place.isdigit() and 0 < int(place) <= len(names):
            body = f"{body[: token.start]}{quote(names[int(place) - 1])}{body[token.end :]}"
    return body
