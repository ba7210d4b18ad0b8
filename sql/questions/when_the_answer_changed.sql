-- When did an answer change?
-- param scope text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for the group of four
SELECT as_of, question, lag(verdict) OVER earlier AS before, verdict, occasion
FROM verdict_timeline
WHERE scope = $scope
WINDOW earlier AS (PARTITION BY question ORDER BY as_of)
QUALIFY verdict IS DISTINCT FROM lag(verdict) OVER earlier
ORDER BY as_of, question
