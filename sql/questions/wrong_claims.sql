-- Which claims of the article are wrong or misleading, and what is right?
SELECT claim_id, statement, value_claimed, value_found, finding, reason
FROM marts.claim_check
WHERE finding IN ('wrong', 'right_but_misleading')
ORDER BY claim_id;
