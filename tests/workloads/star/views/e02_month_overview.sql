-- Two views of the facts come together again.
SELECT m.month, m.customers, m.dear_products, sum(r.revenue) AS revenue
FROM d03_customers_by_month AS m LEFT JOIN d01_revenue_by_category_month AS r ON r.month = m.month AND r.level = 0
GROUP BY ALL
