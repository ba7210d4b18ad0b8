-- Whether each table was as fresh as its owner promises: at the last run, and how often over all runs that were measured.
-- Nothing is promised where only the packaged snapshot was ever loaded. `overbuild sources` shows the promises as they stand now.

-- Grain: One row for each table; `marts` stands for all marts.
-- Do not sum: runs over tables, as each run measures all of them.
-- Example: Which promises are broken?
--   select table_name, owner, notify, age, at_most, unit, broken_since from promises_kept where state = 'broken'
-- Example: Which promise was broken most often?
--   select table_name, owner, runs_broken, runs_kept from promises_kept order by runs_broken desc limit 5
-- Example: Who answers for which table?
--   select table_name, owner, notify from promises_kept
CREATE OR REPLACE VIEW main.promises_kept AS
WITH last AS (
  SELECT * FROM provenance.promises QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY measured_at DESC) = 1
),
history AS (
  SELECT table_name, count(*) FILTER (state = 'kept') AS runs_kept, count(*) FILTER (state = 'broken') AS runs_broken,
    max(measured_at) FILTER (state = 'broken') AS last_broken_at, max(measured_at) FILTER (state <> 'broken') AS last_not_broken_at
  FROM provenance.promises GROUP BY table_name
),
since AS (
  SELECT p.table_name, min(p.measured_at) AS broken_since
  FROM provenance.promises p JOIN history h USING (table_name)
  WHERE p.state = 'broken' AND (h.last_not_broken_at IS NULL OR p.measured_at > h.last_not_broken_at)
  GROUP BY p.table_name
)
SELECT table_name, l.state, l.age, l.at_most, l.unit, l.owner, l.notify, s.broken_since, h.last_broken_at, l.measured_at,
  l.measured_of, h.runs_kept, h.runs_broken
FROM last l
JOIN history h USING (table_name)
LEFT JOIN since s USING (table_name)
ORDER BY l.state = 'broken' DESC, table_name;
COMMENT ON COLUMN main.promises_kept.runs_kept IS 'runs at which the promise was kept';
COMMENT ON COLUMN main.promises_kept.runs_broken IS 'runs at which the promise was broken';
COMMENT ON COLUMN main.promises_kept.broken_since IS 'first of the runs, without a break up to the last one, at which it was broken; null where it is not';
COMMENT ON COLUMN main.promises_kept.last_broken_at IS 'when it was last broken; null where never';
