-- Which figures did a later filing change, and by how much?
SELECT ticker, measure, period_start, period_end, min(value_usd) AS lowest_usd, max(value_usd) AS highest_usd,
       count(DISTINCT value_usd) AS versions, max(known_on) AS last_changed_by
FROM core.company_facts
WHERE grade = 'A' AND tag <> ''
GROUP BY ALL
HAVING count(DISTINCT value_usd) > 1
ORDER BY last_changed_by DESC, ticker, measure;
