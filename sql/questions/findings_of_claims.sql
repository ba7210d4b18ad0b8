-- How many claims of the article have which finding, today and on the day of the claim?
SELECT finding, count(*) AS claims, count(*) FILTER (finding_then = finding) AS same_on_its_day,
  list(claim_id ORDER BY claim_id)[:6] AS first_claims
FROM claims
GROUP BY finding
ORDER BY claims DESC, finding
