-- How much of the world's computing went into training the models that are known?
SELECT year, models_known AS known, models_disclosed AS disclosed, round(disclosure_rate, 2) AS disclosure_rate,
  printf('%.1e', training_flop_added) AS flop_added,
  round(training_share, 4) AS training_share, is_lower_bound, grade
FROM training_share
ORDER BY year DESC
