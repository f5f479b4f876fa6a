-- Who has bought in more than one region, for more than 100.
SELECT c.customer_id, c.name, c.segment
FROM b04_current_customer AS c
WHERE c.customer_id IN (
  SELECT customer_id FROM c01_fact_sales GROUP BY customer_id HAVING count(DISTINCT region) > 1 AND sum(amount) > 100
)
