-- An epoch; {epoch} is its number. Rows go, come and change in all eight tables.
DELETE FROM lineitem WHERE hash(l_orderkey) % 211 = {epoch};
DELETE FROM orders WHERE hash(o_orderkey) % 211 = {epoch};
INSERT INTO orders
SELECT * REPLACE (o_orderkey + 8 AS o_orderkey) FROM orders WHERE o_orderkey % 32 < 8 AND hash(o_orderkey) % 199 = {epoch};
INSERT INTO lineitem
SELECT * REPLACE (l_orderkey + 8 AS l_orderkey) FROM lineitem WHERE l_orderkey % 32 < 8 AND hash(l_orderkey) % 199 = {epoch};
UPDATE lineitem SET l_discount = 0.1 - l_discount, l_receiptdate = l_receiptdate - 20 WHERE hash(l_orderkey) % 197 = {epoch};
UPDATE lineitem SET l_quantity = 60 WHERE hash(l_orderkey) % 467 = {epoch};
UPDATE lineitem SET l_suppkey = l_suppkey % 97 + 1 WHERE hash(l_partkey) % 223 = {epoch};
UPDATE lineitem SET l_shipmode = 'AIR', l_shipinstruct = 'DELIVER IN PERSON', l_quantity = 5 WHERE hash(l_partkey) % 97 = {epoch};
UPDATE orders SET o_orderdate = o_orderdate + 30, o_orderstatus = 'F' WHERE hash(o_orderkey) % 193 = {epoch};
UPDATE orders SET o_custkey = o_custkey + 1 WHERE hash(o_orderkey) % 227 = {epoch};
DELETE FROM customer WHERE hash(c_custkey) % 101 = {epoch};
INSERT INTO customer SELECT * REPLACE (c_custkey + 1000000 AS c_custkey) FROM customer WHERE hash(c_custkey) % 89 = {epoch};
UPDATE customer SET c_mktsegment = 'BUILDING', c_acctbal = c_acctbal + 1000 WHERE hash(c_custkey) % 83 = {epoch};
DELETE FROM part WHERE hash(p_partkey) % 103 = {epoch};
INSERT INTO part SELECT * REPLACE (p_partkey + 1000000 AS p_partkey) FROM part WHERE hash(p_partkey) % 107 = {epoch};
UPDATE part SET p_type = 'PROMO BRASS', p_size = 15, p_name = 'forest green' WHERE hash(p_partkey) % 109 = {epoch};
UPDATE part SET p_brand = 'Brand#23', p_container = 'MED BOX' WHERE hash(p_partkey) % 61 = {epoch};
UPDATE part SET p_type = 'ECONOMY ANODIZED STEEL' WHERE hash(p_partkey) % 53 = {epoch};
DELETE FROM partsupp WHERE hash(ps_partkey) % 113 = {epoch};
INSERT INTO partsupp SELECT * REPLACE (ps_suppkey % 97 + 1 AS ps_suppkey) FROM partsupp WHERE hash(ps_partkey) % 127 = {epoch};
UPDATE partsupp SET ps_supplycost = ps_supplycost / 2, ps_availqty = ps_availqty + 10 WHERE hash(ps_partkey) % 131 = {epoch};
DELETE FROM supplier WHERE hash(s_suppkey) % 47 = {epoch};
INSERT INTO supplier SELECT * REPLACE (s_suppkey + 100 AS s_suppkey) FROM supplier WHERE hash(s_suppkey) % 43 = {epoch};
UPDATE supplier SET s_nationkey = (s_nationkey + 7) % 25 WHERE hash(s_suppkey) % 41 = {epoch};
UPDATE supplier SET s_comment = 'Customer asked Complaints' WHERE hash(s_suppkey) % 37 = {epoch};
UPDATE nation SET n_regionkey = (n_regionkey + 1) % 5 WHERE n_nationkey = 6 * {epoch};
INSERT INTO nation VALUES (24 + {epoch}, 'NATION ' || {epoch}, 2, NULL);
DELETE FROM nation WHERE n_nationkey = 10 + {epoch};
INSERT INTO region VALUES (5, 'EUROPE', 'number {epoch}');
DELETE FROM region WHERE r_regionkey = 5 AND r_comment < 'number {epoch}';
UPDATE region SET r_comment = 'changed' WHERE r_regionkey = {epoch};
