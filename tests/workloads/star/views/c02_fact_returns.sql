-- Returns with what their sales brought; returns without a sale stay.
SELECT r.sale_id, r.returned_at, r.quantity, f.amount / nullif(f.quantity, 0) * r.quantity AS refund, f.category
FROM raw_returns AS r LEFT JOIN c01_fact_sales AS f ON f.sale_id = r.sale_id
