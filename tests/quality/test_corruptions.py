"""The checks are checked: every known corruption is caught by the check that claims it, and the clean snapshot is clean.

A build tries one corruption of each result of each check, because each costs half a second of DuckDB's windows. `make
checks` and `pytest --hypothesis-profile thorough` try them all: the others are further ways to set off the same checks.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import polars as pl
import pytest

from tests.by_sql import by_sql
from tests.conftest import recorded
from tests.examples import STEADY, examples
from tests.quality.corruptions import KINDS
from tests.quality.corruptions.changes import CAPEX, KEPT_OUT, F, Kind, again, each, put
from tests.quality.corruptions.harness import NOW, TODAY, Laboratory, laboratory
from warehouse import marts
from warehouse.assumptions import Assumptions
from warehouse.pipeline import ingest
from warehouse.quality import checks as quality
from warehouse.quality import expectations, known_findings, validate
from warehouse.quality.findings import Report, Target
from warehouse.sources import all_sources
from warehouse.tables import CORE, sec_tags
from warehouse.tables.company_facts import MEASURES


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("laboratory")) as made:
        yield made


def one_of_each_result() -> list[Kind]:
    """Of the corruptions that a check must catch, the first with each result; and all that no check need look at."""
    first: dict[tuple[str, ...], Kind] = {}
    for kind in KINDS:
        unread = kind.caught_by == "reading" and kind.result in ("refused", "left_out")  # which cost next to nothing
        first.setdefault((kind.table, kind.caught_by, kind.result, kind.name if unread else ""), kind)
    return list(first.values())


TRIED = one_of_each_result() if examples(1.0) <= STEADY else KINDS


@pytest.mark.parametrize("kind", TRIED, ids=[kind.name for kind in TRIED])
def test_each_corruption_is_caught_and_kept_out(lab: Laboratory, kind: Kind) -> None:
    found = lab.try_out(kind)
    text = "\n".join(found.messages)
    assert found.result == kind.result, (found.found, text)
    if kind.result == "accepted":
        assert (dict(found.found), found.corrupted) == ({}, 0)
        return
    assert kind.caught_by in found.found, text
    assert [name for name in kind.names if name not in text] == [], text
    if kind.result in KEPT_OUT and kind.result != "critical":
        assert found.corrupted == 0, "a corrupted row came into core"
    if kind.result in ("quarantined", "refused") and kind.body is None and kind.live is None:
        assert f"{kind.table}.csv, line " in text, "the message leads to the file and the line"


UNTRIED = {
    "ai_models.flop_for_its_parameters", "article_claims.known_once_said", "capex_guidance.ticker_of_the_panel",
    "corporate_actions.ticker_of_the_panel", "evidence.amount_possible", "evidence.far_from_the_same_metric",
    "evidence.known_after_it_happened", "gpu_prices.outlier_of_its_chip", "gpu_prices.provider_vanished",
    "model_capability.flop_as_in_the_list_of_models", "model_capability.released_before_it_is_measured",
    "shares_outstanding.ticker_of_the_panel", "stock_prices.sources_agree", "stock_prices.sources_on_one_basis",
    "training_runs.ends_within_two_years",
}  # fmt: skip
"""Checks that no single corrupted file can set off, or that stand in the tests of their table alone."""


def test_every_check_of_a_table_has_a_corruption_that_it_alone_must_catch() -> None:
    """A new check needs a kind of corruption, and every kind names a check that there is."""
    tried = {f"{kind.table}.{kind.caught_by}" for kind in KINDS}
    stated = {f"{name}.{check.name}" for name, table in CORE.items() for check in table.checks}
    assert stated - tried == UNTRIED
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_what_a_build_tries_sets_off_every_check_that_any_corruption_does() -> None:
    tried = {(kind.table, kind.caught_by, kind.result) for kind in one_of_each_result()}
    assert tried == {(kind.table, kind.caught_by, kind.result) for kind in KINDS}


def test_the_clean_snapshot_raises_no_warning_that_is_not_explained(lab: Laboratory) -> None:
    assert {name: found for name, found in lab.clean.items() if found} == {}


def test_every_known_finding_is_still_found(lab: Laboratory) -> None:
    """An explanation of what no check finds any more explains nothing."""
    for known in known_findings.entries():
        [table] = [table for table in CORE.values() if table.full_name == known.table]
        [check] = [check for check in table.checks if check.name == known.check]
        assert any(known.matches(row) for row in lab.rows_found(check, table)), known
        assert check.severity == "warning"


ONE_OF_EACH = [
    next(kind for kind in KINDS if kind.result == "quarantined" and kind.table == table and (kind.live is None) != live)
    for table, live in ((F, False), (F, True), ("stock_prices", False), ("gpu_prices", False), ("evidence", False))
]


@pytest.mark.parametrize("kind", ONE_OF_EACH, ids=[kind.name for kind in ONE_OF_EACH])
def test_great_expectations_says_the_same_of_rows_that_wait(lab: Laboratory, kind: Kind, monkeypatch) -> None:
    """What is quarantined, why and in which words does not depend on who is asked."""
    by_sql = lab.try_out(kind)
    monkeypatch.setattr(lab, "great_expectations", True)
    assert lab.try_out(kind) == by_sql


def validated(lab: Laboratory, *tables: str) -> Report:
    targets = [Target(CORE[name], CORE[name].full_name, "all") for name in tables]
    return validate.validate(lab.store.connection, targets, run_id="R", checked_at=NOW, today=TODAY)


def test_great_expectations_says_the_same(lab: Laboratory, monkeypatch) -> None:
    """What is found by the declared SQL is what a run finds: known findings set apart, and rows that are bad."""
    report = validated(lab, "training_runs")
    assert (report.warnings, report.failed_critical, report.broken) == ([], [], [])
    assert any("TR016" in one.found for found in report.findings for one in found.explained)
    details = report.results.filter(pl.col("expectation") == "implied_price_of_a_rental")
    assert details["success"].to_list() == [True]
    assert "explained" in details["details"][0]
    with lab.as_it_was("gpu_specs"):
        lab.store.execute(
            "UPDATE core.gpu_specs SET grade = 'Z', citation = ' ', known_on = '2999-01-01', bf16_dense_tflops = -1 WHERE rowid < 3"
        )
        bad = validated(lab, "gpu_specs")
        monkeypatch.setattr(expectations, "opened", by_sql)
        assert validated(lab, "gpu_specs").findings == bad.findings
    assert len([finding for finding in bad.findings if not finding.success]) > 2
    assert validated(lab, "training_runs").findings == report.findings


def test_a_known_finding_whose_value_changes_is_new(lab: Laboratory) -> None:
    kind = Kind("", "training_runs", "", "", rows=put({"claimed_cost_usd": "1100000"}, run_id="TR016"))
    found = lab.try_out(kind)
    assert found.found["implied_price_of_a_rental"] == "warning"
    assert "TR016" in "\n".join(found.messages)


@pytest.mark.parametrize("grade", ["A", "C"])
@pytest.mark.parametrize("beside", [True, False])
def test_the_page_that_shows_amazons_quarter_as_0_796_billion_reaches_no_mart(
    lab: Laboratory, assumptions: Assumptions, grade: str, beside: bool
) -> None:
    """A known public error (a difference taken across two tags): in place of the good rows, or beside them."""
    quarter = {"ticker": "AMZN", "measure": "purchases_of_property_and_equipment", "period_type": "quarter",
               "period_end": "2025-12-31"}  # fmt: skip
    wrong = {"value_usd": "796000000", "citation": "a page", "grade": grade, "known_on": "2026-02-10"}
    change = again(wrong, **quarter) if beside else put(wrong, most=9, **quarter)
    seen = []

    def look(laboratory: Laboratory) -> None:
        facts = {name: laboratory.store.rows(CORE[name]) for name in ("company_facts", "companies")}
        built = marts.all_marts()["capex_quarterly"].build(
            **facts, quarantined=pl.DataFrame(schema=marts.QUARANTINED), assumptions=assumptions
        )
        seen.append(
            built.filter((pl.col("ticker") == "AMZN") & (pl.col("calendar_quarter") == "2025Q4"))["capex_usd"].to_list()
        )

    found = lab.try_out(Kind("", F, "", "", rows=change), then=look)
    assert found.found["far_from_both_neighbours"] == "quarantined"
    assert "company_facts.csv, line " in found.messages[0]
    assert "796000000" in found.messages[0]
    [values] = seen
    assert all(value is None or value > 30e9 for value in values), values
    if beside:
        assert values == [pytest.approx(39.5e9, rel=0.05)]


def test_a_row_that_stands_apart_at_first_is_named_once_its_neighbours_are_there(lab: Laboratory) -> None:
    """Rows beside each other are looked at together with those that were loaded before."""
    table = CORE[F]
    [check] = [check for check in table.checks if check.name == "a_thousandfold_off"]
    sql = quality.bad_rows(check, today=TODAY, relation="staging.company_facts")
    assert "core.company_facts" in sql
    assert "core.company_facts" in quality.bad_rows(check, today=TODAY, relation="core.company_facts")
    assert lab.try_out(Kind("", F, "", "", rows=put({"value_usd": "15804"}, **CAPEX))).result == "quarantined"


COMPANIES = {
    "AAPL": ("aapl_companyfacts_full_2026", 320193, 9), "GOOGL": ("googl_companyfacts_full_2026", 1652044, 12),
    "NVDA": ("nvda_companyfacts_full_2026", 1045810, 1), "META": ("meta_companyfacts_trimmed_2026-08", 1326801, 12),
    "MSFT": ("msft_companyfacts_trimmed_2026-08", 789019, 6),
}  # fmt: skip


def test_what_the_sec_really_sent_loses_no_row_and_only_tells_the_splits_that_no_source_has(lab: Laboratory) -> None:
    """Three splits lie before the snapshot: 7:1 in 2014 and 4:1 in 2020 of Apple, 4:1 in 2021 of NVIDIA."""
    bodies = {ticker: recorded("sec", f"{name}.json.gz").read_bytes() for ticker, (name, _, _) in COMPANIES.items()}

    [source] = [source for source in all_sources() if source.name == "sec"]
    with lab.as_it_was(F, "shares_outstanding"):
        for number, (ticker, (_, cik, month)) in enumerate(COMPANIES.items()):
            url = f"https://data.sec.gov/api/xbrl/companyfacts/CIK{cik:010}.json"
            context = {"ticker": ticker, "fiscal_year_end_month": str(month)}
            body, sha256 = gzip.decompress(bodies[ticker]), f"{number + 1}" * 64
            lab._stage(F, body, f"facts of {ticker}", sha256, source, url, context)
        assert lab.quarantine().messages == []
        ingest.load(lab.store)
        assert dict(lab._found(CORE[F])) == {}
        [check] = [check for check in CORE["shares_outstanding"].checks if check.name == "count_as_before"]
        sql = quality.bad_rows(check, today=TODAY, relation="core.shares_outstanding")
        found = lab.store.execute(
            f"SELECT ticker, year(measured_on), nearest_split FROM ({sql}) ORDER BY ALL"
        ).fetchall()
        assert found == [("AAPL", 2014, "7:1"), ("AAPL", 2020, "4:1"), ("NVDA", 2021, "4:1")]


def test_a_filing_number_as_the_folders_of_the_sec_write_it_is_in_form(lab: Laboratory) -> None:
    undashed = lab.try_out(Kind("", F, "", "", rows=each({"accession": lambda text: text.replace("-", "")})))
    assert (undashed.result, dict(undashed.found)) == ("accepted", {})


def test_every_measure_of_the_list_of_tags_is_one_that_the_table_knows() -> None:
    assert {measure.name for measure in sec_tags.tags("MSFT")} <= set(MEASURES)
