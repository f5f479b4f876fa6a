"""The one table of functions that DuckDB lacks, or has with another meaning: PostgreSQL's call → DuckDB's expression.

A call is looked up by its name and the number of its arguments; the body is DuckDB's SQL with the names of the
parameters. What is not in the table goes to DuckDB by its own name, and is an error there if nobody knows it.
Whatever these names mean in PostgreSQL and RisingWave is in their manuals' chapters on functions.
"""

from __future__ import annotations

import re
from functools import cache

from sqlglot import exp, parse_one

from mvengine.sql.dialects.marks import PREFIX, unmarked

_CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\(")
_X = "CAST(x AS DOUBLE)"

TABLE: dict[str, str] = {
    # -- numbers
    "sind(x)": f"CASE WHEN {_X} % 90 = 0 OR abs({_X}) % 180 IN (30, 150) THEN round(sin(radians({_X})), 1) "
    f"ELSE sin(radians({_X})) END",
    "cosd(x)": f"CASE WHEN {_X} % 90 = 0 OR abs({_X}) % 180 IN (60, 120) THEN round(cos(radians({_X})), 1) "
    f"ELSE cos(radians({_X})) END",
    "tand(x)": f"CASE WHEN {_X} % 180 = 0 OR abs({_X}) % 180 IN (45, 135) THEN round(tan(radians({_X})), 0) "
    f"WHEN {_X} % 360 IN (90, -270) THEN CAST('Infinity' AS DOUBLE) "
    f"WHEN {_X} % 360 IN (-90, 270) THEN CAST('-Infinity' AS DOUBLE) ELSE tan(radians({_X})) END",
    "cotd(x)": f"CASE WHEN abs({_X}) % 180 = 90 THEN 0.0 "
    f"WHEN abs({_X}) % 180 IN (45, 135) THEN round(1 / tan(radians({_X})), 0) "
    f"WHEN {_X} % 360 IN (0, -180) THEN CAST('Infinity' AS DOUBLE) "
    f"WHEN {_X} % 180 = 0 THEN CAST('-Infinity' AS DOUBLE) ELSE 1 / tan(radians({_X})) END",
    "asind(x)": f"CASE WHEN {_X} IN (-1, -0.5, 0, 0.5, 1) THEN round(degrees(asin({_X})), 0) "
    f"ELSE degrees(asin({_X})) END",
    "acosd(x)": f"CASE WHEN {_X} IN (-1, -0.5, 0, 0.5, 1) THEN round(degrees(acos({_X})), 0) "
    f"ELSE degrees(acos({_X})) END",
    "atand(x)": f"CASE WHEN {_X} IN (-1, 0, 1) THEN round(degrees(atan({_X})), 0) ELSE degrees(atan({_X})) END",
    "atan2d(y, x)": "CASE WHEN x = 0 OR y = 0 OR abs(x) = abs(y) THEN round(degrees(atan2(y, x)), 0) "
    "ELSE degrees(atan2(y, x)) END",
    "div(a, b)": "CAST(trunc(CAST(a AS DECIMAL(38, 10)) / b) AS DECIMAL(38, 0))",
    "ceiling(x)": "ceil(x)",
    "power(a, b)": "pow(a, b)",
    "dexp(x)": "exp(x)",
    "width_bucket(x, low, high, n)": "CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1 "
    "ELSE CAST(floor((x - low) * n / (high - low)) AS INTEGER) + 1 END",
    "scale(x)": "length(split_part(CAST(x AS VARCHAR), '.', 2))",
    "bitwise_xor(a, b)": "xor(a, b)",
    # -- strings
    "char_length(s)": "length(s)",
    "character_length(s)": "length(s)",
    "octet_length(s)": "strlen(CAST(s AS VARCHAR))",
    "bit_length(s)": "strlen(CAST(s AS VARCHAR)) * 8",
    "ascii(s)": "CASE WHEN s = '' THEN 0 ELSE unicode(s) END",
    "btrim(s)": "trim(s, ' ')",
    "btrim(s, c)": "trim(s, c)",
    "ltrim(s)": "ltrim(s, ' ')",
    "rtrim(s)": "rtrim(s, ' ')",
    "lpad(s, n)": "lpad(s, CAST(n AS INTEGER), ' ')",
    "rpad(s, n)": "rpad(s, CAST(n AS INTEGER), ' ')",
    "substr(s, p)": "substring(s, CASE WHEN p < 1 THEN 1 ELSE p END)",
    "substr(s, p, n)": "CASE WHEN p < 1 THEN substring(s, 1, CASE WHEN p + n < 1 THEN 0 ELSE p + n - 1 END) "
    "ELSE substring(s, p, n) END",
    "overlay(s, r, p)": "substring(s, 1, p - 1) || r || substring(s, CAST(p + length(r) AS BIGINT))",
    "overlay(s, r, p, n)": "substring(s, 1, p - 1) || r || substring(s, CAST(p + n AS BIGINT))",
    "strpos(s, part)": "instr(s, part)",
    "position(part, s)": "instr(s, part)",
    "initcap(s)": "list_aggregate(list_transform(regexp_extract_all(lower(s), '[a-z0-9]+|[^a-z0-9]+'), "
    "LAMBDA w : upper(w[1]) || w[2:]), 'string_agg', '')",
    "string_to_array(s, d)": "CASE WHEN s = '' THEN CAST([] AS VARCHAR[]) ELSE string_split(s, d) END",
    "string_to_array(s, d, n)": "list_transform(CASE WHEN s = '' THEN CAST([] AS VARCHAR[]) "
    "ELSE string_split(s, d) END, LAMBDA e : nullif(e, n))",
    "quote_literal(s)": "'''' || replace(CAST(s AS VARCHAR), '''', '''''') || ''''",
    "quote_ident(s)": "CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_]*') THEN s "
    "ELSE '\"' || replace(s, '\"', '\"\"') || '\"' END",
    "to_hex(n)": "lower(to_hex(n))",
    "sha256(b)": "unhex(sha256(b))",
    "sha1(b)": "unhex(sha1(b))",
    "convert_from(b, e)": "decode(b)",
    "convert_to(s, e)": "encode(s)",
    "regexp_count(s, p)": "len(regexp_extract_all(s, p))",
    "regexp_like(s, p)": "regexp_matches(s, p)",
    # -- arrays
    "array_length(a)": "len(a)",
    "array_length(a, d)": "nullif(len(a), 0)",
    "array_upper(a, d)": "nullif(len(a), 0)",
    "array_lower(a, d)": "CASE WHEN len(a) > 0 THEN 1 END",
    "cardinality(a)": "len(a)",
    "array_ndims(a)": "CASE WHEN len(a) > 0 THEN 1 END",
    "array_append(a, e)": "list_append(coalesce(a, []), e)",
    "array_prepend(e, a)": "list_prepend(e, coalesce(a, []))",
    "array_cat(a, b)": "list_concat(a, b)",
    "array_remove(a, e)": "list_filter(a, LAMBDA v : v IS DISTINCT FROM e)",
    "array_replace(a, e, r)": "list_transform(a, LAMBDA v : CASE WHEN v IS NOT DISTINCT FROM e THEN r ELSE v END)",
    "array_positions(a, e)": "list_filter(range(1, len(a) + 1), LAMBDA i : a[i] IS NOT DISTINCT FROM e)",
    "array_to_string(a, d)": "coalesce(list_aggregate(list_filter(list_transform(a, LAMBDA v : CAST(v AS VARCHAR)), "
    "LAMBDA v : v IS NOT NULL), 'string_agg', d), CASE WHEN a IS NOT NULL THEN '' END)",
    "array_to_string(a, d, n)": "coalesce(list_aggregate(list_transform(a, LAMBDA v : coalesce(CAST(v AS VARCHAR), "
    "n)), 'string_agg', d), CASE WHEN a IS NOT NULL THEN '' END)",
    "text_of_array(a)": "'{' || array_to_string(list_transform(list_transform(a, LAMBDA v : CAST(v AS VARCHAR)), "
    "LAMBDA v : CASE WHEN v IS NULL THEN 'NULL' WHEN v = '' OR lower(v) = 'null' OR "
    "regexp_matches(v, '[{},\"\\\\[:space:]]') THEN '\"' || regexp_replace(v, '([\"\\\\])', '\\\\\\1', 'g') || '\"' "
    "ELSE v END), ',') || '}'",
    "array_sort(a)": "list_sort(a, 'ASC', 'NULLS LAST')",
    "array_sum(a)": "list_sum(a)",
    "array_min(a)": "list_min(a)",
    "array_max(a)": "list_max(a)",
    "array_distinct(a)": "list_filter(a, LAMBDA v, i : list_position(a, v) = i)",
    "array_contains(a, b)": "list_has_all(a, b)",
    "array_contained(a, b)": "list_has_all(b, a)",
    "array_flatten(a)": "flatten(a)",
    "array_reverse(a)": "list_reverse(a)",
    "trim_array(a, n)": "CASE WHEN len(a) < n THEN a[1:0] ELSE a[1:len(a) - n] END",
    # -- jsonb
    "jsonb_typeof(j)": "CASE json_type(j) WHEN 'VARCHAR' THEN 'string' WHEN 'UBIGINT' THEN 'number' "
    "WHEN 'BIGINT' THEN 'number' WHEN 'DOUBLE' THEN 'number' WHEN 'HUGEINT' THEN 'number' "
    "ELSE lower(json_type(j)) END",
    "jsonb_array_length(j)": "json_array_length(j)",
    "jsonb_object_keys(j)": "unnest(json_keys(j))",
    "jsonb_array_elements(j)": "unnest(json_extract(j, '$[*]'))",
    "jsonb_array_elements_text(j)": "unnest(json_extract_string(j, '$[*]'))",
    "jsonb_build_array()": "json_array()",
    "to_jsonb(x)": "to_json(x)",
    "jsonb_pretty(j)": "json_pretty(j)",
    "jsonb_contains(a, b)": "json_contains(a, b)",
    "jsonb_contained(a, b)": "json_contains(b, a)",
    "jsonb_exists(j, k)": "list_contains(json_keys(j), k)",
    "jsonb_exists_any(j, k)": "list_has_any(json_keys(j), k)",
    "jsonb_exists_all(j, k)": "list_has_all(json_keys(j), k)",
    # -- dates and times
    "date_bin(step, moment, origin)": "time_bucket(step, moment, origin)",
    "clock_timestamp()": "now()",
    "statement_timestamp()": "now()",
    "proctime()": "now()",
    # -- aggregates
    "every(x)": "bool_and(x)",
    # -- others
    "pg_typeof(x)": "CASE WHEN typeof(x) LIKE 'TUPLE%' OR typeof(x) LIKE 'STRUCT%' THEN 'record' "
    "WHEN typeof(x) LIKE 'VARCHAR%' THEN replace(typeof(x), 'VARCHAR', 'character varying') "
    "WHEN typeof(x) LIKE 'DOUBLE%' THEN replace(typeof(x), 'DOUBLE', 'double precision') "
    "WHEN typeof(x) LIKE 'DECIMAL%' THEN 'numeric' || substring(typeof(x), instr(typeof(x), ')') + 1) "
    "WHEN typeof(x) LIKE 'FLOAT%' THEN replace(typeof(x), 'FLOAT', 'real') WHEN typeof(x) = 'JSON' THEN 'jsonb' "
    "WHEN typeof(x) = 'BLOB' THEN 'bytea' WHEN typeof(x) = '\"NULL\"' THEN 'unknown' ELSE pg_typeof(x) END",
    "num_nulls(a)": "CAST(a IS NULL AS INTEGER)",
}  # fmt: skip
"""``name(parameters)`` → body."""

RENAMED = {
    "json_typeof": "jsonb_typeof", "json_array_elements": "jsonb_array_elements", "to_json": "to_jsonb",
    "json_array_elements_text": "jsonb_array_elements_text", "json_object_keys": "jsonb_object_keys",
    "jsonb_build_object": "json_object", "json_build_object": "json_object", "json_build_array": "json_array",
    "jsonb_build_array": "json_array", "substring": "substr", "approx_percentile": "approx_quantile",
    "jsonb_object_agg": "json_group_object", "json_object_agg": "json_group_object",
}  # fmt: skip
"""Functions that are others by another name."""

REFUSED = {
    "pg_sleep": "wait outside of SQL",
    "pg_get_viewdef": "SHOW CREATE VIEW shows a view's query",
    "to_number": "cast the text to numeric",
    "jsonb_path_query": "use -> and ->>",
    "jsonb_populate_record": "use ->> and casts",
    "jsonb_to_record": "use ->> and casts",
    "jsonb_strip_nulls": "build the object without them",
    "jsonb_set": "build the object with jsonb_build_object()",
    "regexp_split_to_table": "use unnest(regexp_split_to_array(…))",
    "xmlagg": "use string_agg()",
    "hashtext": "use md5()",
}
"""Functions that cannot be translated, and what to do instead."""


@cache
def templates() -> dict[tuple[str, int], tuple[tuple[str, ...], exp.Expr]]:
    """By name and number of arguments: the parameters, and the body as a tree."""
    found = {}
    for call, body in TABLE.items():
        name, _, rest = call.partition("(")
        parameters = tuple(part.strip() for part in rest.rstrip(")").split(",") if part.strip())
        found[name, len(parameters)] = (parameters, _tree(body))
    return found


def expand(name: str, arguments: list[exp.Expr]) -> exp.Expr | None:
    """The body with the arguments in the places of the parameters; None where the table has no such call."""
    template = templates().get((name, len(arguments)))
    if template is None:
        return None
    parameters, body = template
    return _filled(body, dict(zip(parameters, arguments, strict=True)))


def substituted(body: str, given: dict[str, exp.Expr]) -> exp.Expr:
    """The expression that a text in DuckDB's SQL makes of the expressions that its names stand for."""
    return _filled(_tree(body), given)


def _tree(body: str) -> exp.Expr:
    tree = parse_one(_CALL.sub(rf"{PREFIX}\1(", body), dialect="duckdb")  # marked: nothing is taken for another
    for function in tree.find_all(exp.Anonymous):
        function.set("this", unmarked(function.name))
    return tree


def _filled(body: exp.Expr, given: dict[str, exp.Expr]) -> exp.Expr:
    tree: exp.Expr = exp.Paren(this=body.copy())
    for column in list(tree.find_all(exp.Column)):
        if not column.table and column.name in given:
            column.replace(_grouped(given[column.name]))
    result: exp.Expr = tree.this
    result.pop()
    return exp.Paren(this=result) if isinstance(result, exp.Binary) else result


def _grouped(argument: exp.Expr) -> exp.Expr:
    found = argument.copy()
    return exp.Paren(this=found) if isinstance(found, exp.Binary | exp.Unary | exp.Between | exp.In) else found
