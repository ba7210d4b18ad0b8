-- Which tests of the event study call chance an effect on days without an event?
SELECT test, "grouping", window_start, window_end, rejections, days, rejection_share, share_of_quiet_days,
       is_valid_here, not_valid_because, assumes, valid_when
FROM marts.event_placebo
ORDER BY test, "grouping", window_start, window_end
