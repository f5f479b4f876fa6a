-- The highest bids of each ten minutes.
SELECT b.auction, b.price, b.bidder, b.date_time
FROM bid AS b JOIN (
  SELECT time_bucket(INTERVAL 10 MINUTE, date_time) AS starts, max(price) AS price FROM bid GROUP BY 1
) AS m ON b.price = m.price AND b.date_time >= m.starts AND b.date_time < m.starts + INTERVAL 10 MINUTE
