-- Persons open auctions, and bid on them; the rows follow from their numbers.
CREATE TABLE person (
  id BIGINT, name VARCHAR, email VARCHAR, city VARCHAR, state VARCHAR, date_time TIMESTAMP, extra VARCHAR
);
CREATE TABLE auction (
  id BIGINT, item_name VARCHAR, description VARCHAR, initial_bid BIGINT, reserve BIGINT, date_time TIMESTAMP,
  expires TIMESTAMP, seller BIGINT, category BIGINT, extra VARCHAR
);
CREATE TABLE bid (
  auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, date_time TIMESTAMP, extra VARCHAR
);
CREATE TABLE side_input (key BIGINT, value VARCHAR);
INSERT INTO side_input SELECT i, 'side ' || i FROM range(10) AS r(i);
INSERT INTO person
SELECT i, 'person ' || i % 17, i || '@example.com', 'city ' || i % 5, ['OR', 'ID', 'CA', 'WA', 'AZ'][1 + i % 5],
       TIMESTAMP '2024-01-01' + to_minutes(i * 13), 'x' || i % 3
FROM range(40) AS r(i);
INSERT INTO auction
SELECT i, 'item ' || i % 11, 'about ' || i, i % 50, i % 90, TIMESTAMP '2024-01-01' + to_minutes(i * 7),
       TIMESTAMP '2024-01-01' + to_minutes(i * 7 + 240), i * 31 % 40, 10 + i % 4, 'y'
FROM range(80) AS r(i);
INSERT INTO bid
SELECT i * 37 % 80, i * 53 % 40, hash(i) % 900, ['Apple', 'Google', 'Facebook', 'baidu', 'other'][1 + i % 5],
       'https://www.nexmark.com/a' || i % 3 || '/b/c.htm?q=1&channel_id=' || i % 6,
       TIMESTAMP '2024-01-01' + to_minutes(i * 37 % 80 * 7 + i % 260), 'cc' || i % 4
FROM range(400) AS r(i);
