-- How did specialists' on-demand prices of an H100 SXM move, month by month?
-- param gpu_model text = H100 SXM: model as in marts.gpu_price_index
-- param provider_class text = specialist of hyperscaler, specialist, marketplace: class of provider
-- param pricing_kind text = on_demand of on_demand, spot, reserved_1y, reserved_3y: terms of the price
SELECT month, n_offers, n_providers, round(p25_usd_per_gpu_hour, 2) AS p25_usd,
  round(median_usd_per_gpu_hour, 2) AS median_usd_per_gpu_hour, round(p75_usd_per_gpu_hour, 2) AS p75_usd, grade
FROM gpu_price_index
WHERE gpu_model = $gpu_model AND provider_class = $provider_class AND pricing_kind = $pricing_kind
ORDER BY month
