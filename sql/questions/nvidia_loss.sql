-- How much market value did Nvidia lose on 27 January 2025, and how unusual was the fall?
SELECT event_date, ticker, round(100 * actual_return, 2) AS return_percent, round(100 * abnormal_return, 2) AS abnormal_percent,
       round(t_stat, 1) AS t, round(market_value_change_usd / 1e9, 1) AS market_value_billion_usd
FROM marts.event_study
WHERE ticker = 'NVDA' AND event_date = DATE '2025-01-27' AND benchmark = 'SPY' AND model = 'market_model'
  AND return_kind = 'simple' AND window_start = 0 AND window_end = 0;
