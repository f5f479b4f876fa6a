-- Bids of each bidder by ten minutes.
SELECT bidder, time_bucket(INTERVAL 10 MINUTE, date_time) AS starts, count(*) AS bids FROM bid GROUP BY bidder, starts
