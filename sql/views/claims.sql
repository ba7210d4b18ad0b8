-- Each claim of the article and what became of it: what is claimed, what was found, the finding as of today and on its own day.

-- Grain: One row for each claim of the article.
-- Do not sum: value_claimed or value_found, as each claim has its own unit.
-- Example: Which claims are wrong, and why?
--   select claim_id, statement, reason from claims where finding = 'wrong'
-- Example: How many claims have which finding?
--   select finding, count(*) as claims from claims group by all order by all
-- Example: Which findings are others today than on the day of the claim?
--   select claim_id, statement, finding_then, finding from claims where changed_since
CREATE OR REPLACE VIEW main.claims AS
SELECT claim_id, finding, statement, value_claimed, value_found, unit, quantity, value_low, value_high, speaker, statement_date,
  found_text, reason, finding_then, reason_then, changed_since, hearsay, evidence, citation, grade
FROM marts.claim_check
ORDER BY claim_id;
