-- Products' versions; of several on one day the last loaded one.
SELECT product_id, name, category, price, valid_from
FROM raw_products
QUALIFY row_number() OVER (PARTITION BY product_id, valid_from ORDER BY loaded DESC, name, category, price) = 1
