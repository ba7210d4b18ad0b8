-- What did each company spend in each calendar year, in billions of dollars?
-- param company text = ALL of ALL, MSFT, GOOGL, META, AMZN, ORCL, NVDA, AAPL, CRWV: ticker, or ALL for all of them
-- param since integer = 2023: first year shown
SELECT year, ticker, round(capex_usd / 1e9, 1) AS capex_usd_bn, round(capex_so_far_usd / 1e9, 1) AS so_far_usd_bn,
  quarters_known, is_complete, capex_grade
FROM capex_by_year
WHERE $company IN ('ALL', ticker) AND year >= $since AND capex_so_far_usd IS NOT NULL
ORDER BY year DESC, ticker
