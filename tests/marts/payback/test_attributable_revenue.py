"""No dollar counts twice, nothing is left out silently, and a seller who tells nothing is bounded."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.declared import failing
from tests.marts.verdict.plain import faults
from warehouse.assumptions import load
from warehouse.marts import QUARANTINED, known
from warehouse.marts.common.reasons import codes
from warehouse.marts.payback import attributable_revenue
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
INDUSTRY = "Industry, de-duplicated end customers"


def facts_of(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {"topic": "ai_revenue", "entity": "Microsoft", "metric": "ai_run_rate", "unit": "USD/year", "value": 10e9,
             "value_low": None, "value_high": None, "as_of_date": date(2026, 1, 1), "known_on": date(2026, 2, 1),
             "grade": "C"}  # fmt: skip
    named = [{"evidence_id": f"CC{i:03}", "locator": f"line {i}", **usual, **row} for i, row in enumerate(rows)]
    types = {"value_low": pl.Float64, "value_high": pl.Float64, "value": pl.Float64}
    return with_provenance(CORE["evidence"], pl.DataFrame(named, schema_overrides=types))


def lines(
    evidence: pl.DataFrame,
    scope: str = "MSFT",
    view: str = "infrastructure",
    quarantined: pl.DataFrame | None = None,
) -> list[dict[str, Any]]:
    waiting = pl.DataFrame(schema=QUARANTINED) if quarantined is None else quarantined
    given = {"evidence": evidence, "quarantined": waiting}
    found = attributable_revenue.MART.run(given, as_of=AS_OF, assumptions=load())
    assert set(failing(attributable_revenue.TABLE, found).values()) <= {0}
    return found.filter((pl.col("scope") == scope) & (pl.col("revenue_view") == view)).to_dicts()


def used(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["evidence_id"]: row["used_as"] for row in rows if row["counted"]}


# ---- The snapshot: the views line by line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "view", "wanted"),
    [
        ("ALL", "end_customer", {"CC120": "estimate", "EV2028": "estimate"}),
        ("ALL", "infrastructure",
         {"EV2001": "disclosed", "EV2002": "disclosed", "EV2003": "outside_estimate", "EV2009": "bound"}),
        ("MSFT", "infrastructure", {"EV2001": "disclosed"}),
        ("AMZN", "infrastructure", {"EV2002": "disclosed"}),
        ("GOOGL", "infrastructure", {"EV2003": "outside_estimate", "EV2009": "bound"}),
        ("META", "infrastructure", {}),
    ],
)  # fmt: skip
def test_what_counts_in_the_snapshot(scope, view, wanted, facts):
    assert used(lines(known(facts, AS_OF)["evidence"], scope, view)) == wanted


def test_google_lies_between_nothing_and_its_whole_cloud(facts):
    """Two quarters are known (24.768 and 20.0 billion); the two before count as the next known one."""
    rows = {row["evidence_id"]: row for row in lines(known(facts, AS_OF)["evidence"], "GOOGL")}
    ends = rows["EV2009"]
    assert (ends["low_usd"], ends["value_usd"], ends["high_usd"]) == (0, None, pytest.approx(24.768e9 + 3 * 20e9))
    assert codes(ends["reasons"]) == ["bounded_by_whole_cloud", "cloud_quarters_unknown"]
    assert codes(rows["EV2003"]["reasons"]) == ["outside_estimate"]


def test_meta_sells_no_computing_and_its_advertising_is_no_line(facts):
    rows = lines(known(facts, AS_OF)["evidence"], "META")
    assert codes(next(row for row in rows if row["evidence_id"] == "")["reasons"]) == ["sells_no_computing"]
    assert not any(row["counted"] for row in rows)


def test_a_trailing_year_and_the_labs_stand_beside(facts):
    rows = {row["evidence_id"]: row for row in lines(known(facts, AS_OF)["evidence"], "ALL", "end_customer")}
    assert (rows["CC119"]["used_as"], codes(rows["CC119"]["reasons"])) == ("beside", ["another_basis"])
    labs = [row for row in rows.values() if row["entity"] in ("OpenAI", "Anthropic")]
    assert {row["used_as"] for row in labs} == {"lab"}
    assert not any(row["counted"] for row in labs)


def test_before_the_estimates_there_is_no_end_customer_revenue(facts):
    found = lines(known(facts, date(2026, 4, 30))["evidence"], "ALL", "end_customer")
    assert used(found) == {}


@pytest.mark.parametrize("day", [date(2024, 11, 30), date(2025, 1, 31), AS_OF])
def test_no_revenue_is_in_two_views_of_a_scope(day, facts):
    found = attributable_revenue.MART.run(known(facts, day), as_of=day, assumptions=load())
    twice = found.filter("counted").group_by("scope", "evidence_id").len().filter(pl.col("len") > 1)
    assert twice.is_empty()


# ---- Made up -----------------------------------------------------------------------------------------------------------


def test_the_figure_about_the_latest_day_counts_and_the_rest_says_why():
    found = lines(facts_of({"as_of_date": date(2025, 1, 1), "value": 5e9}, {}))
    assert used(found) == {"CC001": "disclosed"}
    assert (found[0]["used_as"], codes(found[0]["reasons"])) == ("earlier", ["later_figure_known"])


def test_a_figure_said_twice_on_one_day_counts_once_by_the_better_source():
    found = lines(facts_of({"as_of_date": date(2026, 1, 20)}, {"grade": "A"}))
    assert used(found) == {"CC001": "disclosed"}
    assert codes(found[0]["reasons"]) == ["same_figure_of_better_grade"]


def quarter(usd: float, day: date, **row: Any) -> dict[str, Any]:
    return {"entity": "Google Cloud", "metric": "revenue_quarter", "unit": "USD/quarter", "value": usd,
            "as_of_date": day, **row}  # fmt: skip


def test_the_upper_bound_is_the_cloud_of_four_quarters():
    days = [date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30), date(2025, 12, 31), date(2024, 12, 31)]
    four = [quarter(usd * 1e9, day) for usd, day in zip((1, 2, 3, 4, 100), days, strict=True)]
    (ends,) = (row for row in lines(facts_of(*four), "GOOGL") if row["counted"])
    assert (ends["low_usd"], ends["high_usd"], ends["as_of_date"]) == (0, 10e9, date(2025, 12, 31))
    assert codes(ends["reasons"]) == ["bounded_by_whole_cloud"]


def test_a_sellers_own_figure_takes_the_place_of_its_bounds():
    cloud = quarter(20e9, date(2025, 12, 31))
    own = {"entity": "Google Cloud", "value": 60e9, "grade": "A"}
    assert used(lines(facts_of(cloud, own), "GOOGL")) == {"CC001": "disclosed"}
    of_meta = lines(facts_of({"entity": "Meta", "value": 60e9}), "META")
    assert used(of_meta) == {"CC000": "disclosed"}


def test_an_outside_estimate_is_the_middle_and_a_confirmed_one_a_disclosure():
    cloud = quarter(20e9, date(2025, 12, 31))
    guess = {"evidence_id": "EV2003", "entity": "Google Cloud", "value": 30e9}
    assert used(lines(facts_of(cloud, guess), "GOOGL"))["EV2003"] == "outside_estimate"
    assert used(lines(facts_of(cloud, {**guess, "grade": "A"}), "GOOGL")) == {"EV2003": "disclosed"}


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "revenue_quarter", "unit": "USD/quarter"},  # a cloud's whole revenue
        {"metric": "ai_run_rate_guided"},  # an expectation
        {"grade": "D"},
        {"topic": "capacity"},
        {"entity": "Oracle"},
    ],
)
def test_what_is_no_revenue_from_ai_of_this_view(change):
    found = lines(facts_of(change))
    assert used(found) == {}
    assert all(row["reasons"] for row in found)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"unit": "EUR/year"}, "revenue_in_other_currency"),
        ({"value": -1e9}, "revenue_negative"),
        ({"value_low": 12e9, "value_high": 8e9}, "revenue_range_reversed"),
        ({"value_low": 12e9}, "revenue_range_reversed"),
        ({"unit": "USD/quarter"}, "no_yearly_ai_revenue"),
    ],
)
def test_a_figure_that_cannot_be_revenue_is_not_passed_over_for_an_older_one(wrong, code):
    found = lines(facts_of({"as_of_date": date(2025, 1, 1), "value": 5e9}, wrong))
    assert used(found) == {}
    assert (found[1]["used_as"], codes(found[1]["reasons"])) == ("unusable", [code])
    assert found[1]["value_usd"] is None


def test_an_end_customer_estimate_that_is_too_old_stands_beside():
    own = {"entity": INDUSTRY, "metric": "annualised_revenue"}
    other = {"entity": "Industry, priced end demand", "metric": "annualised_revenue_estimate"}
    near, far = ({**other, "as_of_date": date(2025, 10, day)} for day in (1, 1))
    far["as_of_date"] = date(2025, 9, 22)  # 101 days before
    assert set(used(lines(facts_of(own, near), "ALL", "end_customer"))) == {"CC000", "CC001"}
    assert set(used(lines(facts_of(own, far), "ALL", "end_customer"))) == {"CC000"}


def test_a_range_is_kept_and_a_single_figure_is_none():
    found = lines(facts_of({"value_low": 8e9, "value_high": 12e9}, {"as_of_date": date(2025, 1, 1)}))
    low, point = found
    assert (low["low_usd"], low["value_usd"], low["high_usd"], low["has_range"]) == (8e9, 10e9, 12e9, True)
    assert (point["low_usd"], point["high_usd"], point["has_range"]) == (10e9, 10e9, False)


def test_no_facts():
    found = lines(CORE["evidence"].empty(), "ALL", "end_customer")
    assert {row["used_as"] for row in found} == {"none"}
    assert all(codes(row["reasons"]) == ["no_ai_revenue_of_entity"] for row in found)


# ---- A figure in quarantine ------------------------------------------------------------------------------------------


def aside(**changed: Any) -> pl.DataFrame:
    """A newer figure of Microsoft's that a check keeps out."""
    row = {"evidence_id": "T1", "topic": "ai_revenue", "entity": "Microsoft", "metric": "ai_run_rate",
           "as_of_date": date(2026, 9, 30), "known_on": date(2026, 10, 29), "reason_code": "low_not_above_high"}  # fmt: skip
    return pl.DataFrame([row | changed], schema=QUARANTINED)


def test_no_older_figure_stands_for_a_newer_one_in_quarantine():
    older = facts_of({})
    assert used(lines(older)) == {"CC000": "disclosed"}
    found = {row["evidence_id"]: row for row in lines(older, quarantined=aside())}
    assert (found["T1"]["used_as"], found["CC000"]["used_as"]) == ("unusable", "earlier")
    assert not any(row["counted"] for row in found.values())
    assert codes(found["T1"]["reasons"]) == ["revenue_quarantined"]
    assert "low_not_above_high" in found["T1"]["reason"]


@pytest.mark.parametrize(
    "changed",
    [
        {"as_of_date": date(2025, 9, 30)},  # of an earlier day than the one that counts
        {"entity": "Oracle"},
        {"metric": "remaining_performance_obligation"},
        {"topic": "capacity"},
        {"evidence_id": "CC000", "known_on": date(2026, 2, 1)},  # accepted, or corrected, since
        {"as_of_date": None},
    ],
)
def test_a_row_in_quarantine_that_would_not_have_counted_changes_nothing(changed):
    assert used(lines(facts_of({}), quarantined=aside(**changed))) == {"CC000": "disclosed"}


def test_a_correction_in_quarantine_keeps_the_row_that_it_corrects_from_counting():
    changed = {"evidence_id": "CC000", "as_of_date": date(2026, 1, 1), "known_on": date(2026, 5, 1)}
    [row] = lines(facts_of({}), quarantined=aside(**changed))
    assert (row["evidence_id"], row["used_as"], row["known_on"]) == ("CC000", "unusable", date(2026, 5, 1))


def test_a_seller_is_not_bounded_by_an_older_cloud_revenue(facts):
    """Google's whole cloud revenue bounds its AI revenue; where a newer quarter of it is in quarantine, nothing does."""
    evidence = known(facts, AS_OF)["evidence"]
    newer = {"entity": "Google Cloud", "metric": "revenue_quarter", "as_of_date": date(2026, 9, 30)}
    assert used(lines(evidence, "GOOGL")) == {"EV2003": "outside_estimate", "EV2009": "bound"}
    found = lines(evidence, "GOOGL", quarantined=aside(**newer))
    assert used(found) == {}
    assert [row["evidence_id"] for row in found if row["used_as"] == "unusable"] == ["T1"]


def test_an_estimate_of_end_customers_in_quarantine_leaves_its_line(facts):
    evidence = known(facts, AS_OF)["evidence"]
    newer = {"entity": INDUSTRY, "metric": load().value("end_customer_estimates")[INDUSTRY]}
    found = lines(evidence, "ALL", "end_customer", aside(**newer))
    assert [row["entity"] for row in found if row["used_as"] == "unusable"] == [INDUSTRY]
    assert INDUSTRY not in [row["entity"] for row in found if row["counted"]]


def test_the_verdict_says_that_the_newest_revenue_is_in_quarantine(facts, assumptions):
    """Without the row Microsoft is on course by its figure of the summer; with it nobody can tell, and it says why."""
    few = assumptions.replaced({"draws": 2000, "detail": "deciding"})
    day = date(2026, 11, 29)
    rows = build({**facts, "quarantined": aside()}, as_of=day, assumptions=few, only={"verdict"})["verdict"]
    row = rows.filter(scope="MSFT", question="Q3").to_dicts()[0]
    assert (row["verdict"], row["leaning"]) == ("cannot_tell", None)
    assert row["headline"].endswith("cannot be told: the newest AI revenue waits in quarantine.")
    assert "revenue_quarantined" in codes(row["reasons"])
    assert faults(row) == []
    whole = rows.filter(scope="ALL", question="Q3").to_dicts()[0]
    assert (whole["verdict"], whole["leaning"]) == ("cannot_tell", None), "one view alone would seem surer than both"
    before = build({**facts, "quarantined": aside()}, as_of=date(2026, 10, 28), assumptions=few, only={"verdict"})[
        "verdict"
    ]
    assert before.filter(scope="MSFT", question="Q3")["verdict"].item() == "on_course", "it was not public yet"
