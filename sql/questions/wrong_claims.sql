-- Which claims of the article are wrong or misleading?
SELECT claim_id, finding, value_claimed AS claimed, round(value_found, 2) AS found,
  if(length(statement) > 34, left(statement, 33) || '…', statement) AS statement
FROM claim_check
WHERE finding IN ('wrong', 'right_but_misleading')
ORDER BY finding DESC, claim_id
