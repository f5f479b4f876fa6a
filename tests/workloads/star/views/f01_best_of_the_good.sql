-- The best customers who are also good ones, with their days.
SELECT b.customer_id, b.spent, g.name, e.days
FROM e06_best_customers AS b
JOIN d05_good_customers AS g USING (customer_id)
LEFT JOIN e04_days_of_activity AS e USING (customer_id)
