-- Why do the article, the press and the closing prices give three figures for what Nvidia lost on 27 January 2025?
SELECT figure, round(market_value_change_usd / 1e9, 1) AS change_usd_bn, close_usd, round(shares / 1e9, 2) AS shares_bn,
  shares_measured_on AS counted_on, round(difference_usd / 1e9, 1) AS difference_usd_bn, grade
FROM event_market_value
WHERE ticker = 'NVDA' AND event_date = DATE '2025-01-27'
ORDER BY figure = 'computed' DESC, figure
