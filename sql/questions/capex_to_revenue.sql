-- How much of its revenue does each company spend, by its own fiscal year?
-- param company text = ALL of ALL, MSFT, GOOGL, META, AMZN, ORCL, NVDA, AAPL, CRWV: ticker, or ALL for all of them
-- param since integer = 2023: first fiscal year shown
SELECT fiscal_year, ticker, round(capex_usd / 1e9, 1) AS capex_usd_bn, round(revenue_usd / 1e9, 1) AS revenue_usd_bn,
  round(capex_to_revenue, 3) AS capex_to_revenue, grade
FROM capex_by_fiscal_year
WHERE $company IN ('ALL', ticker) AND fiscal_year >= $since AND capex_usd IS NOT NULL
ORDER BY fiscal_year DESC, ticker
