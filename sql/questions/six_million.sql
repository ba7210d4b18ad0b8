-- What would the runs behind "under six million dollars" have cost at the rental prices of their time?
SELECT run_id, model, cost_scope, claimed_cost_usd, round(cost_low_usd) AS cost_low_usd, round(cost_mid_usd) AS cost_mid_usd,
       round(cost_high_usd) AS cost_high_usd, finding, reason
FROM marts.training_cost
WHERE developer = 'DeepSeek' AND gpu_hours IS NOT NULL
ORDER BY run_id;
