-- What is the answer to each question?
-- param scope text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for the group of four
SELECT question, verdict, leaning, round(leaning_probability, 2) AS probability, evidence_grade AS grade, inputs_through
FROM verdict
WHERE scope = $scope
ORDER BY question <> 'overall', question
