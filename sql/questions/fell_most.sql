-- Which firms fell most on 27 January 2025, those without a market model among them?
SELECT fall_rank, ticker, company, role, firm_group, round(100 * actual_return, 1) AS return_percent,
  round(100 * abnormal_return, 1) AS abnormal_percent, round(t_stat, 1) AS t, reason
FROM market_day
WHERE actual_return IS NOT NULL
ORDER BY fall_rank
LIMIT 15
