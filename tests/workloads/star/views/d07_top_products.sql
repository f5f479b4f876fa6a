-- The three products of each category that sell best.
SELECT category, product_id, sum(amount) AS revenue
FROM c01_fact_sales
GROUP BY category, product_id
QUALIFY row_number() OVER (PARTITION BY category ORDER BY sum(amount) DESC, product_id) <= 3
