-- What did each of the four buyers spend in each quarter, in billions of dollars?
SELECT calendar_quarter, ticker, round(capex_usd / 1e9, 1) AS capex_billion_usd,
       round(capex_to_operating_cash_flow, 2) AS capex_to_operating_cash_flow, grade
FROM marts.capex_quarterly
WHERE ticker IN ('MSFT', 'GOOGL', 'META', 'AMZN') AND capex_usd IS NOT NULL
ORDER BY calendar_quarter DESC, ticker;
