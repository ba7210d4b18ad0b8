-- Why do the article, the press and the closing prices give three figures for what Nvidia lost on 27 January 2025?
SELECT figure, round(market_value_change_usd / 1e9, 1) AS market_value_change_billion_usd, close_before_usd, close_usd, shares,
       shares_measured_on, round(difference_usd / 1e9, 1) AS difference_billion_usd, explanation, grade
FROM marts.event_market_value
WHERE ticker = 'NVDA' AND event_date = DATE '2025-01-27'
ORDER BY figure = 'computed' DESC, figure
