"""Each mistake has PostgreSQL's code for it, the place where it is known, and a hint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mvengine
from mvengine.errors import Error

SETUP = """
CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, x INTEGER CHECK (x > 0), d DATE, u VARCHAR UNIQUE,
                s STRUCT(a INTEGER));
CREATE TABLE child (id INTEGER REFERENCES t (id));
CREATE TABLE o (a INTEGER, b INTEGER);
CREATE VIEW pv AS SELECT a FROM o;
CREATE SEQUENCE sq;
CREATE MACRO mm(x) AS x + 1;
CREATE SCHEMA sch;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE INDEX ix ON o (a);
INSERT INTO t VALUES (1, 'a', 1, '2020-01-01', 'u', {'a': 1});
INSERT INTO child VALUES (1);
CREATE MATERIALIZED VIEW mv AS SELECT a, count(*) AS n FROM o GROUP BY a;
"""

# Statement, code, line and column or None where nobody knows them, what the hint begins with or None.
MISTAKES = [
    ("select * from nope", "42P01", (1, 15), 'Did you mean "o"?'),
    ("select nope from t", "42703", (1, 8), 'Candidate bindings: "name'),
    ("select t.nope from t", "42703", (1, 8), 'Candidate bindings: "name'),
    ("select n.id from t", "42P01", (1, 8), 'Candidate tables: "t"'),
    ("select nope(1)", "42883", (1, 8), 'Did you mean "now"?'),
    ("select abs('a', 2)", "42883", (1, 8), "Candidate functions:"),
    ("select sum(name) from t", "42883", (1, 8), "Candidate functions:"),
    ("select id from t, child", "42702", (1, 8), "write the table's name be"),
    ("select name, count(*) from t", "42803", (1, 8), "Either add it to the GROU"),
    ("select count(*) from t where count(*) > 1", "42803", (1, 30), None),
    ("select sum(sum(x)) from t", "42803", (1, 12), None),
    ("select 1 % 0", "22012", None, "use NULLIF(divisor, 0)"),
    ("select cast('abc' as int)", "22P02", (1, 8), "correct the value, or use"),
    ("select 'abc'::date", "22007", (1, 13), None),
    ("select 300::tinyint", "22003", (1, 11), "use a wider type"),
    ("select 2147483647::int + 1::int", "22003", None, "use a wider type"),
    ("select '2020-13-01'::date", "22008", (1, 20), None),
    ("insert into t values (2, null, 1, null, 'v', null)", "23502", None, "give the column a value o"),
    ("insert into t values (1, 'b', 1, null, 'v', null)", "23505", None, "use ON CONFLICT to say wh"),
    ("insert into t values (3, 'b', -1, null, 'v', null)", "23514", None, "correct the value"),
    ("insert into t values (3, 'b', 1, null, 'u', null)", "23505", None, "use ON CONFLICT to say wh"),
    ("insert into child values (99)", "23503", None, "insert the row that it re"),
    ("delete from t where id = 1", "23503", None, "delete what refers to it"),
    ("insert into t values (1)", "42601", None, "give both sides as many c"),
    ("insert into t(nope) values (1)", "42703", (1, 15), 'Did you mean: "name", "d"'),
    ("insert into t(id, id) values (1, 2)", "42701", (1, 19), "name each column once"),
    ("insert into t(id, name) values (1, 2, 3)", "42601", None, "give both sides as many c"),
    ("update t set nope = 1", "42703", (1, 14), 'Did you mean: "name", "d"'),
    ("update t set x = 'abc'", "22P02", (1, 18), "correct the value, or use"),
    ("select * from t where name", "22P02", (1, 23), "correct the value, or use"),
    ("select * from t where id = 'abc'", "22P02", (1, 28), "correct the value, or use"),
    ("select 1 union select 1, 2", "42601", (1, 10), "give both sides as many c"),
    ("select 1 union select 'a' order by 3", "42P10", (1, 36), "name the column, or count"),
    ("select id from t order by 7", "42P10", (1, 27), "name the column, or count"),
    ("select id from t group by 7", "42P10", (1, 27), "name the column, or count"),
    ("select * from t limit 'a'", "22P02", (1, 23), "correct the value, or use"),
    ("select * from t limit -1", "2201W", (1, 23), "write a number from 0 on"),
    ("selec 1", "42601", (1, 1), None),
    ("select from where", "42601", (1, 13), None),
    ("select 1 +", "42601", (1, 10), None),
    ("select (1", "42601", (1, 8), "close the bracket"),
    ("select 'abc", "42601", (1, 8), "close it with '"),
    ("create table t(a int)", "42P07", (1, 14), "use IF NOT EXISTS, OR REP"),
    ("create view pv as select 1", "42P07", (1, 13), "use IF NOT EXISTS, OR REP"),
    ("create schema sch", "42P06", (1, 15), "use IF NOT EXISTS, or ano"),
    ("create index ix on o(b)", "42P07", None, "DROP INDEX it first, or u"),
    ("create sequence sq", "42P07", (1, 17), "use IF NOT EXISTS, OR REP"),
    ("create type mood as enum ('x')", "42710", (1, 13), "DROP TYPE it first, or us"),
    ("create macro mm(x) as x", "42723", (1, 14), "use CREATE OR REPLACE"),
    ("create table z(a int, a int)", "42701", None, "give each column its own"),
    ("create table z(a nope)", "42704", (1, 18), 'Did you mean "type"?'),
    ("create table nope.z(a int)", "3F000", (1, 14), "SHOW SCHEMAS lists what t"),
    ("drop table nope", "42P01", None, "DROP TABLE IF EXISTS acce"),
    ("drop view nope", "42P01", None, "DROP VIEW IF EXISTS accep"),
    ("drop schema nope", "3F000", None, "DROP SCHEMA IF EXISTS acc"),
    ("drop schema sch2 cascade", "3F000", None, "DROP SCHEMA IF EXISTS acc"),
    ("drop view t", "42809", None, "use DROP TABLE"),
    ("drop table pv", "42809", None, "use DROP VIEW"),
    ("drop sequence nope", "42P01", (1, 15), None),
    ("drop index nope", "42704", None, "DROP INDEX IF EXISTS acce"),
    ("alter table o add column a int", "42701", (1, 26), "give each column its own"),
    ("alter table o drop column nope", "42703", (1, 27), 'Did you mean: "a", "b"'),
    ("alter table o rename column nope to c", "42703", (1, 29), 'Did you mean: "a", "b"'),
    ("alter table nope add column a int", "42P01", (1, 13), 'Did you mean "o"?'),
    ("select * from nope.t", "42P01", (1, 15), None),
    ("select * from mydb.main.t", "42P01", (1, 15), None),
    ("set nope = 1", "42704", (1, 5), 'Did you mean: "operator_m'),
    ("set threads = 'abc'", "22023", None, None),
    ("select current_setting('nope')", "42704", (1, 25), 'Did you mean: "operator_m'),
    ("select name collate nope from t", "42704", (1, 21), 'Did you mean "no"?'),
    ("select a from (select 1 as b)", "42703", (1, 8), 'Candidate bindings: "b"'),
    ("select (select id, x from t)", "42601", (1, 8), "give both sides as many c"),
    ("select (select 1 union all select 2)", "21000", None, "use LIMIT 1, max() or the"),
    ("select * from t join child using (nope)", "42703", (1, 35), None),
    ("select * from t a join t a on true", "42712", (1, 26), "give one of them another"),
    ("with c as (select 1), c as (select 2) select * from c", "42712", (1, 1), "give each its own name"),
    ("select x.* from t", "42703", (1, 8), None),
    ("select id as a, a + b from t", "42703", (1, 21), 'Candidate bindings: "d"'),
    ("select row_number() from t", "42P20", (1, 8), "write it with OVER, in SE"),
    ("select sum(x) over (partition by nope) from t", "42703", (1, 34), 'Candidate bindings: "name'),
    ("select interval 'abc'", "22007", (1, 8), None),
    ("select timestamp 'abc'", "22007", (1, 8), None),
    ("select [1,2]['a']", "22P02", (1, 14), "correct the value, or use"),
    ("select {'a': 1}.b", "42703", (1, 17), 'Candidate Entries: "a"'),
    ("select * from range(1, 'a')", "22023", None, None),
    ("select * from read_csv('/nonexistent.csv')", "58P01", (1, 15), "check the path"),
    ("copy t from '/nonexistent.csv'", "58P01", None, "check the path"),
    ("explain nope", "42601", (1, 9), None),
    ("execute nope", "26000", None, "PREPARE nope AS … first"),
    ("prepare p as select nope", "42703", (1, 21), None),
    ("select ? + 1", "42P02", None, "give a value for each par"),
    ("select $1", "42P02", None, "give a value for each par"),
    ("select regexp_matches('a', '(')", "2201B", None, "correct the regular expre"),
    ("select strptime('abc', '%Y')", "22007", None, "correct the value, or use"),
    ("select json_extract('{', '$.a')", "22032", None, None),
    ("select substring('a' from 'b')", "22P02", (1, 27), "correct the value, or use"),
    ("select list_value(1, 'a')", "22P02", (1, 22), "correct the value, or use"),
    ("select cast([1] as int)", "42846", (1, 8), None),
    ("select 1::nope", "42704", (1, 11), 'Did you mean "type"?'),
    ("select error('boom')", "22023", None, None),
    ("select * from t pivot (sum(x) for nope in (1))", "42703", (1, 35), 'Candidate bindings: "name'),
    ("select unnest(1)", "42804", (1, 8), "cast one of them"),
    ("create materialized view w as select nope from t", "42703", (1, 38), 'Candidate bindings: "name'),
    ("create materialized view w as select * from nope", "42P01", (1, 45), 'Did you mean "o"?'),
    ("create materialized view w as select 1 as a union select 2, 3", "42601", (1, 45), "give both sides as many c"),
    ("create materialized view w as select id from t group by 7", "42P10", (1, 57), "name the column, or count"),
    ("create materialized view mv as select 1", "42P07", None, "DROP it first, or choose"),
    ("create materialized view w (a, b) as select 1", "42000", None, "name every column, or non"),
    ("create materialized view w as select name collate nope as n from t", "42704", (1, 51), 'Did you mean "no"?'),
    ("create materialized view w with (polic='strict') as select 1", "42704", None, "did you mean 'policy'? op"),
    ("create materialized view w as", "42601", (1, 30), None),
    ("create materialized view w as insert into t values (1)", "42601", (1, 38), None),
    ("insert into mv values (1)", "42809", None, "write to the tables that"),
    ("drop table mv", "42809", None, "use DROP MATERIALIZED VIE"),
    ("drop materialized view o", "42809", None, "use DROP TABLE"),
    ("drop table o", "2BP01", None, "use CASCADE to drop what"),
    ("refresh table o", "42809", None, "only tables created with"),
    ("refresh materialized view nope", "42P01", None, "SHOW MATERIALIZED VIEWS l"),
    ("refresh table nope", "42P01", None, "SHOW TABLES lists what th"),
    ("alter materialized view nope set (policy = 'auto')", "42P01", None, "SHOW MATERIALIZED VIEWS l"),
    ("alter materialized view mv set (polici = 'auto')", "42704", None, "did you mean 'policy'? op"),
    ("alter materialized view mv set (policy = 'aut')", "22023", None, "allowed: auto, incrementa"),
    ("update mv set a = 1", "42809", None, "write to the tables that"),
    ("delete from mv", "42809", None, "write to the tables that"),
    ("truncate mv", "42809", None, "write to the tables that"),
    ("pause refresh 99", "42P01", None, "SHOW REFRESHES lists what"),
    ("cancel job 99", "42P01", None, "SHOW JOBS lists what ther"),
    ("show create table nope", "42P01", None, "SHOW TABLES lists what th"),
    ("vacuum nope", "42P01", (1, 8), 'Did you mean "o"?'),
    ("call nope()", "42883", (1, 6), 'Did you mean "unnest"?'),
    ("pragma nope", "42883", (1, 8), 'Did you mean "enable_prog'),
    ("select * from t asof join o on t.id = o.a", "0A000", None, "add an inequality, such a"),
    ("select * from t natural join nope", "42P01", (1, 30), 'Did you mean "o"?'),
    ("merge into nope using o on true when matched then delete", "42P01", (1, 12), 'Did you mean "o"?'),
    ("insert into t select * from nope", "42P01", (1, 29), 'Did you mean "o"?'),
    ("insert into t by name select 1 as nope", "42703", (1, 35), 'Did you mean: "name", "d"'),
    ("select max(distinct) from t", "42601", (1, 1), None),
    ("select 'a' || from t", "42601", (1, 15), None),
    ("select case when 1 then end", "42601", (1, 25), None),
    ("select * exclude (nope) from t", "42703", (1, 19), 'Candidate bindings: "name'),
    ("select * replace (1 as nope) from t", "42703", (1, 24), 'Candidate bindings: "name'),
    ("select count(distinct id, x) from t", "42883", (1, 8), "Candidate functions:"),
    ("select id from t having nope > 1", "42803", (1, 25), None),
    ("select * from t qualify nope = 1", "42703", (1, 25), None),
    ("lock table t", "0A000", (1, 1), "the first write of a tran"),
]


@pytest.fixture(scope="module")
def connection() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        connection.execute(SETUP)
        yield connection


@pytest.mark.parametrize(("statement", "code", "place", "hint"), MISTAKES)
def test_a_mistake_has_its_code_place_and_hint(
    connection: mvengine.Connection, statement: str, code: str, place: tuple[int, int] | None, hint: str | None
) -> None:
    with pytest.raises(Error) as caught:
        connection.execute(statement).fetchall()
    error = caught.value
    assert (error.code, error.position and (error.position.line, error.position.column)) == (code, place)
    assert (error.hint or "").startswith(hint or "")
    assert bool(error.hint) == bool(hint)
