-- Capital expenditure by calendar year, newest first; capex_usd is null unless the year is complete, capex_so_far_usd is not.
CREATE OR REPLACE VIEW main.capex_by_year AS
SELECT ticker, company, year, capex_usd, capex_so_far_usd, finance_lease_assets_usd, revenue_usd, quarters_known, is_complete,
  grade, known_on, reason
FROM marts.capex_yearly
WHERE year_kind = 'calendar'
ORDER BY year DESC, ticker;
