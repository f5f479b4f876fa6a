-- Slowly changing dimension of type 2: a version ends where the next one begins.
SELECT customer_id, name, city, segment, valid_from,
       lead(valid_from) OVER (PARTITION BY customer_id ORDER BY valid_from, name, city, segment) AS valid_to,
       row_number() OVER (PARTITION BY customer_id ORDER BY valid_from, name, city, segment) AS version
FROM a01_stg_customers
