-- Who came and opened an auction in the same ten minutes.
SELECT p.id, p.name, p.starts
FROM (SELECT DISTINCT id, name, time_bucket(INTERVAL 10 MINUTE, date_time) AS starts FROM person) AS p
JOIN (SELECT DISTINCT seller, time_bucket(INTERVAL 10 MINUTE, date_time) AS starts FROM auction) AS a
  ON p.id = a.seller AND p.starts = a.starts
