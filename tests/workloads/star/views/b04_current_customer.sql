-- The current versions.
SELECT customer_id, name, city, segment FROM b01_dim_customer WHERE valid_to IS NULL
