-- What did other models cost on the same rung of the ladder as DeepSeek-V3's final run?
SELECT model, basis, developer, published, gpu_hours, cost_low_usd, cost_mid_usd, cost_high_usd, ratio, grade
FROM marts.training_comparison
WHERE rung = 'final_run_rental' AND ratio IS NOT NULL
ORDER BY published DESC, model, basis
