-- Rows that were put aside, with the file and line where they stand.
CREATE OR REPLACE VIEW main.put_aside AS
SELECT q.run_id, q.table_name, q.reason, q.locator, d.name AS document, d.url
FROM quality.quarantine q LEFT JOIN provenance.documents d ON d.sha256 = q.document_sha256;
