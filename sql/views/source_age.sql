-- How old the newest fact of each source is, the oldest first: as of the day of the answer, not of the day that you look.
-- A live source's last success stands beside it. `overbuild sources` says what to do about one that is stale.

-- Grain: One row for each source.
-- Do not sum: facts over sources to count things, as two sources may say the same.
-- Example: Which source is the oldest?
--   select source, newest_fact_on, age_days from source_age order by age_days desc limit 5
-- Example: Which tables does each source fill?
--   select source, tables, facts from source_age
-- Example: Which sources failed when they were asked last?
--   select source, last_outcome, last_success_at from source_age where last_outcome <> 'good'
CREATE OR REPLACE VIEW main.source_age AS
WITH facts AS (
  SELECT 'ai_models' AS table_name, source, source_kind, known_on FROM core.ai_models
  UNION ALL SELECT 'article_claims' AS table_name, source, source_kind, known_on FROM core.article_claims
  UNION ALL SELECT 'capex_guidance' AS table_name, source, source_kind, known_on FROM core.capex_guidance
  UNION ALL SELECT 'companies' AS table_name, source, source_kind, known_on FROM core.companies
  UNION ALL SELECT 'company_facts' AS table_name, source, source_kind, known_on FROM core.company_facts
  UNION ALL SELECT 'consumer_prices' AS table_name, source, source_kind, known_on FROM core.consumer_prices
  UNION ALL SELECT 'corporate_actions' AS table_name, source, source_kind, known_on FROM core.corporate_actions
  UNION ALL SELECT 'evidence' AS table_name, source, source_kind, known_on FROM core.evidence
  UNION ALL SELECT 'gpu_prices' AS table_name, source, source_kind, known_on FROM core.gpu_prices
  UNION ALL SELECT 'gpu_specs' AS table_name, source, source_kind, known_on FROM core.gpu_specs
  UNION ALL SELECT 'model_capability' AS table_name, source, source_kind, known_on FROM core.model_capability
  UNION ALL SELECT 'shares_outstanding' AS table_name, source, source_kind, known_on FROM core.shares_outstanding
  UNION ALL SELECT 'stock_prices' AS table_name, source, source_kind, known_on FROM core.stock_prices
  UNION ALL SELECT 'training_runs' AS table_name, source, source_kind, known_on FROM core.training_runs
),
answered AS (SELECT as_of FROM provenance.runs ORDER BY started_at DESC LIMIT 1),
loaded AS (
  SELECT source, any_value(source_kind) AS source_kind, count(*) AS facts, list_sort(list(DISTINCT table_name)) AS tables,
    max(known_on) AS newest_fact_on
  FROM facts WHERE known_on <= (FROM answered) GROUP BY source
),
received AS (SELECT source, count(*) AS documents, max(fetched_at) AS last_fetched_at FROM provenance.documents GROUP BY source),
asked AS (
  SELECT source, arg_max(outcome, checked_at) AS last_outcome, max(last_success_at) AS last_success_at
  FROM provenance.source_runs GROUP BY source
)
SELECT source, a.as_of - l.newest_fact_on AS age_days, l.newest_fact_on, s.last_outcome, l.facts, r.documents, l.tables,
  s.last_success_at, r.last_fetched_at, l.source_kind, a.as_of,
  CASE WHEN l.newest_fact_on IS NULL THEN 'no fact of it is known yet' END AS reason
FROM loaded l
FULL JOIN received r USING (source)
FULL JOIN asked s USING (source)
CROSS JOIN answered a
ORDER BY age_days DESC NULLS FIRST, source;
COMMENT ON COLUMN main.source_age.source IS 'source of the facts';
COMMENT ON COLUMN main.source_age.tables IS 'tables of core that it fills';
COMMENT ON COLUMN main.source_age.facts IS 'rows of core that came from it, known by the day of the answer';
COMMENT ON COLUMN main.source_age.documents IS 'documents of it in the archive';
COMMENT ON COLUMN main.source_age.newest_fact_on IS 'day on which its newest fact became public';
COMMENT ON COLUMN main.source_age.as_of IS 'date that the answer is as of';
COMMENT ON COLUMN main.source_age.age_days IS 'days from its newest fact to the day of the answer [days]';
COMMENT ON COLUMN main.source_age.last_fetched_at IS 'when its newest document was fetched';
COMMENT ON COLUMN main.source_age.last_outcome IS 'how the last run that asked it went';
COMMENT ON COLUMN main.source_age.last_success_at IS 'when it last brought all that was asked for';
COMMENT ON COLUMN main.source_age.reason IS 'why its newest fact is unknown';
