"""What goes into the models of Q3: one date for all, revenue at its bounds, growth seen, and what a year brought."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.conftest import with_provenance
from tests.marts.payback.cases import (
    A_YEAR_BEFORE,
    ON,
    POINTS_Q3,
    bound,
    earlier,
    grown,
    line,
    model,
    revenue,
    view_of,
    vintages,
)
from warehouse.marts.common.reasons import codes
from warehouse.marts.payback.payback_model import Payback
from warehouse.tables import CORE

BILLION = 1_000_000_000
VALUES = {"life": 5.0, "discount_rate": 0.1, "cash_margin": 0.5, "ai_share": 0.6, "attributable_revenue": 40.0}


def crf(rate: float, life: float) -> float:
    return rate / (1 - (1 + rate) ** -life)


def test_every_quantity_by_hand():
    """100 spent a year ago and 200 three years ago; 10 earned a year ago, 90 spent in the year whose service began."""
    found = Payback((100.0, 200.0), (1.0, 3.0), 90.0, 10.0, lowest_growth=0.5)(VALUES)
    required = 300 * 0.6 * crf(0.1, 5) / 0.5
    assert found["required_revenue_usd"] == pytest.approx(required)
    assert found["coverage"] == pytest.approx(40 / required)
    assert found["marginal_coverage"] == pytest.approx((40 - 10) / (90 * 0.6 * crf(0.1, 5) / 0.5))
    assert found["remaining_life_years"] == pytest.approx((100 * 4 + 200 * 2) / 300)
    owed = sum(usd * (1 - 1.1 ** -(5 - age)) / (1 - 1.1**-5) for usd, age in ((100, 1), (200, 3)))
    assert found["standing_capital_usd"] == pytest.approx(0.6 * owed)
    years = (100 * 4 + 200 * 2) / 300
    x = __import__("math").log(1.5 / 1.1)
    worth = ((1.5 / 1.1) ** years - 1) / x
    assert found["breakeven_revenue_usd"] == pytest.approx(0.6 * owed / 0.5 / worth)


def test_the_industrys_revenue_counts_by_the_groups_share():
    found = Payback((100.0,), (1.0,), owned_h100=12.0)({**VALUES, "fleet": 20.0})
    assert found["attributable_revenue_usd"] == pytest.approx(24.0)


def test_all_is_of_the_date_of_the_revenue(assumptions):
    """Revenue of the end of 2025 meets the spend to then, whatever was spent since."""
    early = view_of(assumptions, attributable_revenue=revenue(line("Microsoft", 20e9, date(2025, 12, 31))))
    assert early.on == date(2025, 12, 31)
    formula = early["point"].formula
    assert isinstance(formula, Payback)
    assert len(formula.capex_usd) == 8
    assert formula.ages_years[0] == pytest.approx((date(2025, 12, 31) - date(2025, 11, 15)).days / 365.25)


def test_a_seller_without_a_figure_has_three_models(assumptions):
    lines = revenue(bound("Google Cloud", 80e9), line("Google Cloud", 25e9, low_usd=10e9, high_usd=30e9, has_range=True,
                    used_as="outside_estimate", evidence_id="EV2003"), scope="GOOGL")  # fmt: skip
    frames = {"attributable_revenue": lines, "capex_vintages": vintages({2025: 40 * BILLION}, "GOOGL")}
    ends = {
        name: model(assumptions, "GOOGL", bound=name, **frames).driver("attributable_revenue")
        for name in ("lower", "upper", "point")
    }
    assert (ends["lower"].low, ends["lower"].high) == (0, 0)
    assert (ends["upper"].low, ends["upper"].high) == (80e9, 80e9)
    assert (ends["point"].low, ends["point"].high) == (10e9, 30e9)
    older = {**frames, "attributable_revenue": revenue(bound("Google Cloud", 80e9), line("Google Cloud", 25e9,
             date(2026, 3, 31), used_as="outside_estimate", evidence_id="EV2003"), scope="GOOGL")}  # fmt: skip
    marked = {
        name: "revenue_of_an_earlier_day" in codes(model(assumptions, "GOOGL", bound=name, **older).notes)
        for name in ends
    }
    assert marked == {"lower": False, "upper": False, "point": True}, "an estimate of March meets the spend to June"
    alone = {**frames, "attributable_revenue": revenue(bound("Google Cloud", 80e9), scope="GOOGL")}
    middle = model(assumptions, "GOOGL", **alone).driver("attributable_revenue")
    assert (middle.low, middle.high) == (0, 80e9)


def test_what_came_in_a_year_of_a_seller_without_a_figure_is_unknown_above_the_lower_bound(assumptions):
    frames = {
        "attributable_revenue": revenue(bound("Google Cloud", 80e9), scope="GOOGL"),
        "capex_vintages": vintages({2024: 40 * BILLION, 2025: 40 * BILLION}, "GOOGL"),
    }
    assert "marginal_coverage" in model(assumptions, "GOOGL", bound="lower", **frames).quantities
    for name in ("upper", "point"):
        found = model(assumptions, "GOOGL", bound=name, **frames)
        assert codes([found.reasons["marginal_coverage"]]) == ["no_revenue_a_year_earlier"]


def test_an_unknown_quarter_makes_models_at_both_ends(assumptions):
    frame = vintages({2024: 40 * BILLION, 2025: 40 * BILLION, 2026: 40 * BILLION}).with_columns(
        is_known=pl.col("calendar_quarter") != "2025Q2",
        capex_low_usd=pl.when(pl.col("calendar_quarter") == "2025Q2").then(0.0).otherwise("capex_low_usd"),
    )
    found = model(assumptions, capex_vintages=frame)
    middle, (low, high) = found.formula, found.ends
    assert [sum(each.capex_usd) for each in (low, middle, high)] == [90e9, 95e9, 100e9]
    assert "capex_quarters_unknown" in codes(found.notes)
    whole = vintages({2024: 40 * BILLION, 2025: 40 * BILLION, 2026: 40 * BILLION})
    assert model(assumptions, capex_vintages=whole).ends == ()


def test_growth_is_what_was_seen_else_assumed_and_says_which(assumptions):
    seen = model(assumptions).driver("growth")
    assert (seen.low, seen.high) == (pytest.approx(4 ** (365.25 / 365) - 1),) * 2
    one = model(assumptions, attributable_revenue=grown(before=None))
    assert (one.driver("growth").low, one.driver("growth").high) == (0.2, 1.2)
    assert "growth_assumed" in codes(one.notes)
    own = model(assumptions.replaced({"growth": 0.3})).driver("growth")
    assert (own.low, own.high) == (0.3, 0.3)


def test_meta_is_asked_at_the_lowest_growth_that_the_group_has_seen(assumptions):
    frames = {
        "attributable_revenue": pl.concat([grown(), grown(scope="ALL")]),
        "capex_vintages": vintages({2024: 40 * BILLION, 2025: 40 * BILLION}, "META"),
    }
    # The group's own capex needs all four; its growth does not.
    rest = [vintages({2024: 4 * BILLION, 2025: 4 * BILLION}, ticker) for ticker in ("MSFT", "AMZN", "GOOGL")]
    frames["capex_vintages"] = pl.concat([frames["capex_vintages"], *rest])
    found = view_of(assumptions, "META", **frames)
    assert not found.has_revenue
    assert found.growth.low == pytest.approx(4 ** (365.25 / 365) - 1)
    assert "breakeven_revenue_usd" in found["point"].quantities


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (revenue(line("Microsoft", 0.0)), "revenue_zero"),
        (revenue(), "no_ai_revenue"),
        (revenue(line("Microsoft", None, used_as="unusable", counted=False, reasons=['{"reason_code":"revenue_negative",'
                      '"evidence_id":"CC000"}'])), "revenue_negative"),
    ],
)  # fmt: skip
def test_revenue_that_is_none_gives_no_figure_but_a_reason(lines, code, assumptions):
    found = view_of(assumptions, attributable_revenue=lines)
    for each in found.models.values():
        assert "coverage" not in each.quantities
        assert codes([each.reasons["coverage"], each.reasons["breakeven_growth"]]) == [code, code]
        assert "required_revenue_usd" in each.quantities


def test_one_vintage_of_everything_is_no_history(assumptions):
    frame = vintages({2025: 40 * BILLION}).filter(pl.col("calendar_quarter") == "2025Q4")
    found = model(assumptions, capex_vintages=frame)
    assert found.quantities == ()
    assert codes(set(found.reasons.values())) == ["one_vintage"]


def test_evidence_rows_of_a_driver_carry_their_grade_and_day(assumptions):
    fact = with_provenance(
        CORE["evidence"],
        pl.DataFrame({"evidence_id": ["CC103"], "topic": ["useful_life"], "entity": ["Amazon"], "metric": ["life"],
                      "as_of_date": [date(2025, 1, 1)], "value": [5.0], "unit": ["years"],
                      "known_on": [date(2025, 2, 6)], "grade": ["C"]}),
    )  # fmt: skip
    life = model(assumptions, evidence=fact).driver("life")
    assert (life.grade, life.known_on) == ("C", date(2025, 2, 6))
    assert model(assumptions).driver("life").grade is None
    mine = model(assumptions.replaced({"life": 4}), evidence=fact)
    assert mine.driver("life").grade is None, "a user's number has no facts behind it"


def test_a_what_if_multiplies_todays_revenue_and_leaves_that_of_a_year_before(assumptions):
    doubled = model(assumptions.replaced({**POINTS_Q3, "attributable_revenue": 2}))
    assert doubled.driver("attributable_revenue").central == 40e9
    assert isinstance(doubled.formula, Payback)
    assert doubled.formula.earlier_revenue_usd == 5e9


def counts(entity: str, owned: float, day: date, metric: str = "h100_equivalents_owned") -> dict:
    return {"evidence_id": f"{entity} {owned} {day}", "topic": "capacity", "entity": entity, "metric": metric,
            "as_of_date": day, "value": owned, "unit": "H100e", "locator": f"{entity} {owned} {day}"}  # fmt: skip


def test_end_customers_revenue_counts_by_the_share_of_one_date(assumptions):
    """The four own 12 of 15 to 20; counts of another day do not enter, and without them there is no such revenue."""
    day, other = date(2025, 12, 31), date(2026, 3, 31)
    owners = [
        counts(name, usd, day) for name, usd in (("Microsoft", 3.0), ("Google", 5.0), ("Meta", 2.0), ("Amazon", 2.0))
    ]
    world = [counts("World", usd, day, "h100_equivalents_total") for usd in (15.0, 20.0)]
    rest = [counts("World", 1000.0, other, "h100_equivalents_total"), counts("Google", 900.0, other)]
    evidence = with_provenance(CORE["evidence"], pl.DataFrame([*owners, *world, *rest]))
    lines = revenue(
        line("Industry", 175e9, revenue_view="end_customer", scope="ALL", used_as="estimate"),
        line(
            "Other", 165e9, revenue_view="end_customer", scope="ALL", used_as="estimate", low_usd=150e9, high_usd=180e9
        ),
    )
    capex = pl.concat([vintages({2024: BILLION, 2025: BILLION}, name) for name in ("MSFT", "GOOGL", "META", "AMZN")])
    frames = {"attributable_revenue": lines, "capex_vintages": capex}
    found = {
        name: model(assumptions, "ALL", "end_customer", name, evidence=evidence, **frames)
        for name in ("lower", "upper", "point")
    }
    fleet = found["point"].driver("fleet")
    assert (fleet.low, fleet.high) == (15.0, 20.0)
    assert [found[name].driver("attributable_revenue").central for name in found] == [150e9, 180e9, 165e9]
    assert found["lower"].formula.owned_h100 == 12.0
    without = model(assumptions, "ALL", "end_customer", **frames)
    assert codes([without.reasons["coverage"]]) == ["group_share_unknown"]


def test_the_year_before_is_that_of_every_seller(assumptions):
    lines = [line("Microsoft", 20e9), earlier("Microsoft", 10e9, A_YEAR_BEFORE), line("Amazon AWS", 20e9)]
    capex = pl.concat([vintages({2024: BILLION, 2025: BILLION}, name) for name in ("MSFT", "GOOGL", "META", "AMZN")])
    found = model(
        assumptions, "ALL", attributable_revenue=revenue(*lines, scope="ALL"), capex_vintages=capex
    )  # fmt: skip
    assert codes([found.reasons["marginal_coverage"]]) == ["no_revenue_a_year_earlier"]
    assert date(2026, 6, 30) == ON


def test_growth_is_seen_until_the_newest_figure_also_after_the_day_of_the_revenue(assumptions):
    """The industry is estimated at the end of June. Of the labs, one grew from 9 to 47 in 148 days by then, the other from
    20 to 50 in 273 days by the end of September: who knows both counts both."""
    owners = [counts(name, 3.0, date(2025, 12, 31)) for name in ("Microsoft", "Google", "Meta", "Amazon")]
    world = [counts("World", 20.0, date(2025, 12, 31), "h100_equivalents_total")]
    lab = {"used_as": "lab", "counted": False, "metric": "annualised_revenue"}
    lines = [
        line("Industry", 175e9, used_as="estimate"),
        line("A", 9e9, date(2025, 12, 31), **lab), line("A", 47e9, date(2026, 5, 28), **lab),
        line("B", 20e9, date(2025, 12, 31), **lab), line("B", 50e9, date(2026, 9, 30), **lab),
    ]  # fmt: skip
    frames = {
        "evidence": with_provenance(CORE["evidence"], pl.DataFrame([*owners, *world])),
        "capex_vintages": pl.concat(
            [vintages({2024: BILLION, 2025: BILLION}, name) for name in ("MSFT", "GOOGL", "META", "AMZN")]
        ),
    }
    of = {"scope": "ALL", "revenue_view": "end_customer"}
    fast, slow = (47 / 9) ** (365.25 / 148) - 1, (50 / 20) ** (365.25 / 273) - 1
    found = view_of(assumptions, "ALL", "end_customer", attributable_revenue=revenue(*lines, **of), **frames)
    assert (found.on, found.growth.low, found.growth.high) == (ON, pytest.approx(slow), pytest.approx(fast))
    later = assumptions.as_of(date(2028, 2, 1))
    same = view_of(later, "ALL", "end_customer", attributable_revenue=revenue(*lines, **of), **frames)
    assert same.growth == found.growth, "the clock alone changes nothing: a replay keeps what has no new facts"
    before = view_of(assumptions, "ALL", "end_customer", attributable_revenue=revenue(*lines[:-1], **of), **frames)
    assert (before.growth.low, before.growth.high) == (pytest.approx(fast), pytest.approx(fast))
    newer = line("B", 60e9, date(2028, 1, 31), **lab)  # more than two years after the first figures
    grown = view_of(assumptions, "ALL", "end_customer", attributable_revenue=revenue(*lines, newer, **of), **frames)
    assert grown.growth.high == pytest.approx((60 / 50) ** (365.25 / (date(2028, 1, 31) - date(2026, 9, 30)).days) - 1)
