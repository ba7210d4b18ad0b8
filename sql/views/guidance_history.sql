-- What each company said it would spend, in the order in which it said so, with the change against its words before on the year.
-- A change is only between words on one basis: Microsoft's leases that were reclassified in July 2026 are no cut.

-- Grain: One row for each time that a company said what it would spend in a year.
-- Do not sum: anything over rows. A year's later words replace the earlier ones, so a sum counts one year several times.
-- Example: Who changed what it had said of 2026, and by how much?
--   select ticker, issued_on, middle_usd, change_usd from guidance_history where fiscal_year = 2026 and change_usd <> 0
-- Example: What did each company say last of each year?
--   select ticker, fiscal_year, arg_max(middle_usd, issued_on) as middle_usd from guidance_history group by all order by all
-- Example: What are Microsoft's words, and on which basis?
--   select fiscal_year, issued_on, low_usd, high_usd, basis, reason from guidance_history where ticker = 'MSFT'
CREATE OR REPLACE VIEW main.guidance_history AS
WITH said AS (
  SELECT *, (low_usd + high_usd) / 2 AS middle_usd, coalesce(basis, 'cash') AS counts, coalesce(year_kind, 'fiscal') AS of_year,
    lag(issued_on) OVER earlier AS issued_before_on, lag(middle_usd) OVER earlier AS middle_before_usd,
    lag(counts) OVER earlier IS NOT DISTINCT FROM counts AND lag(of_year) OVER earlier IS NOT DISTINCT FROM of_year AS on_one_basis
  FROM main.capex_guidance
  WINDOW earlier AS (PARTITION BY ticker, fiscal_year ORDER BY issued_on)
)
SELECT ticker, fiscal_year, issued_on, low_usd, high_usd,
  CASE WHEN on_one_basis THEN middle_usd - middle_before_usd END AS change_usd,
  middle_usd, basis, of_year AS year_kind, issued_before_on,
  CASE WHEN issued_before_on IS NULL THEN 'its first words on that year'
    WHEN NOT on_one_basis THEN 'not compared: its words before, of ' || issued_before_on || ', are on another basis' END AS reason,
  note, known_on, citation, grade
FROM said
ORDER BY ticker, fiscal_year, issued_on;
COMMENT ON COLUMN main.guidance_history.middle_usd IS 'middle of low and high [USD]';
COMMENT ON COLUMN main.guidance_history.issued_before_on IS 'day of the company''s words before on that year';
COMMENT ON COLUMN main.guidance_history.change_usd IS 'change of the middle against the words before; null where they are on another basis [USD]';
COMMENT ON COLUMN main.guidance_history.reason IS 'why there is no change';
