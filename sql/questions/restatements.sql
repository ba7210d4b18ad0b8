-- Which figures did a later filing change, and by how much?
-- param company text = ALL: ticker, or ALL
SELECT ticker, measure, period_start AS starts, period_end AS ends,
  round((max(value_usd) - min(value_usd)) / 1e6, 1) AS by_usd_m, max(known_on) AS changed_by
FROM core.company_facts
WHERE grade = 'A' AND tag <> '' AND $company IN ('ALL', ticker)
GROUP BY ticker, measure, period_start, period_end
HAVING count(DISTINCT value_usd) > 1
ORDER BY changed_by DESC, ticker, measure, period_end
