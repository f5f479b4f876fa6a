-- Customers' versions, cleaned.
SELECT customer_id, trim(name) AS name, upper(trim(city)) AS city, coalesce(segment, 'unknown') AS segment, valid_from
FROM raw_customers
WHERE customer_id IS NOT NULL AND valid_from IS NOT NULL
