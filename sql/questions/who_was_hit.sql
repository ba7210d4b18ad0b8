-- Did the fall of 27 January 2025 go with a firm's role, its exposure to chips or its size?
-- param event date = 2025-01-27: day of the news, of those in marts.event_study
SELECT window_end AS to_day, specification AS model, variable, round(coefficient, 4) AS coefficient,
  round(standard_error, 4) AS standard_error,
  round(p_value, 3) AS p_value, round(share_of_quiet_days_beyond, 3) AS quiet_share, n_firms AS firms
FROM event_cross_section
WHERE event_date = $event
ORDER BY to_day, specification, variable
