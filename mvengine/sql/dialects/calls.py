"""Calls whose translation needs more than a template: their arguments are looked at, or what stands around them."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from mvengine.errors import BindError, NotSupportedError
from mvengine.sql.dialects.formats import printed_formats, read_format
from mvengine.sql.dialects.functions import REFUSED, RENAMED, expand, substituted
from mvengine.sql.dialects.marks import unmarked
from mvengine.sql.dialects.patterns import group_count, native_regex

Rewrite = Callable[[list[exp.Expr]], exp.Expr | None]


def rewrite_call(node: exp.Anonymous) -> exp.Expr:
    """The call in DuckDB's terms. Errors: NotSupportedError, naming the function."""
    name = unmarked(node.name).lower()
    if name in REFUSED:
        raise NotSupportedError(f"the function {name}()", hint=REFUSED[name])
    arguments = list(node.expressions)
    if name in _ARITIES and not _ARITIES[name][0] <= len(arguments) <= _ARITIES[name][1]:
        raise BindError(f"the function {name}() with {len(arguments)} arguments", hint="see its manual", code="42883")
    special = _SPECIAL.get(name)
    if special is not None and any(isinstance(argument.unnest(), exp.Null) for argument in arguments):
        return call("unnest", exp.Null()) if name == "regexp_matches" else exp.Null()
    special = special or _LENIENT.get(name)
    found = special(arguments) if special is not None else None
    if found is None:
        name = RENAMED.get(name, name)
        found = expand(name, arguments)
    return found if found is not None else call(name, *arguments)


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call that is printed as it is."""
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def text_of(node: exp.Expr) -> str | None:
    """The value of a string that is written out."""
    node = node.unnest()
    if isinstance(node, exp.Cast):
        node = node.this
    return str(node.this) if isinstance(node, exp.Literal | exp.ByteString) and node.is_string else None


def _required(node: exp.Expr, what: str) -> str:
    text = text_of(node)
    if text is None:
        raise NotSupportedError(f"{what} that is not written out as a string", hint="write the string itself")
    return text


def _to_char(arguments: list[exp.Expr]) -> exp.Expr | None:
    value, pattern = arguments
    inner = value.unnest()
    if isinstance(inner, exp.Interval) or (isinstance(inner, exp.Cast) and inner.to.this == exp.DType.INTERVAL):
        raise NotSupportedError("to_char() of an interval", hint="use extract()")
    text = _required(pattern, "a pattern of to_char()")
    if re.search(r"[09]", text) and not re.search(r"[A-Za-z]{2}", text):
        raise NotSupportedError("to_char() of a number", hint="use round() and a cast to varchar")
    parts = [
        substituted(change or "s", {"s": call("strftime", value, exp.Literal.string(form))})
        for form, change in printed_formats(text)
    ]
    return parts[0] if len(parts) == 1 else exp.Paren(this=exp.func("concat", *parts)) if parts else None


def _to_date(arguments: list[exp.Expr]) -> exp.Expr | None:
    text, pattern = arguments
    form = read_format(_required(pattern, "a pattern of to_date()"))
    return exp.cast(call("strptime", text, exp.Literal.string(form)), "DATE")


def _to_timestamp(arguments: list[exp.Expr]) -> exp.Expr | None:
    if len(arguments) == 1:
        return None
    form = read_format(_required(arguments[1], "a pattern of to_timestamp()"))
    return exp.cast(call("strptime", arguments[0], exp.Literal.string(form)), "TIMESTAMPTZ")


def _date_part(arguments: list[exp.Expr]) -> exp.Expr | None:
    return part_of(_required(arguments[0], "a field of date_part()").lower(), arguments[1])


def part_of(field: str, value: exp.Expr) -> exp.Expr:
    """``extract(field from value)``. Seconds have a fraction in PostgreSQL; DuckDB's are whole."""
    divisor = {"second": 1e6, "seconds": 1e6, "milliseconds": 1e3, "millisecond": 1e3}.get(field)
    if divisor is None:
        return call("date_part", exp.Literal.string(field), value)
    micros = call("date_part", exp.Literal.string("microseconds"), value)
    return exp.Paren(this=exp.IntDiv(this=exp.cast(micros, "DOUBLE"), expression=exp.Literal.number(f"{divisor:.0f}")))


def _regexp_match(arguments: list[exp.Expr]) -> exp.Expr | None:
    """The groups of the first match, or the match itself where the pattern has no groups; NULL without a match."""
    value, pattern = arguments[:2]
    flags = _required(arguments[2], "a flag of regexp_match()") if len(arguments) > 2 else ""
    regex, options = native_regex(_required(pattern, "a pattern of regexp_match()"), flags.replace("g", ""))
    form, option = exp.Literal.string(regex), exp.Literal.string(options)
    groups = group_count(regex)
    indexes = range(1, groups + 1) if groups else (0,)
    found = [call("regexp_extract", value, form, exp.Literal.number(index), option) for index in indexes]
    case = exp.Case().when(call("regexp_matches", value, form, option), exp.Array(expressions=found))
    return exp.Paren(this=case)


def _regexp_matches(arguments: list[exp.Expr]) -> exp.Expr | None:
    flags = _required(arguments[2], "a flag of regexp_matches()") if len(arguments) > 2 else ""
    regex, options = native_regex(_required(arguments[1], "a pattern of regexp_matches()"), flags.replace("g", ""))
    groups = group_count(regex)
    if "g" not in flags:
        first = _regexp_match(arguments) or exp.Null()
        return substituted("unnest(list_filter([found], LAMBDA m : m IS NOT NULL))", {"found": first})
    form, option = exp.Literal.string(regex), exp.Literal.string(options)
    given = {"s": arguments[0], "p": form, "o": option}
    if groups < 2:
        return substituted(f"unnest(list_transform(regexp_extract_all(s, p, {groups}, o), LAMBDA m : [m]))", given)
    parts = ", ".join(f"regexp_extract_all(s, p, {index}, o)[i]" for index in range(1, groups + 1))
    return substituted(f"unnest(list_transform(regexp_extract_all(s, p, 0, o), LAMBDA m, i : [{parts}]))", given)


def _regexp_replace(arguments: list[exp.Expr]) -> exp.Expr | None:
    if len(arguments) > 4:
        raise NotSupportedError("regexp_replace() with a start or a count", hint="cut the text with substr() first")
    flags = _required(arguments[3], "a flag of regexp_replace()") if len(arguments) > 3 else ""
    regex, options = native_regex(_required(arguments[1], "a pattern of regexp_replace()"), flags)
    replacement = text_of(arguments[2])
    into = exp.Literal.string(replacement.replace("\\&", "\\0")) if replacement is not None else arguments[2]
    return call("regexp_replace", arguments[0], exp.Literal.string(regex), into, exp.Literal.string(options))


def _encode(arguments: list[exp.Expr]) -> exp.Expr | None:
    match _required(arguments[1], "an encoding of encode()").lower():
        case "hex":
            return call("lower", call("hex", arguments[0]))
        case "base64":
            return call("to_base64", arguments[0])
    raise NotSupportedError("encode() with 'escape'", hint="use 'hex' or 'base64'")


def _decode(arguments: list[exp.Expr]) -> exp.Expr | None:
    match _required(arguments[1], "an encoding of decode()").lower():
        case "hex":
            return call("unhex", arguments[0])
        case "base64":
            return call("from_base64", arguments[0])
    raise NotSupportedError("decode() with 'escape'", hint="use 'hex' or 'base64'")


def _format(arguments: list[exp.Expr]) -> exp.Expr | None:
    """``format('%s-%s', a, b)  =>  concat('', a, '-', b)``."""
    parts, rest = list[exp.Expr](), arguments[1:]
    for piece in re.split(r"(%%|%[^%]?)", _required(arguments[0], "a template of format()")):
        if piece == "%s" and rest:
            parts.append(_printed(rest.pop(0)))
        elif piece.startswith("%") and piece != "%%":
            raise NotSupportedError(f"{piece} in format()", hint="use %s, quote_ident() and quote_literal()")
        elif piece:
            parts.append(exp.Literal.string(piece.replace("%%", "%")))
    return call("concat", exp.Literal.string(""), *parts)


def _concat(arguments: list[exp.Expr]) -> exp.Expr | None:
    return call("concat", *map(_printed, arguments))


def _concat_ws(arguments: list[exp.Expr]) -> exp.Expr | None:
    return call("concat_ws", *map(_printed, arguments))


def _printed(argument: exp.Expr) -> exp.Expr:
    """A boolean is printed as ``t`` or ``f``, where it shows by its form that it is one."""
    inner = argument.unnest()
    is_boolean = isinstance(inner, exp.Boolean | exp.Predicate | exp.Connector | exp.Not) or (
        isinstance(inner, exp.Cast) and inner.to.this == exp.DType.BOOLEAN
    )
    if not is_boolean:
        return argument
    return (
        exp.Case()
        .when(inner.copy(), exp.Literal.string("t"))
        .when(exp.Not(this=exp.Paren(this=inner.copy())), exp.Literal.string("f"))
    )


def _substr(arguments: list[exp.Expr]) -> exp.Expr | None:
    if len(arguments) > 1 and text_of(arguments[1]) is not None:
        return matched_part(arguments[0], arguments[1])
    first = arguments[1] if len(arguments) > 1 else None
    if isinstance(first, exp.Literal) and int(first.name) >= 1:
        return call("substring", *arguments)
    return None


def matched_part(value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    """``substring(value from 'pattern')``: the first group, or the whole match; NULL without a match."""
    regex, options = native_regex(_required(pattern, "a pattern of substring()"), "")
    index, form = exp.Literal.number(min(group_count(regex), 1)), exp.Literal.string(regex)
    option = exp.Literal.string(options)
    extract = call("regexp_extract", value, form, index, option)
    return exp.Paren(this=exp.Case().when(call("regexp_matches", value, form, option), extract))


def _round(arguments: list[exp.Expr]) -> exp.Expr | None:
    """A double is rounded to the even neighbour, a numeric away from zero."""
    first = arguments[0].unnest()
    is_double = isinstance(first, exp.Cast) and first.to.this in (exp.DType.DOUBLE, exp.DType.FLOAT)
    if is_double and len(arguments) == 1:
        return call("round_even", arguments[0], exp.Literal.number(0))
    return None


def _pg_typeof(arguments: list[exp.Expr]) -> exp.Expr | None:
    """A string that stands alone has no type yet."""
    inner = arguments[0].unnest()
    is_open = (isinstance(inner, exp.Literal) and inner.is_string) or isinstance(inner, exp.Null)
    return exp.Literal.string("unknown") if is_open else None


_SPECIAL: dict[str, Rewrite] = {
    "to_char": _to_char,
    "to_date": _to_date,
    "to_timestamp": _to_timestamp,
    "date_part": _date_part,
    "regexp_match": _regexp_match,
    "regexp_matches": _regexp_matches,
    "regexp_replace": _regexp_replace,
    "encode": _encode,
    "decode": _decode,
    "substr": _substr,
    "substring": _substr,
    "round": _round,
}
"""Functions that are NULL where an argument is."""

_LENIENT: dict[str, Rewrite] = {"pg_typeof": _pg_typeof, "format": _format, "concat": _concat, "concat_ws": _concat_ws}

_ARITIES = {
    "to_char": (2, 2), "to_date": (2, 2), "to_timestamp": (1, 2), "date_part": (2, 2), "regexp_match": (2, 3),
    "regexp_matches": (2, 3), "regexp_replace": (3, 6), "encode": (2, 2), "decode": (2, 2), "substr": (2, 3),
    "substring": (2, 3), "round": (1, 2), "pg_typeof": (1, 1), "format": (1, 1000), "concat": (1, 1000),
    "concat_ws": (2, 1000),
}  # fmt: skip
"""How many arguments the functions above take."""
