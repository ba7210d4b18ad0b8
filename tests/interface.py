"""The names that users and other programs rely on: every table with its key and columns, and every view of `main`.

Copied from the project's interface document, column by column; nothing here is read from the program.
"""

from __future__ import annotations

_EVERY_FACT = "fact_id known_on loaded_at source citation document_sha256 locator grade"
_CORE = {
    "stock_prices": "ticker date open high low close adj_close volume",
    "shares_outstanding": "ticker measured_on shares",
    "company_facts": "ticker measure period_start period_end value_usd period_type fiscal_year fiscal_quarter form accession",
    "capex_guidance": "ticker issued_on fiscal_year low_usd high_usd",
    "corporate_actions": "ticker date kind value",
    "gpu_prices": "provider instance gpu_count region pricing_kind observed_on observation_id gpu_model usd_per_gpu_hour "
    "provider_class",
    "gpu_specs": "gpu_model bf16_dense_tflops memory_gb interconnect_gb_per_s release_date tdp_w",
    "training_runs": "run_id model developer hardware gpu_count gpu_hours training_flop parameters_active tokens "
    "claimed_cost_usd cost_scope",
    "ai_models": "model vintage organization published training_flop hardware_quantity",
    "model_capability": "model released eci eci_low eci_high training_flop",
    "evidence": "evidence_id topic entity metric as_of_date value value_low value_high unit",
    "article_claims": "claim_id statement speaker quantity unit value_claimed check_kind",
    # Not in the document's table, which names it in its text.
    "consumer_prices": "month index_value",
}
_MARTS = {
    "event_study": "event_date ticker benchmark model return_kind window_start window_end role n_estimation alpha beta r2 sigma "
    "actual_return abnormal_return t_stat p_value market_value_change_usd",
    "event_study_tests": "event_date grouping benchmark model return_kind window_start window_end test statistic p_value n_firms",
    "capex_quarterly": "ticker period_end company fiscal_year fiscal_quarter period_start calendar_quarter capex_usd "
    "capex_ttm_usd revenue_usd operating_cash_flow_usd depreciation_usd capex_to_revenue capex_to_operating_cash_flow "
    "finance_lease_assets_usd capex_with_leases_usd",
    "capex_group": "calendar_quarter companies capex_usd capex_ttm_usd coverage_share",
    "capex_yearly": "ticker year_kind year capex_usd finance_lease_assets_usd revenue_usd quarters_known is_complete",
    "gpu_price_index": "month gpu_model provider_class pricing_kind n_offers n_providers p25_usd_per_gpu_hour "
    "median_usd_per_gpu_hour p75_usd_per_gpu_hour median_usd_per_pflop_hour",
    "training_cost": "run_id model cost_scope claimed_cost_usd gpu_hours price_low_usd_per_gpu_hour price_mid_usd_per_gpu_hour "
    "price_high_usd_per_gpu_hour cost_low_usd cost_mid_usd cost_high_usd implied_usd_per_gpu_hour flop_6nd training_flop "
    "sustained_tflops_per_gpu utilisation wall_days finding",
    "capex_vs_training": "ticker calendar_quarter run_id cost_scope capex_usd cost_usd equivalents comparison",
    "training_share": "year models_disclosed models_known disclosure_rate training_flop training_flop_added fleet_flop "
    "training_share is_lower_bound",
    "waste_simulation": "scope revenue_view bound quantity p05 p25 p50 p75 p95 mean draws seed",
    "waste_sensitivity": "scope revenue_view bound quantity driver low high quantity_at_low quantity_at_high "
    "rank_correlation_squared flip_value",
    "claim_check": "claim_id statement speaker quantity unit value_claimed value_found value_low value_high finding reason "
    "evidence",
    "verdict": "scope question as_of verdict leaning leaning_probability headline statement would_change evidence_grade "
    "inputs_through method_version",
    "value_of_information": "scope question driver probability_of_change learn_from",
    "required_path": "as_of scope revenue_view quarter_end required_revenue_p20_usd required_revenue_p50_usd "
    "required_revenue_p80_usd",
    "path_scores": "scope revenue_view evidence_id path_as_of position found_usd",
    "method_changes": "version change changed_on why "
    + " ".join(f"{q}_verdict_{side}" for q in ("overall", "q1", "q2", "q3", "q4") for side in ("before", "after")),
    "verdict_conditions": "scope question condition quantity value comparison threshold holds statement",
    "verdict_timeline": "as_of scope question verdict evidence_grade reason",
}
_SYSTEM = {
    "quality.results": "run_id table_name expectation column_name severity success unexpected_count row_count checked_at details",
    "quality.quarantine": "run_id table_name row_id reason row document_sha256 locator",
    "provenance.documents": "sha256 source url fetched_at bytes media_type known_on",
    "provenance.runs": "run_id started_at finished_at source as_of outcome versions",
}
TABLES: dict[str, list[str]] = (
    {f"core.{name}": f"{columns} {_EVERY_FACT}".split() for name, columns in _CORE.items()}
    | {f"marts.{name}": f"{columns} grade reason".split() for name, columns in _MARTS.items()}
    | {name: columns.split() for name, columns in _SYSTEM.items()}
)
"""Full name of each table with the columns that must exist."""

VIEWS = (
    "capex", "capex_by_year", "market_day", "gpu_price_by_month", "claims", "guidance_history", "source_age", *_CORE,
)  # fmt: skip
"""Views in `main`: those of the picked rows, and those that are put together for a reader."""
