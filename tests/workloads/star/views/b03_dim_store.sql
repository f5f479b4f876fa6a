-- Stores with their countries; stores of unknown countries stay.
SELECT s.store_id, s.name, s.country, c.name AS country_name, coalesce(c.region, 'nowhere') AS region
FROM stores AS s LEFT JOIN countries AS c ON s.country = c.country
