-- Sales of customers that nobody knows.
SELECT sale_id, customer_id
FROM a03_stg_sales
WHERE customer_id NOT IN (SELECT customer_id FROM a01_stg_customers)
