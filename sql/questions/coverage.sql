-- How much of the revenue that its spending needs does each company have from AI, and within which interval?
-- param scope text = EACH of EACH, ALL, MSFT, GOOGL, META, AMZN: ticker, ALL for the group, or EACH of them
SELECT scope, revenue_view, round(coverage_low, 2) AS low, round(coverage_mid, 2) AS mid, round(coverage_high, 2) AS high,
  round(attributable_mid_usd / 1e9, 1) AS has_usd_bn, round(required_mid_usd / 1e9, 1) AS needs_usd_bn, grade
FROM coverage
WHERE $scope IN ('EACH', scope)
ORDER BY scope <> 'ALL', scope, revenue_view
