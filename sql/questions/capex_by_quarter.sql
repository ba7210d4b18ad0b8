-- What did each of the four buyers spend in each quarter, in billions of dollars?
-- param company text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for all four
-- param since text = 2021Q1: first calendar quarter shown
SELECT calendar_quarter, ticker, round(capex_usd / 1e9, 1) AS capex_usd_bn,
  round(capex_to_operating_cash_flow, 2) AS capex_to_operating_cash_flow, capex_grade
FROM capex_quarterly
WHERE ticker IN ('MSFT', 'GOOGL', 'META', 'AMZN') AND $company IN ('ALL', ticker) AND capex_usd IS NOT NULL
  AND calendar_quarter >= $since
ORDER BY calendar_quarter DESC, ticker
