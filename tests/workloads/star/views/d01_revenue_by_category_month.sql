-- With subtotals.
SELECT category, date_trunc('month', sold_at) AS month, grouping(category, date_trunc('month', sold_at)) AS level,
       sum(amount) AS revenue, sum(quantity) AS quantity, count(*) AS sales
FROM c01_fact_sales
GROUP BY ROLLUP (category, date_trunc('month', sold_at))
