-- The same for products, with the change of the price.
SELECT product_id, name, category, price, valid_from,
       lead(valid_from) OVER (PARTITION BY product_id ORDER BY valid_from) AS valid_to,
       price - lag(price) OVER (PARTITION BY product_id ORDER BY valid_from) AS price_change
FROM a02_stg_products
