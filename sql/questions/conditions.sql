-- Which conditions decide a verdict, and which of them hold?
-- param scope text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for the group of four
-- param question text = Q3 of Q1, Q2, Q3, Q4, overall: question of the method
SELECT kind, revenue_view, value, comparison AS is, threshold, unit, holds
FROM verdict_conditions
WHERE scope = $scope AND question = $question AND decides
ORDER BY condition
