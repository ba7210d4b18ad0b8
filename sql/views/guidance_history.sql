-- What each company said it would spend, in the order in which it said so, with the change against its words before on the year.
CREATE OR REPLACE VIEW main.guidance_history AS
SELECT ticker, fiscal_year, issued_on, low_usd, high_usd, (low_usd + high_usd) / 2 AS middle_usd,
  middle_usd - lag(middle_usd) OVER (PARTITION BY ticker, fiscal_year ORDER BY issued_on) AS change_usd, note, grade, known_on, citation
FROM main.capex_guidance
ORDER BY ticker, fiscal_year, issued_on;
