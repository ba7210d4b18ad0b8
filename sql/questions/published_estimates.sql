-- What do Sequoia, Bain, J.P. Morgan and Goldman Sachs give in their own formulas on these facts?
SELECT if(length(published_by) > 18, left(published_by, 17) || '…', published_by) AS published_by, basis, published_on,
  round(published_usd / 1e9) AS published_usd_bn,
  round(recomputed_usd / 1e9) AS recomputed_usd_bn, round(recomputed_over_published, 2) AS ratio
FROM published_estimates
ORDER BY published_on, evidence_id, basis DESC
