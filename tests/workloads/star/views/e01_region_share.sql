-- Each region's part of the whole.
SELECT region, revenue, revenue / nullif((SELECT revenue FROM d02_revenue_cube WHERE region IS NULL AND segment IS NULL), 0)
  AS share
FROM d02_revenue_cube
WHERE segment IS NULL AND region IS NOT NULL
