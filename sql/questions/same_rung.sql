-- What did other models cost on the same rung of the ladder as DeepSeek-V3's final run?
-- param rung text = final_run_rental of final_run_rental, research_programme: rung of the scope ladder
SELECT if(length(model) > 24, left(model, 23) || '…', model) AS model, basis, published,
  round(cost_low_usd / 1e6, 1) AS low_usd_m,
  round(cost_mid_usd / 1e6, 1) AS mid_usd_m, round(cost_high_usd / 1e6, 1) AS high_usd_m, round(ratio, 2) AS ratio
FROM training_comparison
WHERE rung = $rung AND ratio IS NOT NULL
ORDER BY published DESC, training_comparison.model, basis
