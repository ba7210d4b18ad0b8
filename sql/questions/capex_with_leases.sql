-- How much of revenue and of operating cash flow does each buyer spend, without and with finance leases?
-- param company text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for all four
SELECT calendar_quarter AS quarter, ticker, round(capex_to_revenue, 3) AS to_revenue,
  round(capex_with_leases_to_revenue, 3) AS with_leases_to_rev,
  round(capex_to_operating_cash_flow, 3) AS to_cash,
  round(capex_with_leases_to_operating_cash_flow, 3) AS with_leases_to_cash, grade
FROM capex_quarterly
WHERE ticker IN ('MSFT', 'GOOGL', 'META', 'AMZN') AND $company IN ('ALL', ticker) AND capex_usd IS NOT NULL
ORDER BY quarter DESC, ticker
