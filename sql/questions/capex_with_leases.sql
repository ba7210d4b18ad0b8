-- How much of revenue and of operating cash flow does each buyer spend, without and with finance leases?
SELECT calendar_quarter, ticker, capex_usd, finance_lease_principal_usd, round(capex_to_revenue, 3) AS capex_to_revenue,
       round(capex_with_leases_to_revenue, 3) AS capex_with_leases_to_revenue,
       round(capex_to_operating_cash_flow, 3) AS capex_to_operating_cash_flow,
       round(capex_with_leases_to_operating_cash_flow, 3) AS capex_with_leases_to_operating_cash_flow, grade, reason
FROM marts.capex_quarterly
WHERE ticker IN ('MSFT', 'GOOGL', 'META', 'AMZN') AND capex_usd IS NOT NULL
ORDER BY calendar_quarter DESC, ticker
