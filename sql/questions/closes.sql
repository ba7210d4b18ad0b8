-- At which price did a share close on each day?
-- param ticker text = NVDA: ticker of the share
-- param since date = 2025-01-21: first day shown
-- param through date = 2025-02-10: last day shown
SELECT date, ticker, round(close, 2) AS close_usd,
  round(100 * (close / lag(close) OVER (ORDER BY date) - 1), 1) AS change_percent,
  volume, grade
FROM stock_prices
WHERE ticker = $ticker AND date <= $through
QUALIFY date >= $since
ORDER BY date
