-- Did the buyers cut the spending they had announced, or spend less than the year before, after the event?
-- param event date = 2025-01-27: day of the news, of those in marts.event_study
SELECT ticker, fiscal_year AS "year", held_against AS against, round(base_usd / 1e9, 1) AS before_usd_bn,
  issued_after_on AS said_on,
  round(guidance_after_usd / 1e9, 1) AS after_usd_bn, round(change_usd / 1e9, 1) AS change_usd_bn
FROM capex_guidance_change
WHERE event_date = $event
ORDER BY ticker
