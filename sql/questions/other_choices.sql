-- Would another analyst's choice (life, leases, revenue view, price window, benchmark) give another verdict?
-- param scope text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for the group of four
SELECT variant, question, any_value(verdict) AS verdict, any_value(verdict_as_assumed) AS as_assumed
FROM waste_variants
WHERE is_touched AND scope = $scope
GROUP BY variant, question
ORDER BY bool_or(is_changed) DESC, variant, question
