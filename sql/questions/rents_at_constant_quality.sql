-- Did the rent of an H100 fall and rise, once a change in who lists is taken out?
SELECT month, n_providers, n_matched_providers, compared_from, change, matched_index, dummy_index, usd_per_gpu_hour, reason
FROM marts.gpu_price_chain
WHERE gpu_model = 'H100 SXM' AND provider_class = 'specialist' AND pricing_kind = 'on_demand'
ORDER BY month
