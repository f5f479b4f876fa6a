-- One row that says it all.
SELECT (SELECT count(*) FROM c01_fact_sales) AS sales,
       (SELECT sum(amount) FROM c01_fact_sales) AS revenue,
       (SELECT count(*) FROM d04_silent_customers) AS silent,
       (SELECT max(customers) FROM e02_month_overview) AS most_customers,
       (SELECT string_agg(region, ' > ' ORDER BY share DESC, region) FROM e01_region_share) AS regions
