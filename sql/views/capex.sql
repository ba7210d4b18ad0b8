-- Capital expenditure by quarter: what capex_quarterly says of each company's quarter, newest first.

-- Grain: One row for each company and quarter.
-- Do not sum: capex_ttm_usd, which holds four quarters already. A year with a quarter missing has no sum: capex_by_year and
--   capex_by_fiscal_year say which years are whole.
-- Example: What did Amazon spend in each quarter?
--   select calendar_quarter, capex_usd, capex_grade from capex where ticker = 'AMZN'
-- Example: What did the four buyers spend together in each quarter?
--   select calendar_quarter, sum(capex_usd) as capex_usd, count(capex_usd) as companies from capex
--   where ticker in ('MSFT', 'GOOGL', 'META', 'AMZN') group by all order by all
-- Example: Which rows of 2026 rest on secondary press, and which grade has their capex?
--   select ticker, calendar_quarter, capex_usd, capex_grade, grade from capex
--   where calendar_quarter like '2026%' and grade = 'C'
CREATE OR REPLACE VIEW main.capex AS
SELECT ticker, calendar_quarter, capex_usd, capex_grade, revenue_usd, capex_ttm_usd, operating_cash_flow_usd,
  finance_lease_assets_usd, capex_with_leases_usd, company, fiscal_year, fiscal_quarter, period_start, period_end, known_on, reason,
  grade
FROM marts.capex_quarterly
ORDER BY calendar_quarter DESC, ticker;
COMMENT ON COLUMN main.capex.grade IS 'weakest grade of all figures of the row; that of capex_usd alone is capex_grade';
