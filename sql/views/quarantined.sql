-- Quarantined rows, with the file and line where they stand, and what was decided about them.

-- Grain: One row for each quarantined row of a source's document and each run that found it.
-- Do not sum: rows over runs, as a row that waits is found again by every run.
-- Example: Which rows wait for a decision?
--   select table_name, row_id, reason, document, locator from quarantined where decision = 'waits'
-- Example: Why are rows quarantined, and how often?
--   select table_name, reason_code, count(distinct row_id) as rows from quarantined group by all order by all
-- Example: What was decided, by whom and why?
--   select row_id, decision, decided_by, decision_reason from quarantined where decision <> 'waits'
DROP VIEW IF EXISTS main.put_aside; -- its name in warehouses of earlier versions
CREATE OR REPLACE VIEW main.quarantined AS
SELECT q.row_id, q.table_name, q.reason, coalesce(c.decision, 'waits') AS decision, q.locator,
  coalesce(q.document_name, d.name) AS document, q.reason_code, q.run_id, c.reason AS decision_reason, c.decided_by, c.decided_at, d.url
FROM quality.quarantine q
LEFT JOIN (SELECT sha256, any_value(name) AS name, any_value(url) AS url FROM provenance.documents GROUP BY sha256) d
  ON d.sha256 = q.document_sha256
LEFT JOIN (FROM quality.decisions QUALIFY row_number() OVER (PARTITION BY row_id ORDER BY decided_at DESC) = 1) c
  ON c.row_id = q.row_id AND c.decision <> 'withdrawn';
COMMENT ON COLUMN main.quarantined.document IS 'name of the document that holds it';
COMMENT ON COLUMN main.quarantined.decision IS 'waits, or what a person decided';
COMMENT ON COLUMN main.quarantined.decision_reason IS 'why it was decided so';
