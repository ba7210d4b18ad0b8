-- How many checks did the last run make, and how many held?
SELECT severity, how, count(*) AS checks, count(*) FILTER (success) AS held, count(*) FILTER (NOT success) AS failed
FROM quality.results
WHERE expectation <> 'source_notice' AND run_id = (SELECT arg_max(run_id, started_at) FROM provenance.runs)
GROUP BY severity, how
ORDER BY severity, how
