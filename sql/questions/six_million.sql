-- What would the runs behind "under six million dollars" have cost at the rental prices of their time?
SELECT if(length(model) > 32, left(model, 31) || '…', model) AS model, cost_scope AS scope,
  round(claimed_cost_usd / 1e6, 2) AS claims_usd_m,
  round(cost_low_usd / 1e6, 2) AS low_usd_m, round(cost_mid_usd / 1e6, 2) AS mid_usd_m,
  round(cost_high_usd / 1e6, 2) AS high_usd_m
FROM training_cost
WHERE developer = 'DeepSeek' AND gpu_hours IS NOT NULL
ORDER BY run_id
