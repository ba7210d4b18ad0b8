-- What did a training operation cost for DeepSeek-V3, GPT-4, Llama and others, at rental prices?
-- param model text = %: part of a model's name, % for any
SELECT if(length(model) > 26, left(model, 25) || '…', model) AS model, published, round(cost_mid_usd / 1e6, 2) AS cost_usd_m,
  printf('%.1e', training_flop) AS flop,
  round(cost_mid_usd_per_exaflop, 2) AS usd_per_exaflop, round(ratio_to_deepseek_v3, 2) AS ratio_to_v3, grade
FROM model_costs
WHERE training_flop IS NOT NULL AND model ILIKE '%' || $model || '%'
ORDER BY cost_mid_usd DESC, model
