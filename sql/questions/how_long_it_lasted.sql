-- How much of the suppliers' and Nvidia's loss of 27 January 2025 came back, and could a test have seen it last?
SELECT ticker, window_start, window_end, abnormal_return, p_value, smallest_detectable_car, sees_first_day_loss, reason
FROM marts.event_study
WHERE event_date = DATE '2025-01-27' AND ticker IN ('NVDA', 'portfolio:supplier', 'portfolio:power')
  AND benchmark = 'SPY' AND model = 'market_model' AND return_kind = 'simple'
  AND (window_start, window_end) IN ((0, 0), (0, 1), (0, 10), (2, 10), (0, 60))
ORDER BY ticker, window_end, window_start
