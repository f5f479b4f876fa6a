-- What a shop delivers: versions of customers and products, sales loaded more than once, returns. Some of it is dirty.
CREATE TABLE raw_customers (customer_id INTEGER, name VARCHAR, city VARCHAR, segment VARCHAR, valid_from DATE);
CREATE TABLE raw_products (
  product_id INTEGER, name VARCHAR, category VARCHAR, price DECIMAL(8, 2), valid_from DATE, loaded INTEGER
);
CREATE TABLE raw_sales (
  sale_id INTEGER, customer_id INTEGER, product_id INTEGER, store_id INTEGER, sold_at DATE, quantity INTEGER,
  amount DECIMAL(8, 2), loaded INTEGER
);
CREATE TABLE raw_returns (sale_id INTEGER, returned_at DATE, quantity INTEGER);
CREATE TABLE stores (store_id INTEGER PRIMARY KEY, name VARCHAR, country VARCHAR);
CREATE TABLE countries (country VARCHAR, name VARCHAR, region VARCHAR);
INSERT INTO countries VALUES ('de', 'Germany', 'Europe'), ('fr', 'France', 'Europe'), ('jp', 'Japan', 'Asia');
INSERT INTO stores VALUES (0, 'north', 'de'), (1, 'south', 'fr'), (2, 'east', 'jp'), (3, 'sea', NULL), (4, 'moon', 'xx');
INSERT INTO raw_customers
SELECT i % 30, ' customer ' || i % 30, ['Rome', ' rome', 'Oslo', NULL][1 + i % 4], ['home', 'office', NULL][1 + i % 3],
       DATE '2024-01-01' + (i * 5)::INTEGER
FROM range(60) AS r(i);
INSERT INTO raw_products
SELECT i % 12, 'product ' || i % 12, ['food', 'tools', 'toys'][1 + i % 3], 5 + hash(i) % 90, DATE '2024-01-01' + (i * 9)::INTEGER, 1
FROM range(24) AS r(i);
INSERT INTO raw_sales
SELECT i, i * 7 % 34, i * 5 % 13, i % 6, DATE '2024-01-10' + (i * 11 % 200)::INTEGER, i % 4, hash(i) % 120 + 0.25, 1
FROM range(200) AS r(i);
INSERT INTO raw_returns
SELECT i * 9 % 220, DATE '2024-03-01' + (i * 13 % 150)::INTEGER, 1 FROM range(25) AS r(i);
