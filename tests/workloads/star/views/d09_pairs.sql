-- Products bought by one customer on one day.
SELECT a.product_id AS one, b.product_id AS other, count(*) AS times
FROM c01_fact_sales AS a JOIN c01_fact_sales AS b
  ON a.customer_id = b.customer_id AND a.sold_at = b.sold_at AND a.product_id < b.product_id
GROUP BY ALL
