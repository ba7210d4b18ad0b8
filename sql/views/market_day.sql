-- What each firm's share did on 27 January 2025 (market model, SPY), hardest hit first. Firms that were listed too late for a
-- market model are in a group of their own: they have a return, and a reason in place of an abnormal one.
CREATE OR REPLACE VIEW main.market_day AS
SELECT s.ticker, c.company, s.role,
  CASE WHEN s.abnormal_return IS NOT NULL THEN 'market_model' WHEN s.actual_return IS NOT NULL THEN 'return_only' ELSE 'no_return' END
    AS firm_group,
  s.event_date, s.session, s.actual_return, s.abnormal_return, s.t_stat, s.p_value, s.beta, s.n_estimation,
  s.smallest_detectable_car, s.market_value_change_usd,
  CASE WHEN s.actual_return IS NOT NULL THEN rank() OVER (ORDER BY s.actual_return NULLS LAST) END AS fall_rank,
  CASE WHEN s.abnormal_return IS NOT NULL THEN rank() OVER (ORDER BY s.abnormal_return NULLS LAST) END AS abnormal_fall_rank,
  s.grade, s.known_on, s.reason
FROM marts.event_study s
LEFT JOIN main.companies c ON c.ticker = s.ticker
WHERE s.event_date = DATE '2025-01-27' AND s.benchmark = 'SPY' AND s.model = 'market_model' AND s.return_kind = 'simple'
  AND s.window_start = 0 AND s.window_end = 0 AND s.role <> 'benchmark' AND NOT starts_with(s.ticker, 'portfolio:')
ORDER BY s.actual_return NULLS LAST, s.ticker;
COMMENT ON COLUMN main.market_day.firm_group IS 'market_model: with an abnormal return; return_only: listed too late for a market model; no_return: no price of the day';
COMMENT ON COLUMN main.market_day.fall_rank IS 'place among all firms with a return, 1 for the largest fall';
COMMENT ON COLUMN main.market_day.abnormal_fall_rank IS 'the same by abnormal return, of the firms that have one';
