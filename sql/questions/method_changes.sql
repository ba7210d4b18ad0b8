-- What did the method change, why, and what did the versions before and after it answer on that day?
SELECT version, change, changed_on, why, overall_verdict_before, overall_verdict_after, q3_verdict_before, q3_verdict_after
FROM marts.method_changes
ORDER BY version, change
