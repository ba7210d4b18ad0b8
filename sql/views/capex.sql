-- Capital expenditure by quarter: what capex_quarterly says of each company's quarter, newest first.
CREATE OR REPLACE VIEW main.capex AS
SELECT ticker, company, calendar_quarter, fiscal_year, fiscal_quarter, period_start, period_end, capex_usd,
  finance_lease_assets_usd, capex_with_leases_usd, revenue_usd, operating_cash_flow_usd, capex_ttm_usd, grade, known_on, reason
FROM marts.capex_quarterly
ORDER BY calendar_quarter DESC, ticker;
