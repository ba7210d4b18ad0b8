"""One declaration, and everything derived from it says the same."""

import duckdb
import polars as pl
import pytest

from warehouse import marts
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import DUCKDB_TYPES, Column, Table, core

ALL = [*CORE.values(), *SYSTEM.values(), *(mart.table for mart in marts.all_marts().values())]

# The names that users rely on, from the project's interface document.
PROMISED = {
    "core.stock_prices": "ticker date open high low close adj_close volume",
    "core.shares_outstanding": "ticker measured_on shares",
    "core.company_facts": "ticker measure period_start period_end value_usd period_type fiscal_year fiscal_quarter form accession",
    "core.capex_guidance": "ticker issued_on fiscal_year low_usd high_usd",
    "core.corporate_actions": "ticker date kind value",
    "core.gpu_prices": "provider instance gpu_count region pricing_kind observed_on observation_id gpu_model usd_per_gpu_hour "
    "provider_class",
    "core.consumer_prices": "month index_value",
    "core.gpu_specs": "gpu_model bf16_dense_tflops memory_gb interconnect_gb_per_s release_date tdp_w",
    "core.training_runs": "run_id model developer hardware gpu_count gpu_hours training_flop parameters_active tokens "
    "claimed_cost_usd cost_scope",
    "core.ai_models": "model vintage organization published training_flop hardware_quantity",
    "core.model_capability": "model released eci eci_low eci_high training_flop",
    "core.evidence": "evidence_id topic entity metric as_of_date value value_low value_high unit",
    "core.article_claims": "claim_id statement speaker quantity unit value_claimed check_kind",
    "marts.event_study": "event_date ticker benchmark model return_kind window_start window_end role n_estimation alpha beta r2 "
    "sigma actual_return abnormal_return t_stat p_value market_value_change_usd",
    "marts.event_study_tests": "event_date grouping benchmark model return_kind window_start window_end test statistic p_value "
    "n_firms",
    "marts.capex_quarterly": "ticker period_end company fiscal_year fiscal_quarter period_start calendar_quarter capex_usd "
    "capex_ttm_usd revenue_usd operating_cash_flow_usd depreciation_usd capex_to_revenue capex_to_operating_cash_flow",
    "marts.capex_group": "calendar_quarter companies capex_usd capex_ttm_usd coverage_share",
    "marts.gpu_price_index": "month gpu_model provider_class pricing_kind n_offers n_providers p25_usd_per_gpu_hour "
    "median_usd_per_gpu_hour p75_usd_per_gpu_hour median_usd_per_pflop_hour",
    "marts.training_cost": "run_id model cost_scope claimed_cost_usd gpu_hours price_low_usd_per_gpu_hour "
    "price_mid_usd_per_gpu_hour price_high_usd_per_gpu_hour cost_low_usd cost_mid_usd cost_high_usd implied_usd_per_gpu_hour "
    "flop_6nd training_flop sustained_tflops_per_gpu utilisation wall_days finding",
    "marts.capex_vs_training": "ticker calendar_quarter run_id cost_scope capex_usd cost_usd equivalents comparison",
    "marts.training_share": "year models_disclosed models_known disclosure_rate training_flop training_flop_added fleet_flop "
    "training_share is_lower_bound",
    "marts.waste_simulation": "scope revenue_view bound quantity p05 p25 p50 p75 p95 mean draws seed",
    "marts.waste_sensitivity": "scope revenue_view bound quantity driver low high quantity_at_low quantity_at_high "
    "rank_correlation_squared flip_value",
    "marts.value_of_information": "scope question driver probability_of_change learn_from",
    "marts.required_path": "as_of scope revenue_view quarter_end required_revenue_p20_usd required_revenue_p50_usd "
    "required_revenue_p80_usd",
    "marts.path_scores": "scope revenue_view evidence_id path_as_of position found_usd",
    "marts.claim_check": "claim_id statement speaker quantity unit value_claimed value_found value_low value_high finding reason "
    "evidence",
    "marts.verdict": "scope question as_of verdict statement evidence_grade inputs_through",
    "marts.verdict_conditions": "scope question condition quantity value comparison threshold holds statement",
    "marts.verdict_timeline": "as_of scope question verdict evidence_grade reason",
    "quality.results": "run_id table_name expectation column_name severity success unexpected_count row_count checked_at details",
    "quality.quarantine": "run_id table_name row_id reason row document_sha256 locator",
    "provenance.documents": "sha256 source url fetched_at bytes media_type known_on",
    "provenance.runs": "run_id started_at finished_at source as_of outcome versions",
}


@pytest.mark.parametrize("name", PROMISED)
def test_promised_tables_and_columns_exist(name):
    table = {table.full_name: table for table in ALL}[name]
    assert set(PROMISED[name].split()) <= set(table.names)


@pytest.mark.parametrize("table", CORE.values(), ids=lambda t: t.name)
def test_every_fact_says_who_says_so_and_since_when(table):
    for name in ("known_on", "loaded_at", "source", "citation", "document_sha256", "locator", "grade"):
        assert table.column(name).required


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.full_name)
def test_ddl_comments_and_polars_schema_agree_with_the_declaration(table):
    connection = duckdb.connect()
    connection.execute(f"CREATE SCHEMA {table.schema}")
    for statement in table.ddl():
        connection.execute(statement)
    described = connection.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index",
        [table.name],
    ).fetchall()
    types = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    assert [(name, types.get(kind, kind), comment) for name, kind, comment in described] == [
        (column.name, DUCKDB_TYPES[column.type], column.comment) for column in table.columns
    ]
    (about,) = connection.execute("SELECT comment FROM duckdb_tables()").fetchone()
    assert about == table.meaning
    read_back = connection.execute(f"SELECT * FROM {table.full_name}").pl()
    assert table.conform(read_back).schema == table.polars_schema


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.full_name)
def test_every_column_says_what_it_means(table):
    for column in table.columns:
        assert len(column.meaning) > 3, column.name
    assert table.key


def test_a_table_that_names_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="does not declare: nobody"):
        core("t", "a table", [Column("a", "text", "a column")], key=("nobody",))


def test_conform_loses_no_column_silently():
    table = Table("core", "t", "a table", (Column("a", "integer", "a number"),), key=("a",))
    with pytest.raises(ValueError, match="does not declare b"):
        table.conform(pl.DataFrame({"a": [1], "b": [2]}))
