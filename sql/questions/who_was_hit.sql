-- Did the fall of 27 January 2025 go with a firm's role, its exposure to chips or its size?
SELECT window_end, specification, variable, coefficient, standard_error, p_value, share_of_quiet_days_beyond, n_firms, r2, reason
FROM marts.event_cross_section
WHERE event_date = DATE '2025-01-27'
ORDER BY window_end, specification, variable
