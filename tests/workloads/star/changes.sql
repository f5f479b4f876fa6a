-- An epoch; {epoch} is its number. Rows go, come and change in every table.
INSERT INTO raw_customers
SELECT customer_id, name || ' jr', 'Bern', 'office', valid_from + 17 * {epoch} FROM raw_customers
WHERE hash(customer_id) % 7 = {epoch};
DELETE FROM raw_customers WHERE hash(valid_from) % 19 = {epoch};
UPDATE raw_customers SET valid_from = valid_from - 3 WHERE hash(name) % 11 = {epoch};
UPDATE raw_customers SET segment = 'home' WHERE customer_id % 13 = {epoch};
INSERT INTO raw_customers VALUES (100 + {epoch}, 'new', 'Oslo', NULL, DATE '2024-02-01');
INSERT INTO raw_customers VALUES (NULL, 'nobody', NULL, NULL, NULL);
INSERT INTO raw_products
SELECT product_id, name, category, price + {epoch}, valid_from, loaded + 1 FROM raw_products WHERE product_id % 5 = {epoch};
INSERT INTO raw_products
SELECT product_id, name, 'toys', price * 2, valid_from + 30, 1 FROM raw_products WHERE product_id % 6 = {epoch};
DELETE FROM raw_products WHERE product_id = 12 - {epoch};
INSERT INTO raw_sales
SELECT * REPLACE (quantity + 1 AS quantity, amount * 2 AS amount, loaded + 1 AS loaded) FROM raw_sales WHERE sale_id % 17 = {epoch};
INSERT INTO raw_sales
SELECT * REPLACE (sale_id + 1000 * {epoch} AS sale_id, sold_at + 3 AS sold_at) FROM raw_sales WHERE sale_id % 13 = {epoch};
INSERT INTO raw_sales VALUES (5000 + {epoch}, NULL, 1, 1, DATE '2024-05-05', NULL, NULL, 1);
DELETE FROM raw_sales WHERE hash(sale_id) % 23 = {epoch};
UPDATE raw_sales SET customer_id = customer_id + 1 WHERE hash(sale_id) % 29 = {epoch};
UPDATE raw_sales SET sold_at = sold_at - 40 WHERE hash(sale_id) % 31 = {epoch};
DELETE FROM raw_returns WHERE hash(sale_id) % 9 = {epoch};
INSERT INTO raw_returns SELECT sale_id, sold_at + 9, 1 FROM raw_sales WHERE hash(sale_id) % 37 = {epoch};
UPDATE raw_returns SET quantity = 2 WHERE sale_id % 5 = {epoch};
UPDATE stores SET country = 'fr' WHERE store_id = {epoch};
DELETE FROM stores WHERE store_id = 5 - {epoch};
INSERT INTO stores VALUES (5 + {epoch}, 'new', 'de');
UPDATE countries SET region = 'World' WHERE country = 'jp' AND {epoch} = 2;
INSERT INTO countries SELECT 'xx', 'Moon', 'Space' WHERE {epoch} = 1;
DELETE FROM countries WHERE country = 'de' AND {epoch} = 3;
