-- Sales and returns of each day, days without any of them left out.
SELECT coalesce(s.day, r.day) AS day, s.revenue, r.refunds
FROM (SELECT sold_at AS day, sum(amount) AS revenue FROM c01_fact_sales GROUP BY 1) AS s
FULL JOIN (SELECT returned_at AS day, sum(refund) AS refunds FROM c02_fact_returns GROUP BY 1) AS r ON s.day = r.day
