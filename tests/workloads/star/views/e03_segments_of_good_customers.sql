-- How many there are, of how many.
SELECT c.segment, count(*) AS customers, count(g.customer_id) AS good, count(l.sale_id) AS active
FROM b04_current_customer AS c
LEFT JOIN d05_good_customers AS g ON g.customer_id = c.customer_id
LEFT JOIN d06_last_sale AS l ON l.customer_id = c.customer_id
GROUP BY c.segment
