-- Who changed what it had said that it would spend in a year, and by how much?
-- param year integer = 2026: the year that the words are about
SELECT ticker, issued_on, round(low_usd / 1e9, 1) AS low_usd_bn, round(high_usd / 1e9, 1) AS high_usd_bn,
  round(change_usd / 1e9, 1) AS change_usd_bn, replace(basis, 'with_finance_leases', 'leases') AS basis, grade
FROM guidance_history
WHERE fiscal_year = $year
ORDER BY ticker, issued_on
