-- Where there is no verdict, which one do most draws give by themselves?
SELECT scope, question, verdict, leaning, round(leaning_probability, 2) AS leaning_probability, evidence_grade
FROM verdict
WHERE verdict = 'cannot_tell'
ORDER BY question, scope
