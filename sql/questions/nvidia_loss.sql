-- How much market value did Nvidia lose on 27 January 2025, and how unusual was the fall?
-- param event date = 2025-01-27: day of the news, of those in marts.event_study
-- param ticker text = NVDA: ticker of the share
SELECT event_date, ticker, round(100 * actual_return, 2) AS return_percent, round(100 * abnormal_return, 2) AS abnormal_percent,
  round(t_stat, 1) AS t, round(market_value_change_usd / 1e9, 1) AS market_value_usd_bn, grade
FROM event_study
WHERE ticker = $ticker AND event_date = $event AND benchmark = 'SPY' AND model = 'market_model'
  AND return_kind = 'simple' AND window_start = 0 AND window_end = 0
