-- Sold products that never came back.
SELECT product_id FROM c01_fact_sales
EXCEPT
SELECT f.product_id FROM c01_fact_sales AS f SEMI JOIN c02_fact_returns AS r ON r.sale_id = f.sale_id
