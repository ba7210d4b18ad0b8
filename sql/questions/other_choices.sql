-- Would another analyst's choice (life, leases, revenue view, price window, benchmark) give another verdict?
SELECT DISTINCT variant, scope, question, verdict, verdict_as_assumed, is_changed
FROM marts.waste_variants
WHERE is_touched
ORDER BY is_changed DESC, variant, scope, question
