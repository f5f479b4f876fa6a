-- Sales, each as it was loaded last.
SELECT DISTINCT ON (sale_id) sale_id, customer_id, product_id, store_id, sold_at, quantity, amount
FROM raw_sales
ORDER BY sale_id, loaded DESC, sold_at, customer_id, product_id, store_id, quantity, amount
