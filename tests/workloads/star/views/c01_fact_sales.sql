-- Each sale with the versions that were valid on its day.
SELECT s.sale_id, s.customer_id, s.product_id, s.store_id, s.sold_at, s.quantity, s.amount,
       c.version AS customer_version, c.segment, c.city, p.category, p.price,
       coalesce(t.region, 'nowhere') AS region, t.country_name
FROM a03_stg_sales AS s
JOIN b01_dim_customer AS c
  ON c.customer_id = s.customer_id AND s.sold_at >= c.valid_from AND (s.sold_at < c.valid_to OR c.valid_to IS NULL)
JOIN b02_dim_product AS p
  ON p.product_id = s.product_id AND s.sold_at >= p.valid_from AND (s.sold_at < p.valid_to OR p.valid_to IS NULL)
LEFT JOIN b03_dim_store AS t ON t.store_id = s.store_id
