-- What the final training run of each model would have cost to rent, and that cost per operation, dearest first.
-- The cost is GPU-hours at the rental prices of that time, so models can be compared. What developers claim stands in training_cost.

-- Grain: One row for each model whose GPU-hours are known and had offers to price them.
-- Do not sum: the three costs of a row, which are one cost at low, middle and high rental prices.
-- Example: What did a training operation cost for DeepSeek-V3, GPT-4 and Llama?
--   select model, cost_mid_usd, training_flop, cost_mid_usd_per_exaflop, grade from model_costs
--   where model in ('DeepSeek-V3', 'GPT-4') or model like 'Llama%'
-- Example: Which models cost least per operation?
--   select model, published, cost_mid_usd_per_exaflop from model_costs where cost_mid_usd_per_exaflop is not null
--   order by cost_mid_usd_per_exaflop limit 10
-- Example: How many times the cost of DeepSeek-V3 is each?
--   select model, cost_mid_usd, ratio_to_deepseek_v3 from model_costs
CREATE OR REPLACE VIEW main.model_costs AS
SELECT model, cost_mid_usd, cost_mid_usd / training_flop * 1e18 AS cost_mid_usd_per_exaflop, ratio AS ratio_to_deepseek_v3,
  cost_low_usd, cost_high_usd, training_flop, gpu_hours, hardware, developer, published,
  cost_low_usd / training_flop * 1e18 AS cost_low_usd_per_exaflop, cost_high_usd / training_flop * 1e18 AS cost_high_usd_per_exaflop,
  known_on, reason, grade
FROM marts.training_comparison
WHERE rung = 'final_run_rental' AND basis = 'recomputed' AND cost_mid_usd IS NOT NULL
ORDER BY cost_mid_usd DESC, model;
COMMENT ON COLUMN main.model_costs.cost_low_usd_per_exaflop IS 'lowest cost over operations of training [USD per 1e18 FLOP]';
COMMENT ON COLUMN main.model_costs.cost_mid_usd_per_exaflop IS 'middle cost over operations of training; null where these are unknown [USD per 1e18 FLOP]';
COMMENT ON COLUMN main.model_costs.cost_high_usd_per_exaflop IS 'highest cost over operations of training [USD per 1e18 FLOP]';
COMMENT ON COLUMN main.model_costs.ratio_to_deepseek_v3 IS 'middle cost over that of DeepSeek-V3 [ratio]';
