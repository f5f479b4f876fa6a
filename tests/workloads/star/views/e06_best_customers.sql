-- Five, by what they have spent.
SELECT customer_id, sum(amount) AS spent
FROM c01_fact_sales
GROUP BY customer_id
ORDER BY spent DESC, customer_id
LIMIT 5
