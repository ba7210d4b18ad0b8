-- How did specialists' on-demand prices of an H100 SXM move, month by month?
SELECT month, n_offers, n_providers, p25_usd_per_gpu_hour, median_usd_per_gpu_hour, p75_usd_per_gpu_hour
FROM marts.gpu_price_index
WHERE gpu_model = 'H100 SXM' AND provider_class = 'specialist' AND pricing_kind = 'on_demand'
ORDER BY month;
