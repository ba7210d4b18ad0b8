-- Did the rent of an H100 fall and rise, once a change in who lists is taken out?
-- param gpu_model text = H100 SXM: model as in marts.gpu_price_index
-- param provider_class text = specialist of hyperscaler, specialist, marketplace: class of provider
-- param pricing_kind text = on_demand of on_demand, spot, reserved_1y, reserved_3y: terms of the price
SELECT month, n_providers AS providers, n_matched_providers AS matched, compared_from AS compared,
  round(100 * change, 1) AS change_percent,
  round(matched_index, 3) AS "index", round(real_index, 3) AS real, round(usd_per_gpu_hour, 2) AS usd_per_gpu_hour
FROM gpu_price_chain
WHERE gpu_model = $gpu_model AND provider_class = $provider_class AND pricing_kind = $pricing_kind
ORDER BY month
