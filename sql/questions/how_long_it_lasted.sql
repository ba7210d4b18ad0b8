-- How much of the suppliers' and Nvidia's loss of 27 January 2025 came back, and when?
SELECT ticker, basis, day, date, cumulative_return, share_recovered, days_to_recover, recovered_on, reason
FROM marts.event_persistence
WHERE event_date = DATE '2025-01-27' AND ticker IN ('NVDA', 'portfolio:supplier', 'portfolio:power')
  AND day IN (0, 1, 10, 60, 120)
ORDER BY ticker, basis, day
