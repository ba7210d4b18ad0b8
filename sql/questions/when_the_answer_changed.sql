-- When did the answer for the group change, and why?
SELECT as_of, question, verdict, leaning, headline, evidence_grade, reason
FROM marts.verdict_timeline
WHERE scope = 'ALL'
QUALIFY verdict IS DISTINCT FROM lag(verdict) OVER (PARTITION BY question ORDER BY as_of)
ORDER BY as_of, question
