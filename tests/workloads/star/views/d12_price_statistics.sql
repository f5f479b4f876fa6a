-- Of each category.
SELECT category, min(price) AS lowest, max(price) AS highest, median(price) AS middle, stddev_samp(price) AS spread,
       string_agg(DISTINCT name, ', ' ORDER BY name) AS names, list(price ORDER BY price) AS prices
FROM b02_dim_product
GROUP BY category
