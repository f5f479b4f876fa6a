-- Bids of each bidder by sessions, which end where nothing comes for ten minutes.
WITH gaps AS (
  SELECT bidder, date_time,
         CASE WHEN date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time) <= INTERVAL 10 MINUTE
           THEN 0 ELSE 1 END AS opens
  FROM bid
), sessions AS (
  SELECT bidder, date_time,
         sum(opens) OVER (PARTITION BY bidder ORDER BY date_time, opens DESC ROWS UNBOUNDED PRECEDING) AS session
  FROM gaps
)
SELECT bidder, session, count(*) AS bids, min(date_time) AS starts, max(date_time) AS ends
FROM sessions GROUP BY bidder, session
