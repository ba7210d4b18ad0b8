-- What did the method change, and what did the versions before and after it answer on that day?
SELECT version, change, changed_on, overall_verdict_before AS overall_before, overall_verdict_after AS overall_after
FROM method_changes
ORDER BY version, change
