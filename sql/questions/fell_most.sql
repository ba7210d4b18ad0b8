-- Which firms fell most on 27 January 2025, those without a market model among them?
-- param firms integer = 15: how many firms are shown
SELECT fall_rank AS "rank", ticker,
  company, role, firm_group, round(100 * actual_return, 1) AS return_percent,
  round(100 * abnormal_return, 1) AS abnormal, round(t_stat, 1) AS t
FROM market_day
WHERE actual_return IS NOT NULL AND fall_rank <= $firms
ORDER BY fall_rank, ticker
