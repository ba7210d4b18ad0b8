-- What each firm's share did on 27 January 2025 (market model, SPY), hardest hit first. Firms that were listed too late for a
-- market model are in a group of their own: they have a return, and a reason in place of an abnormal one.

-- Grain: One row for each firm, on one day: 27 January 2025.
-- Do not sum: returns. Losses of market value may be added, but firms of several roles have little in common.
-- Example: Who fell by more than 10 %, and who came back within 120 trading days?
--   select ticker, actual_return, came_back, recovered_on, days_to_recover from market_day where actual_return < -0.1
-- Example: How much market value did Nvidia lose?
--   select ticker, actual_return, market_value_change_usd from market_day where ticker = 'NVDA'
-- Example: How did firms of each role fall beyond the market?
--   select role, count(*) as firms, median(abnormal_return) as median_abnormal_return from market_day group by all order by all
CREATE OR REPLACE VIEW main.market_day AS
SELECT s.ticker, s.actual_return, s.abnormal_return, p.recovered_on IS NOT NULL AS came_back, p.days_to_recover, p.recovered_on,
  s.market_value_change_usd, s.p_value, s.t_stat, s.role, c.company,
  CASE WHEN s.abnormal_return IS NOT NULL THEN 'market_model' WHEN s.actual_return IS NOT NULL THEN 'return_only' ELSE 'no_return' END
    AS firm_group,
  s.beta, s.n_estimation, s.smallest_detectable_car,
  CASE WHEN s.actual_return IS NOT NULL THEN rank() OVER (ORDER BY s.actual_return NULLS LAST) END AS fall_rank,
  CASE WHEN s.abnormal_return IS NOT NULL THEN rank() OVER (ORDER BY s.abnormal_return NULLS LAST) END AS abnormal_fall_rank,
  later.share_recovered AS share_recovered_10_days, s.event_date, s.session, s.known_on, s.reason, s.grade
FROM marts.event_study s
LEFT JOIN main.companies c ON c.ticker = s.ticker
LEFT JOIN marts.event_persistence p
  ON p.event_date = s.event_date AND p.ticker = s.ticker AND p.basis = 'price' AND p.day = 0 AND s.actual_return < 0
LEFT JOIN marts.event_persistence later
  ON later.event_date = p.event_date AND later.ticker = p.ticker AND later.basis = p.basis AND later.day = 10
WHERE s.event_date = DATE '2025-01-27' AND s.benchmark = 'SPY' AND s.model = 'market_model' AND s.return_kind = 'simple'
  AND s.window_start = 0 AND s.window_end = 0 AND s.role <> 'benchmark' AND NOT starts_with(s.ticker, 'portfolio:')
ORDER BY s.actual_return NULLS LAST, s.ticker;
COMMENT ON COLUMN main.market_day.firm_group IS 'what is known of the firm: market_model (with an abnormal return); return_only (listed too late for a market model); no_return (no price of the day)';
COMMENT ON COLUMN main.market_day.fall_rank IS 'place among all firms with a return, 1 for the largest fall';
COMMENT ON COLUMN main.market_day.abnormal_fall_rank IS 'the same by abnormal return, of the firms that have one';
COMMENT ON COLUMN main.market_day.came_back IS 'whether a later close, within 120 trading days and known by the day of the answer, is at or above that before the fall; false, too, for a firm that did not fall';
COMMENT ON COLUMN main.market_day.recovered_on IS 'day of the first such close; null where there is none yet, or nothing was lost';
COMMENT ON COLUMN main.market_day.days_to_recover IS 'trading days from the fall to that close [trading days]';
COMMENT ON COLUMN main.market_day.share_recovered_10_days IS 'how much of the fall had come back after ten trading days, by the price: 1 is all of it [fraction]';
