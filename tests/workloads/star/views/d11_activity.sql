-- What happened to whom, of any kind.
SELECT customer_id, sold_at AS day, 'sale' AS kind FROM c01_fact_sales
UNION ALL
SELECT customer_id, valid_from, 'change' FROM b01_dim_customer WHERE version > 1
UNION ALL
SELECT f.customer_id, r.returned_at, 'return' FROM c02_fact_returns AS r JOIN c01_fact_sales AS f USING (sale_id)
