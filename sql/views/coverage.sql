-- How much of the revenue that its spending needs each company has from AI: 1 is all of it. The interval holds the draws and the bounds.
-- A seller that discloses no figure has one between bounds: its low end takes the lowest, its high end the highest.

-- Grain: One row for each scope (the group or a company) and view of whose revenue is counted.
-- Do not sum: anything over rows. Coverage is a ratio, and the group's row is not the sum of the companies'.
-- Example: What is Microsoft's coverage, with its interval?
--   select coverage_low, coverage_mid, coverage_high, grade from coverage where scope = 'MSFT'
-- Example: Whose AI revenue covers most of what it has to bring?
--   select scope, revenue_view, coverage_mid from coverage where coverage_mid is not null order by coverage_mid desc
-- Example: What does the group have, and what does it need?
--   select revenue_view, attributable_mid_usd, required_mid_usd, coverage_mid from coverage where scope = 'ALL'
CREATE OR REPLACE VIEW main.coverage AS
SELECT scope, revenue_view,
  max(p05) FILTER (quantity = 'coverage' AND bound = 'lower') AS coverage_low,
  max(p50) FILTER (quantity = 'coverage' AND bound = 'point') AS coverage_mid,
  max(p95) FILTER (quantity = 'coverage' AND bound = 'upper') AS coverage_high,
  max(p50) FILTER (quantity = 'attributable_revenue_usd' AND bound = 'point') AS attributable_mid_usd,
  max(p50) FILTER (quantity = 'required_revenue_usd' AND bound = 'point') AS required_mid_usd,
  max(known_on) FILTER (quantity = 'coverage') AS known_on,
  any_value(reason ORDER BY bound) FILTER (quantity = 'coverage' AND bound = 'point') AS reason,
  max(grade) FILTER (quantity = 'coverage') AS grade
FROM marts.waste_simulation
WHERE quantity IN ('coverage', 'attributable_revenue_usd', 'required_revenue_usd')
GROUP BY scope, revenue_view
ORDER BY scope <> 'ALL', scope, revenue_view;
COMMENT ON COLUMN main.coverage.coverage_low IS 'one draw in twenty is below it, with the least revenue that is possible [ratio]';
COMMENT ON COLUMN main.coverage.coverage_mid IS 'middle draw, with the revenue that is best known; null where none is [ratio]';
COMMENT ON COLUMN main.coverage.coverage_high IS 'one draw in twenty is above it, with the most revenue that is possible [ratio]';
COMMENT ON COLUMN main.coverage.attributable_mid_usd IS 'AI revenue that is counted, in a year: the middle draw [USD a year]';
COMMENT ON COLUMN main.coverage.required_mid_usd IS 'AI revenue that the spending has to bring in a year: the middle draw [USD a year]';
