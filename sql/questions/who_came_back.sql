-- Who fell by more than a tenth on 27 January 2025, and came back within 120 trading days?
-- param percent real = 10: the fall, in percent
SELECT ticker,
  company, round(100 * actual_return, 1) AS return_percent, came_back, recovered_on AS back_on,
  days_to_recover AS days, round(100 * share_recovered_10_days) AS back_10_day_percent
FROM market_day
WHERE actual_return < -$percent / 100
ORDER BY actual_return, ticker
