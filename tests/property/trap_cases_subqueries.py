# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of subqueries in expressions and in FROM: three-valued logic, empty sides, correlation of every kind."""

from __future__ import annotations

from trap_case import case

_AB = (
    "CREATE TABLE a (id INT, g INT, v INT, list INT[]); CREATE TABLE b (id INT, k INT, w DOUBLE, s VARCHAR);"
    " INSERT INTO a SELECT i, nullif(i % 4, 3), i * 7 % 5, range(i % 3) FROM range(8) t(i);"
    " INSERT INTO b SELECT i, i % 3, i * 0.5, 'x' || i % 3 FROM range(7) t(i)"
)

_EPOCHS = (
    "INSERT INTO b VALUES (2, NULL, 2.5, 'x1'), (9, 3, NULL, NULL); UPDATE a SET g = 3 WHERE id = 1",  # NULL arrives
    "DELETE FROM b WHERE k = 1 OR k IS NULL; INSERT INTO a VALUES (NULL, 1, NULL, [NULL, 3]), (5, 2, 4, NULL)",  # leaves
    "DELETE FROM b; UPDATE a SET v = 9 - v, list = [7, 7] WHERE g = 2",  # nothing is left
    "INSERT INTO b SELECT i, i % 4, 4 - i, 'x2' FROM range(5) t(i); DELETE FROM a WHERE g IS NULL OR id > 3",
    "INSERT INTO a SELECT i, i % 2, i, [i] FROM range(4) t(i); UPDATE b SET k = 1, id = 1",  # duplicates on both sides
)


def _queries(prefix: str, *queries: str) -> dict[str, str]:
    return {f"{prefix}{i}": query for i, query in enumerate(queries, 1)}


SUBQUERIES = [
    case(
        "EXISTS as a condition, under OR, as a value, without an equality, over groups, in itself",
        _AB,
        _queries(
            "e",
            "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.g)",
            "SELECT a.id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.g AND b.w > a.v) AND a.v < 4",
            "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.g) OR a.v = 1",
            "SELECT a.id, EXISTS (SELECT 1 FROM b WHERE b.k = a.g AND b.w > a.v) AS h FROM a",
            "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.w > 2)",
            "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.w < a.v)",
            "SELECT a.id FROM a WHERE EXISTS (SELECT count(*) FROM b WHERE b.k = a.g HAVING count(*) > 1)",
            "SELECT a.id FROM a WHERE EXISTS (SELECT b.k, count(*) FROM b WHERE b.k = a.g GROUP BY b.k, b.s HAVING count(*) > 1)",
            "SELECT a.id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.w > 1 AND EXISTS (SELECT 1 FROM a c WHERE c.id = b.id AND c.g = a.g))",
            "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k IS NOT DISTINCT FROM a.g LIMIT 1)",
        ),
        *_EPOCHS,
    ),
    case(
        "IN and NOT IN, which differ from EXISTS by NULL, of one column and of two, correlated or not",
        _AB,
        _queries(
            "i",
            "SELECT a.id FROM a WHERE a.g IN (SELECT k FROM b WHERE w > 1)",
            "SELECT a.id FROM a WHERE a.g NOT IN (SELECT k FROM b WHERE w > 1)",
            "SELECT a.id FROM a WHERE a.g NOT IN (SELECT k FROM b WHERE b.id = a.v)",
            "SELECT a.id, a.g IN (SELECT k FROM b) AS m, a.g NOT IN (SELECT k FROM b) AS n FROM a",
            "SELECT a.id, a.v NOT IN (SELECT k FROM b WHERE b.id = a.g) AS m FROM a",
            "SELECT a.id FROM a WHERE (a.id, a.g) IN (SELECT id, k FROM b)",
            "SELECT a.id FROM a WHERE (a.id, a.g) NOT IN (SELECT id, k FROM b)",
            "SELECT a.id, (a.id, a.g) IN (SELECT id, k FROM b) AS m FROM a",
            "SELECT a.id FROM a WHERE a.g IN (SELECT max(k) FROM b WHERE b.id = a.id)",
            "SELECT a.id FROM a WHERE a.g IN (SELECT k FROM b UNION SELECT v FROM a)",
            "SELECT a.id FROM a WHERE NOT (a.g IN (SELECT k FROM b) OR a.v = 2)",
            "SELECT a.id FROM a WHERE a.g IN (SELECT DISTINCT k FROM b WHERE b.w < a.v)",
            "SELECT a.id FROM a WHERE a.id IN (SELECT id FROM b WHERE EXISTS (SELECT 1 FROM a c WHERE c.g = b.k AND c.v > a.v))",
        ),
        *_EPOCHS,
    ),
    case(
        "ANY and ALL over nothing, over NULL, correlated or not",
        _AB,
        _queries(
            "q",
            "SELECT a.id FROM a WHERE a.v > ALL (SELECT k FROM b)",
            "SELECT a.id FROM a WHERE a.v >= ANY (SELECT k FROM b WHERE b.id = a.g)",
            "SELECT a.id, a.v <> ALL (SELECT k FROM b) AS x, a.v = ANY (SELECT k FROM b) AS y FROM a",
            "SELECT a.id, a.v = ALL (SELECT k FROM b) AS z, a.v <> ANY (SELECT k FROM b) AS u FROM a",
            "SELECT a.id, a.v < ALL (SELECT w FROM b WHERE b.k = a.g) AS x FROM a",
        ),
        *_EPOCHS,
    ),
    case(
        "scalar subqueries with aggregates: a count of nothing is 0, HAVING takes the row away, types decide what is equal",
        _AB,
        _queries(
            "s",
            "SELECT a.id FROM a WHERE a.v > (SELECT avg(k) FROM b)",
            "SELECT a.id FROM a WHERE a.v < (SELECT sum(w) FROM b WHERE b.k = a.g)",
            "SELECT a.id, (SELECT count(*) FROM b WHERE b.k = a.g) AS n FROM a",
            "SELECT a.id, (SELECT coalesce(sum(w), -1) + a.v FROM b WHERE b.k = a.g) AS n FROM a",
            "SELECT a.id, (SELECT max(w) FROM b WHERE b.k < a.g) AS n FROM a",
            "SELECT a.id, (SELECT max(w) FROM b) AS n, (SELECT count(*) FROM b) AS m FROM a",
            "SELECT a.id, a.v + (SELECT sum(w) FROM b WHERE b.k = a.g HAVING count(*) > 1) AS n FROM a",
            "SELECT a.id, (SELECT max(w) FROM b WHERE b.s = 'x' || a.g) AS n FROM a",
            "SELECT a.id, (SELECT max(w) FROM b WHERE CAST(b.k AS DOUBLE) = a.g) AS n FROM a",
            "SELECT a.id, (SELECT sum(b.w * a.v) FROM b WHERE b.k = a.g) AS n FROM a",
            "SELECT a.id, (SELECT count(DISTINCT s) FROM b WHERE b.k = a.g) AS n FROM a",
            "SELECT a.id FROM a WHERE a.v BETWEEN (SELECT min(k) FROM b) AND (SELECT max(k) FROM b WHERE b.id = a.id)",
        ),
        *_EPOCHS,
    ),
    case(
        "scalar subqueries over limits, set operations, windows and subqueries, two levels deep",
        _AB,
        _queries(
            "d",
            "SELECT a.id, (SELECT w FROM b WHERE b.k = a.g ORDER BY w DESC, id LIMIT 1) AS n FROM a",
            "SELECT a.id, (SELECT sum(x) FROM (SELECT b.w + a.v AS x FROM b WHERE b.k = a.g) q) AS n FROM a",
            "SELECT a.id, (SELECT count(*) FROM (SELECT k FROM b WHERE b.w < a.v UNION SELECT v FROM a c WHERE c.g = a.g) q) AS n FROM a",
            "SELECT a.id, (SELECT max(k) FROM (SELECT k FROM b WHERE b.w < a.v UNION ALL SELECT count(*) FROM a c WHERE c.g = a.g) q) AS n FROM a",
            "SELECT a.id, (SELECT max(rn) FROM (SELECT row_number() OVER (PARTITION BY s ORDER BY w, id) AS rn FROM b WHERE b.k = a.g) q) AS n FROM a",
            "SELECT a.id, (SELECT list(q.w ORDER BY q.w) FROM (SELECT w FROM b WHERE b.k = a.g ORDER BY w, id LIMIT 2) q) AS first FROM a",
            "WITH c AS (SELECT k, count(*) AS n FROM b GROUP BY k) SELECT a.id FROM a WHERE a.v > (SELECT n FROM c WHERE c.k = a.g)",
            "SELECT id FROM a WHERE v = (SELECT max(v) FROM a WHERE g = (SELECT min(k) FROM b WHERE b.id = a.id))",
            "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.g AND b.w > (SELECT avg(w) FROM b c WHERE c.k = b.k AND c.id <> a.id))",
            "SELECT a.id, (SELECT count(*) FROM b WHERE b.k IN (SELECT g FROM a c WHERE c.v = a.v)) AS n FROM a",
            "SELECT a.id, (SELECT count(*) FROM b WHERE b.k = a.g) AS n FROM a ORDER BY n, a.id, a.g, a.v LIMIT 3",
            "SELECT a.id, (SELECT max(v.y) FROM b LEFT JOIN (VALUES (0, 'p'), (1, 'q')) v(x, y) ON b.k = v.x WHERE b.id = a.g) AS m FROM a",
            "SELECT a.id, array(SELECT w FROM b WHERE k = g AND w IS NOT NULL ORDER BY w) AS n FROM a",
        ),
        *_EPOCHS,
    ),
    case(
        "subqueries in HAVING, ON, CASE, GROUP BY, aggregates, windows and QUALIFY",
        _AB,
        _queries(
            "p",
            "SELECT a.g, sum(a.v) AS s FROM a GROUP BY a.g HAVING sum(a.v) > (SELECT avg(w) FROM b)",
            "SELECT a.g, count(*) AS n, (SELECT count(*) FROM b WHERE b.k = a.g) AS m FROM a GROUP BY a.g",
            "SELECT sum((SELECT count(*) FROM b WHERE b.k = a.g)) AS n FROM a",
            "SELECT a.id, CASE WHEN a.v > 2 THEN (SELECT max(w) FROM b WHERE b.k = a.g AND b.id <> a.id) ELSE 0 END AS n FROM a",
            "SELECT a.id, b.id AS other FROM a JOIN b ON a.g = b.k AND b.w > (SELECT avg(w) FROM b c WHERE c.k = a.v)",
            "SELECT a.id, b.id AS other FROM a LEFT JOIN b ON a.g = b.k AND EXISTS (SELECT 1 FROM a c WHERE c.id = b.id)",
            "SELECT (SELECT max(s) FROM b WHERE b.k = a.g) AS m, count(*) AS n FROM a GROUP BY m",
            "SELECT a.id, rank() OVER (PARTITION BY (SELECT count(*) FROM b WHERE b.k = a.g) ORDER BY a.id) AS n FROM a",
            "SELECT a.id FROM a QUALIFY rank() OVER (PARTITION BY a.g ORDER BY a.id) = (SELECT count(*) FROM b WHERE b.k = 1)",
            "SELECT DISTINCT a.g FROM a WHERE (SELECT count(*) FROM b WHERE b.k = a.g) > 1 OR a.v IN (SELECT k FROM b WHERE b.id = a.id)",
        ),
        *_EPOCHS,
    ),
    case(
        "LATERAL: rows, groups, a limit, a left join that pads, one after the other",
        _AB,
        _queries(
            "l",
            "SELECT a.id, q.m FROM a, LATERAL (SELECT max(w) AS m FROM b WHERE b.k = a.g) q",
            "SELECT a.id, q.w, q.z FROM a, LATERAL (SELECT w, a.v AS z FROM b WHERE b.k = a.g AND b.w > a.v) q",
            "SELECT a.id, q.w, q.n FROM a LEFT JOIN LATERAL (SELECT w, s, count(*) AS n FROM b WHERE b.k = a.g GROUP BY w, s) q ON true",
            "SELECT a.id, q.w FROM a LEFT JOIN LATERAL (SELECT w FROM b WHERE b.k = a.g ORDER BY w, id, s LIMIT 2) q ON q.w > a.v",
            "SELECT a.id, q.x FROM a LEFT JOIN LATERAL (SELECT count(*) AS x FROM b WHERE b.k = a.g) q ON q.x > 1",
            "SELECT a.id, q.i, r.x FROM a, LATERAL (SELECT b.id AS i, b.k FROM b WHERE b.k = a.g) q, LATERAL (SELECT c.v AS x FROM a c WHERE c.g = q.k AND c.id < a.id) r",
            "SELECT a.id, b.id AS other, q.n FROM a JOIN b ON a.g = b.k, LATERAL (SELECT count(*) AS n FROM b c WHERE c.k = a.v) q",
            "SELECT q.n, q.m FROM a, (SELECT a.id + 1 AS n, a.g AS m) q WHERE q.n > 2",
            "SELECT a.id, q.k FROM a JOIN LATERAL (SELECT DISTINCT k FROM b WHERE b.w < a.v) q ON q.k > a.g",
        ),
        *_EPOCHS,
    ),
    case(
        "lists, VALUES, ranges and queries without a table; names of columns given in FROM",
        _AB,
        _queries(
            "u",
            "SELECT a.id, u.x FROM a, unnest(a.list) AS u(x)",
            "SELECT a.id, u.x FROM a LEFT JOIN unnest(a.list) AS u(x) ON true",
            "SELECT id, unnest(list) AS x, unnest([1, 2]) AS y FROM a",
            "SELECT id, unnest FROM a, unnest(list) WHERE unnest > 1",
            "SELECT a.id, (SELECT sum(x) FROM unnest(a.list) u(x)) AS s FROM a",
            "SELECT a.id FROM a WHERE EXISTS (SELECT 1 FROM unnest(a.list) u(x) JOIN b ON b.id = u.x)",
            "SELECT u.x, u.o, a.id FROM a, unnest(a.list) WITH ORDINALITY AS u(x, o)",
            "SELECT a.id, r.x, b.w FROM a, range(a.g) r(x) JOIN b ON b.k = r.x",
            "SELECT r.range, count(a.id) AS n FROM range(4) r LEFT JOIN a ON a.g = r.range GROUP BY r.range",
            "SELECT v.x, v.y, a.id FROM (VALUES (1, 'p'), (2, 'q')) v(x, y) JOIN a ON a.g = v.x",
            "SELECT 1 AS one, 'x' AS two",
            "SELECT p, q FROM a AS x(p, q)",
            "SELECT j.id, j.w FROM (a JOIN b USING (id)) j",
            "WITH c(i) AS MATERIALIZED (SELECT id FROM a) SELECT x.i FROM (SELECT i FROM c) x(i) WHERE x.i IN (VALUES (1), (2))",
        ),
        *_EPOCHS,
    ),
    case(
        "conditions that are compared with those of a subquery",
        _AB,
        _queries(
            "c",
            "SELECT a.id, (a.v > 1) = ANY (SELECT w > 2 FROM b WHERE b.k = a.g) AS x FROM a",
            "SELECT a.id, a.v > 1 = ANY (SELECT w > 2 FROM b) AS x, ~(a.v + 1) AS y FROM a",
            "SELECT ~v + 1 AS x, ~v AS y, v FROM a GROUP BY v, ~v",
            "SELECT a.id FROM a WHERE (a.v > 1 OR a.g = 1) NOT IN (SELECT w > 2 FROM b)",
            "SELECT a.id, (a.v > 1 OR a.g = 1) IN (SELECT w > 2 FROM b) AS x FROM a",
            "SELECT a.id, (a.v > 1, a.g) IN (SELECT w > 2, k FROM b) AS x FROM a",
            "SELECT a.id, b.id AS other FROM a LEFT JOIN b ON (a.v > 1) = (b.w > 2)",
        ),
        *_EPOCHS,
        full="c2 c3",
    ),
    case(
        "EXISTS over the one row of an aggregation that reads no column",
        _AB,
        _queries(
            "e",
            "SELECT a.id, EXISTS (SELECT max(1) FROM b) AS x FROM a",
            "SELECT a.id FROM a WHERE EXISTS (SELECT arg_min(1, 1) FROM b WHERE b.k = a.g)",
            "SELECT a.id, EXISTS (SELECT max(1) FROM b HAVING true) AS x FROM a",
            "SELECT a.id, EXISTS (SELECT max(1) FROM b WHERE b.k = a.g HAVING NULL) AS x FROM a",
            "SELECT a.id, EXISTS (SELECT 1 FROM b WHERE b.k = a.g HAVING count(*) > 1) AS x FROM a",
            "SELECT a.id FROM a WHERE NOT EXISTS (SELECT max(1) FROM b HAVING a.g > 0)",
        ),
        *_EPOCHS,
    ),
]
