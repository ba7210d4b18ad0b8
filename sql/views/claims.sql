-- Each claim of the article and what became of it: what is claimed, what was found, the finding as of today and on its own day.
CREATE OR REPLACE VIEW main.claims AS
SELECT claim_id, finding, statement, speaker, statement_date, quantity, unit, value_claimed, value_found, value_low, value_high,
  found_text, reason, finding_then, reason_then, changed_since, hearsay, evidence, citation, grade
FROM marts.claim_check
ORDER BY claim_id;
