-- The ten highest bids of each auction.
SELECT *
FROM (
  SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, date_time, bidder, channel, extra) AS rank_number
  FROM bid
)
WHERE rank_number <= 10
