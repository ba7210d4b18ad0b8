-- What do Sequoia, Bain, J.P. Morgan and Goldman Sachs give in their own formulas on these facts, and what do they assume?
SELECT published_by, metric, published_on, basis, formula, published_usd, our_input, our_input_usd, input_through,
       recomputed_usd, round(recomputed_over_published, 2) AS recomputed_over_published, assumes, grade, reason
FROM marts.published_estimates
ORDER BY published_on, evidence_id, basis DESC
