-- The average price of the last ten auctions that each seller closed.
SELECT seller, id, avg(final) OVER (PARTITION BY seller ORDER BY expires, id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
  AS average
FROM (
  SELECT a.seller, a.id, a.expires, max(b.price) AS final
  FROM auction AS a JOIN bid AS b ON a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires
  GROUP BY a.seller, a.id, a.expires
)
