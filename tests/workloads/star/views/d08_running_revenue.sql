-- Per customer, sale by sale.
SELECT customer_id, sale_id, sold_at,
       sum(amount) OVER (PARTITION BY customer_id ORDER BY sold_at, sale_id) AS so_far,
       count(*) OVER (PARTITION BY customer_id) AS sales
FROM c01_fact_sales
