-- The latest sale of each customer.
SELECT DISTINCT ON (customer_id) customer_id, sale_id, sold_at, amount
FROM c01_fact_sales
ORDER BY customer_id, sold_at DESC, sale_id
