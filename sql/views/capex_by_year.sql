-- Capital expenditure by calendar year, newest first; capex_usd is null unless the year is complete, capex_so_far_usd is not.

-- Grain: One row for each company and calendar year.
-- Do not sum: capex_so_far_usd over years, as a year that is not over is smaller. Leased assets are not paid in the year.
-- Example: What did each company spend in each year?
--   select year, ticker, capex_usd from capex_by_year order by year, ticker
-- Example: What did the four buyers spend together in 2025?
--   select sum(capex_usd) as capex_usd from capex_by_year
--   where year = 2025 and ticker in ('MSFT', 'GOOGL', 'META', 'AMZN')
-- Example: How much of 2026 is known?
--   select ticker, capex_so_far_usd, quarters_known, reason from capex_by_year where year = 2026
CREATE OR REPLACE VIEW main.capex_by_year AS
SELECT ticker, year, capex_usd, capex_usd / nullif(revenue_usd, 0) AS capex_to_revenue, capex_so_far_usd, quarters_known,
  revenue_usd, finance_lease_assets_usd, is_complete, company, capex_grade, known_on, reason, grade
FROM marts.capex_yearly
WHERE year_kind = 'calendar'
ORDER BY year DESC, ticker;
COMMENT ON COLUMN main.capex_by_year.capex_to_revenue IS 'capex of the year over revenue of the year; null where one of them is unknown [fraction]';
COMMENT ON COLUMN main.capex_by_year.grade IS 'weakest grade of all figures of the row; that of capex_usd alone is capex_grade';
