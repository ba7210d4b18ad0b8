-- How old is the newest fact of each source, and how did the last attempt to ask it go?
SELECT source, newest_fact_on, age_days, facts, documents, last_outcome
FROM source_age
ORDER BY age_days DESC NULLS FIRST, source
