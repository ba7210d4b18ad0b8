-- Which AI revenue does each coming quarter need for the spending to pay, in billions of dollars a year?
-- param scope text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for the group of four
SELECT revenue_view, quarter_end, round(required_revenue_p20_usd / 1e9, 1) AS p20_usd_bn,
  round(required_revenue_p50_usd / 1e9, 1) AS p50_usd_bn, round(required_revenue_p80_usd / 1e9, 1) AS p80_usd_bn, grade
FROM breakeven_path
WHERE scope = $scope
ORDER BY revenue_view, quarter_end
