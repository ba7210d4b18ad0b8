"""The share against sums made with plain Python from the file itself; base models, fleets and censoring at their edges."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from importlib import resources
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.built import build
from tests.conftest import with_provenance
from tests.examples import examples
from tests.marts.declared import failing
from warehouse.assumptions import Assumptions, load
from warehouse.marts import known
from warehouse.marts.training import training_share, training_share_own
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
VINTAGE = date(2026, 8, 19)
H100_YEAR = 989.4e12 * 31_536_000


def models(*rows: dict[str, Any]) -> pl.DataFrame:
    """Models of 2025 with 1e25 operations where a row does not say otherwise."""
    usual = {"vintage": VINTAGE, "organization": "Lab", "published": date(2025, 6, 1), "training_flop": 1e25,
             "base_model": None, "confidence": "Confident", "known_on": VINTAGE, "grade": "B"}  # fmt: skip
    named = [{"model": f"M{i}", "locator": f"line {i}", **usual, **row} for i, row in enumerate(rows)]
    types = {name: CORE["ai_models"].polars_schema[name] for name in usual}
    return with_provenance(CORE["ai_models"], pl.DataFrame(named, schema_overrides=types))


def counts(*rows: tuple[date, float] | tuple[date, float, float], entity: str = "World") -> pl.DataFrame:
    """Counts of H100-equivalents (day, count) or (day, low, high)."""
    metric = "h100_equivalents_total" if entity == "World" else "h100_equivalents_owned"
    named = [
        {"evidence_id": f"CC{i:03}", "topic": "capacity", "entity": entity, "metric": metric, "as_of_date": day,
         "value": sum(ends) / len(ends), "value_low": ends[0] if len(ends) > 1 else None,
         "value_high": ends[-1] if len(ends) > 1 else None, "unit": "H100-equivalents", "known_on": day, "grade": "C"}
        for i, (day, *ends) in enumerate(rows)
    ]  # fmt: skip
    types = {"value_low": pl.Float64, "value_high": pl.Float64}
    if not named:
        return CORE["evidence"].empty()
    return with_provenance(CORE["evidence"], pl.DataFrame(named, schema_overrides=types))


def built(trained: pl.DataFrame, fleets: pl.DataFrame, assumptions: Assumptions | None = None, as_of: date = AS_OF):
    frames = {"ai_models": trained, "evidence": fleets}
    found = training_share.MART.run(frames, as_of=as_of, assumptions=assumptions or load())
    return {row["year"]: row for row in found.to_dicts()}


# In the list of 2026-08-19: the operations of DeepSeek-V3, Qwen3-235B-A22B and the two V4 models, and no base model.
SAME_AGAIN = (
    "DeepSeek-V3 (Mar 2025)",
    "Qwen3-235B-A22B (Jul 2025)",
    "DeepSeek V4 Flash 0731",
    "DeepSeek V4 Pro 0813",
)
END_2025 = (date(2025, 12, 31), 20e6)


# ---- Known answers ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed() -> list[dict[str, str]]:
    """The list of 2026-08-19 as it lies in the file."""
    packed = resources.files("warehouse.reference").joinpath("ai_models.csv.gz").read_bytes()
    rows = csv.DictReader(gzip.decompress(packed).decode("utf-8").splitlines())
    return [row for row in rows if row["vintage"] == "2026-08-19" and row["grade"] != "D"]


@pytest.mark.parametrize("year", range(2018, 2027))
def test_sums_of_the_file(year, listed, facts, assumptions):
    """Without Polars: each model once, less what its bases in the list took, at least nothing.

    A dated update that has its namesake's operations and no base is the same model.
    """
    flop = {row["model"]: float(row["training_flop"]) for row in reversed(listed) if row["training_flop"]}
    once = {row["model"]: row for row in reversed(listed)}
    plain = added = disclosed = named = 0.0
    for model, row in once.items():
        if not row["published"].startswith(str(year)) or model in SAME_AGAIN:
            continue
        named += 1
        if model in flop:
            disclosed += 1
            plain += flop[model]
            bases = {base.strip() for base in row["base_model"].split(",")} - {model}
            added += max(flop[model] - sum(flop.get(base, 0.0) for base in bases), 0.0)
    found = built(facts["ai_models"], facts["evidence"], assumptions)[year]
    assert (found["models_known"], found["models_disclosed"]) == (named, disclosed)
    assert found["training_flop"] == pytest.approx(plain, rel=1e-12)
    assert found["training_flop_added"] == pytest.approx(added, rel=1e-12)


def test_share_of_2025_by_arithmetic(facts, assumptions):
    """CC092 and CC093 count 15 and 21.3 million H100-equivalents at the end of 2025; the year's mean is 3/4 of it."""
    world = {
        row["evidence_id"]: row for row in facts["evidence"].to_dicts() if row["evidence_id"] in ("CC092", "CC093")
    }
    counted = [world[name]["value"] for name in sorted(world)]
    found = built(facts["ai_models"], facts["evidence"], assumptions)[2025]
    assert [found["fleet_h100_low"], found["fleet_h100_high"]] == pytest.approx([0.75 * n for n in sorted(counted)])
    fleet_flop = 0.75 * sum(counted) / 2 * H100_YEAR * 0.35
    assert found["training_share"] == pytest.approx(found["training_flop_added"] / fleet_flop)
    assert found["training_share"] == pytest.approx(0.0106, abs=0.0001)
    assert found["training_share_grossed_up"] == pytest.approx(
        found["training_share"] * (1 + (1 + 3) / found["disclosure_rate"]) / 3
    )
    assert not found["is_lower_bound"]


def test_an_earlier_day_uses_the_list_of_that_day(facts, assumptions):
    day = date(2026, 1, 31)
    found = build(facts, as_of=day, assumptions=assumptions, only={"training_share"})["training_share"]
    assert found["vintage"].max() <= day
    assert found["known_on"].max() <= day


# ---- Base models -----------------------------------------------------------------------------------------------------


def test_a_model_counts_what_it_adds():
    found = built(
        models(
            {"model": "base", "training_flop": 8e25},
            {"model": "child", "training_flop": 9e25, "base_model": "base"},
            {"model": "grandchild", "training_flop": 9.5e25, "base_model": "child"},
            {"model": "smaller than its base", "training_flop": 1e25, "base_model": "base"},
            {"model": "of two", "training_flop": 20e25, "base_model": "base, child"},
            {"model": "of a stranger", "training_flop": 3e25, "base_model": "unlisted"},
            {"model": "of itself", "training_flop": 2e25, "base_model": "of itself"},
            {"model": "of an undisclosed one", "training_flop": 4e25, "base_model": "secret"},
            {"model": "secret", "training_flop": None},
        ),
        counts(END_2025),
    )[2025]
    assert found["training_flop_added"] == pytest.approx(8e25 + 1e25 + 0.5e25 + 0 + 3e25 + 3e25 + 2e25 + 4e25)
    assert found["training_flop"] == pytest.approx(56.5e25)
    assert (found["models_known"], found["models_disclosed"]) == (9, 8)


def test_the_same_model_counts_once_and_old_lists_not_at_all():
    found = built(
        models(
            {"model": "A"}, {"model": "A"}, {"model": "B"}, {"model": "C", "vintage": date(2025, 8, 7)},
            {"model": "hearsay", "grade": "D"},
        ),
        counts(END_2025),
    )[2025]  # fmt: skip
    assert (found["models_known"], found["training_flop"]) == (2, 2e25)


@pytest.mark.parametrize(
    ("name", "update"),
    [
        ("Update", "Update (May 2025)"),
        ("Update", "Update (July 2025)"),
        ("Update", "Update (2025-05)"),
        ("Update 2", "Update 2 (2025)"),
        ("Update-V3", "Update-V3-0324"),
        ("Update-V4-Flash", "Update V4 Flash 0731"),
        ("Update", "Update-2025-05-14"),
        ("Update", "Update 20250514"),
    ],
)
def test_a_dated_update_of_the_same_operations_counts_once(name, update):
    first, again = {"model": name, "training_flop": 5e26}, {"model": update, "training_flop": 5e26}
    published = {"published": date(2025, 7, 1)}
    once = built(models(first, again | published), counts(END_2025))[2025]
    assert (once["models_known"], once["training_flop"], once["training_flop_added"]) == (1, 5e26, 5e26)
    # Other operations, another developer, a base of its own or no figure at all: a model by itself.
    for other in ({"training_flop": 6e26}, {"organization": "Another"}, {"base_model": name}, {"training_flop": None}):
        assert built(models(first, again | published | other), counts(END_2025))[2025]["models_known"] == 2


def test_an_update_of_last_years_model_adds_nothing_to_this_year():
    """DeepSeek-V3 is of December 2024, its update of March 2025; what is built on the update still takes it off."""
    found = built(
        models(
            {"model": "V3", "published": date(2024, 12, 24), "training_flop": 3.3e24},
            {"model": "V3 (Mar 2025)", "published": date(2025, 3, 24), "training_flop": 3.3e24},
            {"model": "V3.1", "training_flop": 3.6e24, "base_model": "V3 (Mar 2025)"},
            {"model": "V3-Thinking (Mar 2025)", "training_flop": 3.3e24},
        ),
        counts(END_2025),
    )
    assert found[2024]["training_flop_added"] == pytest.approx(3.3e24)
    assert found[2025]["training_flop_added"] == pytest.approx(0.3e24 + 3.3e24)


# ---- Fleets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fleets", "ends"),
    [
        ([END_2025], (15e6, 15e6)),
        ([(date(2024, 12, 31), 10e6), END_2025], (15e6, 15e6)),
        ([(date(2025, 1, 31), 8e6, 12e6), END_2025], (14e6, 16e6)),
        ([(date(2025, 12, 1), 18e6), (date(2026, 2, 1), 22e6)], (13.5e6, 16.5e6)),
        ([(date(2026, 4, 10), 20e6)], (15e6, 15e6)),
        ([(date(2026, 4, 11), 20e6)], (None, None)),
        ([(date(2025, 9, 22), 20e6)], (15e6, 15e6)),
        ([(date(2025, 9, 21), 20e6)], (None, None)),
        ([(date(2024, 12, 31), 10e6)], (None, None)),
        ([], (None, None)),
    ],
)
def test_mean_fleet_of_the_year(fleets, ends):
    """Both ends known: their mean; one: three quarters of it; further than 100 days from the end: not it."""
    found = built(models({}), counts(*fleets))[2025]
    assert (found["fleet_h100_low"], found["fleet_h100_high"]) == pytest.approx(ends)
    if ends[0] is None:
        assert found["training_share"] is None
        assert "no count of the world's accelerators" in found["reason"]


def test_a_companys_fleet_is_not_the_worlds():
    assert built(models({}), counts(END_2025, entity="Microsoft"))[2025]["fleet_flop"] is None


# ---- Censoring -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("disclosed", "of", "lower"), [(1, 3, False), (33, 100, True), (1, 4, True), (0, 2, True)])
def test_a_year_with_too_few_disclosed_is_a_lower_bound(disclosed, of, lower):
    rows = [{"training_flop": 1e25 if i < disclosed else None} for i in range(of)]
    found = built(models(*rows), counts(END_2025))[2025]
    assert found["is_lower_bound"] is lower
    assert found["disclosure_rate"] == pytest.approx(disclosed / of)
    assert ("a lower bound" in (found["reason"] or "")) is lower


@pytest.mark.parametrize(("as_of", "lower"), [(date(2025, 12, 30), True), (date(2025, 12, 31), False)])
def test_a_year_that_is_not_over_is_a_lower_bound(as_of, lower):
    assert built(models({}), counts(END_2025), as_of=as_of)[2025]["is_lower_bound"] is lower


def test_a_day_without_a_new_fact_leaves_the_rows_alone():
    """Simulations read them, and are made again wherever they change."""
    one, next_day = (built(models({}), counts(END_2025), as_of=date(2025, 8, day)) for day in (20, 21))
    assert one == next_day
    assert "not over" in one[2025]["reason"]


@settings(max_examples=examples(0.2))
@given(st.floats(1e5, 1e8), st.floats(1, 10), st.floats(0.05, 0.9))
def test_a_larger_or_busier_fleet_makes_the_share_smaller(fleet, factor, utilisation):
    def share(count: float, busy: float) -> float:
        changed = load().replaced({"utilisation": busy})
        return built(models({}), counts((date(2025, 12, 31), count)), changed)[2025]["training_share"]

    assert share(fleet * factor, utilisation) <= share(fleet, utilisation) * (1 + 1e-12)
    assert share(fleet, min(1, utilisation * 1.1)) <= share(fleet, utilisation)


# ---- Its own -----------------------------------------------------------------------------------------------------------


def test_a_companys_own_share():
    """Llama is Meta's by its organisation; a joint paper is both's; a lab of a similar name is not."""
    frames = {
        "ai_models": models(
            {"organization": "Meta AI", "training_flop": 4e25},
            {"organization": "Meta AI, University", "training_flop": 1e25},
            {"organization": "Metaphor Labs", "training_flop": 9e25},
            {"organization": "Meta AI", "training_flop": None},
        ),
        "evidence": counts((date(2024, 12, 31), 1e6), (date(2025, 12, 31), 3e6), entity="Meta"),
    }
    found = training_share_own.MART.run(frames, as_of=AS_OF, assumptions=load()).to_dicts()
    row = next(row for row in found if (row["ticker"], row["year"]) == ("META", 2025))
    assert (row["models"], row["training_flop"], row["fleet_h100_equivalents"]) == (2, 5e25, 2e6)
    assert row["training_share"] == pytest.approx(5e25 / (2e6 * H100_YEAR * 0.35))
    assert "lower bound" in row["reason"]


# ---- Whole tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [date(2025, 1, 27), date(2026, 6, 30), AS_OF])
def test_checks_hold_on_the_snapshot(day, facts, assumptions):
    frames = known(facts, day)
    for mart in (training_share.MART, training_share_own.MART):
        found = mart.run(frames, as_of=day, assumptions=assumptions)
        assert set(failing(mart.table, found).values()) <= {0}, mart.name
        assert not found.filter(pl.col("known_on") > day).height


def test_no_facts(assumptions):
    assert built(CORE["ai_models"].empty(), counts(), assumptions) == {}
