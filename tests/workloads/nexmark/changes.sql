-- An epoch; {epoch} is its number. Rows go, come and change in every table.
DELETE FROM bid WHERE hash(auction + bidder) % 23 = {epoch};
INSERT INTO bid
SELECT auction, bidder, price + {epoch} * 3, channel, url, date_time + to_minutes({epoch} * 5), extra
FROM bid WHERE hash(price) % 19 = {epoch};
INSERT INTO bid VALUES (NULL, 1, NULL, NULL, NULL, TIMESTAMP '2024-01-01 00:30' + to_hours({epoch}), NULL);
UPDATE bid SET price = price * 2 WHERE hash(bidder) % 29 = {epoch};
UPDATE bid SET auction = auction + 1 WHERE hash(date_time) % 31 = {epoch};
DELETE FROM auction WHERE id = 3 * {epoch};
INSERT INTO auction SELECT * REPLACE (id + 100 * {epoch} AS id) FROM auction WHERE id % 25 = {epoch};
UPDATE auction SET category = 10, expires = expires - INTERVAL 1 HOUR WHERE id % 13 = {epoch};
UPDATE auction SET seller = NULL WHERE id = 5 * {epoch} + 1;
DELETE FROM person WHERE id % 19 = {epoch};
INSERT INTO person SELECT * REPLACE (id + 40 AS id, date_time + to_minutes({epoch}) AS date_time) FROM person WHERE id % 9 = {epoch};
UPDATE person SET state = 'CA' WHERE id % 7 = {epoch};
UPDATE side_input SET value = 'new ' || value WHERE key = {epoch};
DELETE FROM side_input WHERE key = 9 - {epoch};
UPDATE auction SET date_time = TIMESTAMP '2024-01-01' + to_minutes(seller * 13) WHERE id % 11 = {epoch};
