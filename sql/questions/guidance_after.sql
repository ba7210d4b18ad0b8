-- Did the buyers cut the spending they had announced, or spend less than the year before, after the event?
SELECT event_date, ticker, fiscal_year, held_against, issued_before_on, base_usd, issued_after_on, guidance_after_usd, change_usd, reason
FROM marts.capex_guidance_change
WHERE event_date = DATE '2025-01-27'
ORDER BY ticker
