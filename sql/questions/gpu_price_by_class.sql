-- What did an hour of an H100 cost on demand, by quarter and class of provider?
-- param gpu text = H100: chip, such as H100, A100 or H200
SELECT calendar_quarter AS quarter, gpu_model, provider_class, round(median_usd_per_gpu_hour, 2) AS median_usd_per_gpu_hour,
  months_with_price AS months, most_providers, grade
FROM gpu_price_by_quarter
WHERE gpu_family = $gpu AND pricing_kind = 'on_demand' AND median_usd_per_gpu_hour IS NOT NULL
ORDER BY quarter DESC, gpu_model, provider_class
