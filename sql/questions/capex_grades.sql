-- On how good evidence does each company's spending of a year rest?
-- param company text = ALL of ALL, MSFT, GOOGL, META, AMZN, ORCL, NVDA, AAPL, CRWV: ticker, or ALL for all of them
-- param year integer = 2026: calendar year
SELECT calendar_quarter, ticker, round(capex_usd / 1e9, 1) AS capex_usd_bn, capex_grade, grade AS weakest_grade,
  known_on
FROM capex
WHERE $company IN ('ALL', ticker) AND calendar_quarter LIKE $year || 'Q%' AND capex_usd IS NOT NULL
ORDER BY calendar_quarter, ticker
