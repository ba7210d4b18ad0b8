-- Which tests of the event study call chance an effect on days without an event?
-- param role text = ALL of ALL, supplier, buyer, power, neocloud, adopter: role whose firms are tested; ALL for every firm
SELECT test, window_start AS from_day, window_end AS to_day, rejections, days, round(rejection_share, 3) AS rejection_share,
  round(share_of_quiet_days, 3) AS quiet_share, is_valid_here AS is_valid
FROM event_placebo
WHERE "grouping" = $role
ORDER BY test, from_day, to_day
