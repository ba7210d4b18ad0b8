-- What an hour of a GPU rented for in each calendar quarter, newest first: the mean of the middle offers of its months.
-- A month below three providers has no middle offer. A quarter without any such month has no price, and says how many offers there were.

-- Grain: One row for each quarter, GPU model, class of provider and kind of price.
-- Do not sum: anything over rows. The mean over models, classes or kinds of price mixes different things.
-- Example: What did an hour of an H100 cost, by quarter and class of provider?
--   select calendar_quarter, gpu_model, provider_class, median_usd_per_gpu_hour from gpu_price_by_quarter
--   where gpu_family = 'H100' and pricing_kind = 'on_demand'
-- Example: How much more do hyperscalers ask than specialists?
--   select calendar_quarter, provider_class, median_usd_per_gpu_hour from gpu_price_by_quarter
--   where gpu_model = 'H100 SXM' and pricing_kind = 'on_demand' and median_usd_per_gpu_hour is not null
-- Example: What did each model rent for in the newest quarter?
--   select gpu_model, provider_class, pricing_kind, median_usd_per_gpu_hour from gpu_price_by_quarter
--   where calendar_quarter = (select max(calendar_quarter) from gpu_price_by_quarter) and median_usd_per_gpu_hour is not null
CREATE OR REPLACE VIEW main.gpu_price_by_quarter AS
SELECT format('{}Q{}', year(month), quarter(month)) AS calendar_quarter, gpu_model, provider_class, pricing_kind,
  avg(median_usd_per_gpu_hour) AS median_usd_per_gpu_hour,
  count(median_usd_per_gpu_hour) AS months_with_price, max(n_providers) AS most_providers,
  min(median_usd_per_gpu_hour) AS lowest_usd_per_gpu_hour, max(median_usd_per_gpu_hour) AS highest_usd_per_gpu_hour,
  split_part(gpu_model, ' ', 1) AS gpu_family, max(known_on) AS known_on,
  CASE WHEN count(median_usd_per_gpu_hour) = 0 THEN 'no month of the quarter has three providers; the most was ' || max(n_providers)
    WHEN count(median_usd_per_gpu_hour) < 3 THEN 'of ' || count(median_usd_per_gpu_hour) || ' of its three months' END AS reason,
  max(grade) AS grade
FROM marts.gpu_price_index
GROUP BY ALL
ORDER BY calendar_quarter DESC, gpu_model, provider_class, pricing_kind;
COMMENT ON COLUMN main.gpu_price_by_quarter.calendar_quarter IS 'calendar quarter';
COMMENT ON COLUMN main.gpu_price_by_quarter.gpu_family IS 'chip without its form: H100 of H100 SXM, H100 PCIe and H100 NVL';
COMMENT ON COLUMN main.gpu_price_by_quarter.median_usd_per_gpu_hour IS 'mean of the middle offers of the months that have one [USD per GPU-hour]';
COMMENT ON COLUMN main.gpu_price_by_quarter.lowest_usd_per_gpu_hour IS 'middle offer of the cheapest month [USD per GPU-hour]';
COMMENT ON COLUMN main.gpu_price_by_quarter.highest_usd_per_gpu_hour IS 'middle offer of the dearest month [USD per GPU-hour]';
COMMENT ON COLUMN main.gpu_price_by_quarter.months_with_price IS 'months of the quarter that have a middle offer [months]';
COMMENT ON COLUMN main.gpu_price_by_quarter.most_providers IS 'providers in the month that has most of them [providers]';
COMMENT ON COLUMN main.gpu_price_by_quarter.reason IS 'why there is no price, or of how many months it is';
