-- How much of the suppliers' and Nvidia's loss of 27 January 2025 came back, and could a test have seen it last?
-- param event date = 2025-01-27: day of the news, of those in marts.event_study
SELECT ticker, window_start AS from_day, window_end AS to_day, round(100 * abnormal_return, 1) AS abnormal_percent,
  round(p_value, 3) AS p_value, round(100 * smallest_detectable_car, 1) AS detectable_percent, sees_first_day_loss AS sees_loss
FROM event_study
WHERE event_date = $event AND ticker IN ('NVDA', 'portfolio:supplier', 'portfolio:power')
  AND benchmark = 'SPY' AND model = 'market_model' AND return_kind = 'simple'
  AND (window_start, window_end) IN ((0, 0), (0, 1), (0, 10), (2, 10), (0, 60))
ORDER BY ticker, window_end, window_start
