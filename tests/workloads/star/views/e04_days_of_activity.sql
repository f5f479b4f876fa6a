-- On how many days each customer did anything.
SELECT customer_id, count(DISTINCT day) AS days, count(*) FILTER (WHERE kind = 'return') AS returns, max(day) AS last_day
FROM d11_activity
GROUP BY customer_id
