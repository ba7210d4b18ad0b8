-- Capital expenditure by the company's own fiscal year, named by the year it ends in, newest first; null unless the year is complete.

-- Grain: One row for each company and fiscal year.
-- Do not sum: one fiscal year over companies, as Microsoft's ends in June and Amazon's in December. Use capex_by_year for that.
-- Example: How much of its revenue does each company spend, by fiscal year?
--   select fiscal_year, ticker, capex_to_revenue from capex_by_fiscal_year order by all
-- Example: What did Microsoft spend in its fiscal years?
--   select fiscal_year, capex_usd, revenue_usd, capex_to_revenue from capex_by_fiscal_year where ticker = 'MSFT'
-- Example: Which fiscal years are not whole, and why?
--   select ticker, fiscal_year, quarters_known, reason from capex_by_fiscal_year where not is_complete
CREATE OR REPLACE VIEW main.capex_by_fiscal_year AS
SELECT ticker, year AS fiscal_year, capex_usd, capex_usd / nullif(revenue_usd, 0) AS capex_to_revenue, capex_so_far_usd, quarters_known,
  revenue_usd, finance_lease_assets_usd, is_complete, company, capex_grade, known_on, reason, grade
FROM marts.capex_yearly
WHERE year_kind = 'fiscal'
ORDER BY fiscal_year DESC, ticker;
COMMENT ON COLUMN main.capex_by_fiscal_year.capex_to_revenue IS 'capex of the year over revenue of the year; null where one of them is unknown [fraction]';
COMMENT ON COLUMN main.capex_by_fiscal_year.grade IS 'weakest grade of all figures of the row; that of capex_usd alone is capex_grade';
COMMENT ON COLUMN main.capex_by_fiscal_year.fiscal_year IS 'fiscal year, named by the calendar year that it ends in [year]';
