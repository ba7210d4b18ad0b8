-- What an hour of a GPU rented for in each month, newest first: the middle offer, and the move of the chained index. The middle is
-- null below three providers, with the reason; changes are read from the index, as another list of providers is another middle.

-- Grain: One row for each month, GPU model, class of provider and kind of price.
-- Do not sum: n_offers or n_providers over months, as most of them are the same again. The mean of medians of several models
--   or kinds of price is no price: choose one, or ask gpu_price_by_quarter.
-- Example: What did an hour of an H100 SXM cost at specialists, month by month?
--   select month, median_usd_per_gpu_hour, n_providers from gpu_price_by_month
--   where gpu_model = 'H100 SXM' and provider_class = 'specialist' and pricing_kind = 'on_demand'
-- Example: Which models have a price in the newest month?
--   select distinct gpu_model from gpu_price_by_month where month = (select max(month) from gpu_price_by_month)
-- Example: How did the index of an H100 SXM move?
--   select month, matched_index, change, change_reason from gpu_price_by_month
--   where gpu_model = 'H100 SXM' and provider_class = 'specialist' and pricing_kind = 'on_demand' and matched_index is not null
CREATE OR REPLACE VIEW main.gpu_price_by_month AS
SELECT i.month, i.gpu_model, i.provider_class, i.pricing_kind, i.median_usd_per_gpu_hour, i.n_providers, c.matched_index, c.change,
  i.p25_usd_per_gpu_hour, i.p75_usd_per_gpu_hour, i.n_offers, i.n_administered, i.median_usd_per_pflop_hour,
  i.median_real_usd_per_gpu_hour, c.n_matched_providers, c.compared_from, c.real_index,
  c.usd_per_gpu_hour AS index_usd_per_gpu_hour, format('{}Q{}', year(i.month), quarter(i.month)) AS calendar_quarter,
  greatest(i.known_on, c.known_on) AS known_on, i.reason, c.reason AS change_reason, greatest(i.grade, c.grade) AS grade
FROM marts.gpu_price_index i
LEFT JOIN marts.gpu_price_chain c USING (month, gpu_model, provider_class, pricing_kind)
ORDER BY i.month DESC, i.gpu_model, i.provider_class, i.pricing_kind;
COMMENT ON COLUMN main.gpu_price_by_month.index_usd_per_gpu_hour IS
  'the chained index as a price: that of the month with the most providers, moved by the index [USD per GPU-hour]';
COMMENT ON COLUMN main.gpu_price_by_month.change_reason IS 'why there is no change, or what to know about it';
COMMENT ON COLUMN main.gpu_price_by_month.calendar_quarter IS 'calendar quarter that holds the month';
