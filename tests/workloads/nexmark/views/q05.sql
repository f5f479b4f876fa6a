-- In each window of ten minutes, every two minutes, the auctions with the most bids.
WITH hops AS (
  SELECT b.auction, time_bucket(INTERVAL 2 MINUTE, b.date_time) - to_minutes(2 * hop.i) AS starts
  FROM bid AS b CROSS JOIN UNNEST([0, 1, 2, 3, 4]) AS hop(i)
), counted AS (
  SELECT auction, starts, count(*) AS bids FROM hops GROUP BY auction, starts
)
SELECT c.starts, c.auction, c.bids
FROM counted AS c JOIN (SELECT starts, max(bids) AS bids FROM counted GROUP BY starts) AS m
  ON c.starts = m.starts AND c.bids = m.bids
