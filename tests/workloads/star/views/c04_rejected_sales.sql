-- Sales that are in no fact, and why.
SELECT s.sale_id,
       EXISTS (SELECT 1 FROM b01_dim_customer AS c WHERE c.customer_id = s.customer_id) AS has_customer,
       EXISTS (SELECT 1 FROM b02_dim_product AS p WHERE p.product_id = s.product_id) AS has_product
FROM a03_stg_sales AS s
WHERE NOT EXISTS (SELECT 1 FROM c01_fact_sales AS f WHERE f.sale_id = s.sale_id)
