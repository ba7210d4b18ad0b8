-- Which assumption moves a figure of the simulation most?
-- param scope text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for the group of four
-- param quantity text = coverage of coverage, breakeven_growth, redundant_capex_share, required_revenue_usd: the figure
SELECT revenue_view, driver, printf('%.3g', low) AS low, printf('%.3g', high) AS high, round(quantity_at_low, 3) AS at_low,
  round(quantity_at_high, 3) AS at_high,
  round(rank_correlation_squared, 2) AS rank_r2
FROM waste_sensitivity
WHERE scope = $scope AND quantity = $quantity AND bound = 'point'
ORDER BY revenue_view, waste_sensitivity.rank_correlation_squared DESC NULLS LAST, driver
