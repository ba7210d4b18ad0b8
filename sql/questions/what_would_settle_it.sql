-- Which unknown would change a verdict most often, if it were known?
-- param scope text = ALL of ALL, MSFT, GOOGL, META, AMZN: ticker, or ALL for the group of four
SELECT question,
  driver, round(probability_of_change, 2) AS probability,
  if(length(learn_from) > 30, left(learn_from, 29) || '…', learn_from) AS learn_from
FROM value_of_information
WHERE scope = $scope AND probability_of_change IS NOT NULL
ORDER BY probability_of_change DESC, question, driver
