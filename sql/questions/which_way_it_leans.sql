-- Where there is no verdict, which one do most draws give by themselves, and what would settle it?
SELECT scope, question, verdict, leaning, leaning_probability, headline, would_change
FROM marts.verdict
WHERE verdict = 'cannot_tell'
ORDER BY question, scope
