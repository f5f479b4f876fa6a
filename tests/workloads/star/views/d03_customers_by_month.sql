-- Distinct counts.
SELECT date_trunc('month', sold_at) AS month, count(DISTINCT customer_id) AS customers,
       count(DISTINCT product_id) FILTER (WHERE amount > 50) AS dear_products
FROM c01_fact_sales
GROUP BY ALL
