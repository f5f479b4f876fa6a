-- Along region and segment.
SELECT region, segment, sum(amount) AS revenue, avg(amount) AS average, max(amount) AS highest
FROM c01_fact_sales
GROUP BY CUBE (region, segment)
