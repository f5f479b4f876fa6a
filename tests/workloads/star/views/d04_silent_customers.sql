-- Who has bought nothing.
SELECT c.customer_id, c.name
FROM b04_current_customer AS c ANTI JOIN c01_fact_sales AS f ON f.customer_id = c.customer_id
