"""The timeline gives what a run on each day would have given, and no fact of a later day changes it."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from datetime import date, timedelta

import polars as pl
import pytest

from tests import built
from tests.repeats import once
from warehouse.assumptions import Assumptions
from warehouse.marts import all_marts, build
from warehouse.marts.common.mart import Mart
from warehouse.marts.verdict import replay, verdict_timeline
from warehouse.marts.verdict.decision import ANSWERS
from warehouse.marts.verdict.questions import questions
from warehouse.tables import CORE

ANSWER = [
    "scope", "question", "verdict", "leaning", "leaning_probability", "headline", "early_assumptions", "evidence_grade",
    "reason",
]  # fmt: skip


@pytest.fixture(scope="module")
def assumptions(assumptions) -> Assumptions:
    """Few draws: what is compared here was drawn alike, however often."""
    return assumptions.replaced({"draws": 2000})


def verdict_on(facts, day, assumptions) -> pl.DataFrame:
    """The verdicts of a run on a day, built once for all tests that ask for them."""
    return built.build(facts, as_of=day, assumptions=assumptions, only={"verdict"})["verdict"]


def chain() -> dict:
    return replay.chain(["verdict"])


def test_days_are_events_month_ends_and_the_day_itself(assumptions):
    found = verdict_timeline.days(date(2025, 3, 10), assumptions)
    assert list(found) == [
        date(2024, 12, 26), date(2024, 12, 31), date(2025, 1, 20), date(2025, 1, 27), date(2025, 1, 28),
        date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 10),
    ]  # fmt: skip
    assert found[date(2025, 1, 28)] == "rebound"
    assert list(verdict_timeline.days(date(2024, 6, 1), assumptions)) == [date(2024, 6, 1)]
    assert list(verdict_timeline.days(date(2025, 1, 27), assumptions))[-1] == date(2025, 1, 27)


def test_it_reads_every_table_of_core_that_the_verdict_rests_on():
    read = {name for mart in chain().values() for name in mart.inputs}
    assert read - set(all_marts()) <= set(verdict_timeline.MART.inputs)
    assert "verdict_timeline" not in chain()


@pytest.fixture(scope="module")
def timeline_and_runs(facts, assumptions) -> tuple[pl.DataFrame, Counter]:
    """The timeline to a day, and how often each mart was run for it."""
    as_of, runs, run = date(2026, 9, 15), Counter(), Mart.run

    def counted(mart, *given, **named):
        runs[mart.name] += 1
        return run(mart, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Mart, "run", counted)
        found = build(facts, as_of=as_of, assumptions=assumptions, only={"verdict_timeline"})
    return found["verdict_timeline"], runs


@pytest.fixture(scope="module")
def timeline(timeline_and_runs) -> pl.DataFrame:
    return timeline_and_runs[0]


def test_days_in_another_order_give_the_same(timeline, facts, assumptions):
    days = [date(2025, 1, 27), date(2024, 12, 31), date(2025, 1, 27)]
    found = replay.replay(facts, days, assumptions)
    for day in days:
        on_the_day = timeline.filter(pl.col("as_of") == day).select(*ANSWER, "inputs_through")
        assert found[day].select(*ANSWER, "inputs_through").sort("scope", "question").equals(
            on_the_day.sort("scope", "question")
        )  # fmt: skip


def test_a_mart_is_run_again_only_where_what_it_reads_is_new(timeline_and_runs):
    """Twenty-six days, and the day itself: filings of the four came on eleven of them, prices to the last window on six."""
    timeline, runs = timeline_and_runs
    assert timeline["as_of"].n_unique() == 26
    most = {
        "capex_quarterly": 13, "capex_vintages": 13, "attributable_revenue": 13, "event_study": 10, "event_study_tests": 9,
        "training_cost": 14, "training_share_own": 16, "waste_simulation": 22, "waste_sensitivity": 22,
        "waste_probabilities": 22,
    }  # fmt: skip
    assert {name: runs[name] for name, limit in most.items() if runs[name] > limit} == {}


TRIED = [date(2025, 1, 28), date(2026, 8, 31), date(2024, 12, 26), date(2025, 4, 30), date(2025, 8, 31)]
SAME_DAY = "tests/marts/verdict/test_verdict_timeline.py::test_each_day_is_the_answer_of_a_run_on_that_day"


@pytest.mark.parametrize("day", once(TRIED, shown_by=SAME_DAY, built=2))
def test_each_day_is_the_answer_of_a_run_on_that_day(day, timeline, facts, assumptions):
    """Days replayed together, without what the questions can do without, against a whole run on each."""
    said = [*ANSWER, "inputs_through"]
    on_the_day = timeline.filter(pl.col("as_of") == day).select(said).sort("scope", "question")
    assert on_the_day.equals(verdict_on(facts, day, assumptions).select(said).sort("scope", "question"))


def test_each_day_has_every_verdict_and_none_looks_ahead(timeline):
    per_day = timeline.group_by("as_of").len()
    assert set(per_day["len"]) == {ANSWERS}
    assert timeline.filter(pl.col("inputs_through") > pl.col("as_of")).is_empty()


def test_most_marts_behind_a_verdict_cannot_look_at_the_date():
    """The timeline keeps their rows from day to day; one that asks for the date again makes it slower by a third."""
    dateless = {name for name, mart in chain().items() if mart.is_dateless}
    assert dateless == {
        "attributable_revenue", "capex_group", "capex_quarterly", "capex_vintages", "event_study",
        "event_study_tests", "offers", "training_cost", "training_share_own", "value_of_information",
        "verdict_conditions", "waste_probabilities", "waste_sensitivity", "waste_simulation",
    }  # fmt: skip


def test_a_mart_is_narrowed_only_where_every_question_that_reads_it_agrees(monkeypatch):
    assert set(replay.narrowed()) >= {"training_cost", "event_study", "capex_quarterly", "waste_simulation"}
    other = dataclasses.replace(questions()["Q1"], name="Q5", narrowed={})
    monkeypatch.setattr(replay, "questions", lambda: {**questions(), "Q5": other})
    assert replay.narrowed().get("training_cost", replay.EVERYTHING) == replay.EVERYTHING
    assert "event_study" in replay.narrowed()


def test_a_replay_holds_prices_of_the_panel_and_its_benchmarks_however_many_shares_there_are(facts, assumptions):
    narrow = replay.narrowed()["event_study"].facts
    prices = facts["stock_prices"]
    others = [prices.with_columns(ticker=pl.col("ticker") + f".{n}") for n in range(3)]
    found = narrow({**facts, "stock_prices": pl.concat([prices, *others])}, assumptions)["stock_prices"]
    assert found.equals(narrow(facts, assumptions)["stock_prices"])
    assert {"NVDA", "SPY"} <= set(found["ticker"]) <= set(prices["ticker"])


def poisoned(facts: dict[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    """`facts`, and after `day` a second copy of each with every number ten times as large and the best grade."""
    changed = dict(facts)
    for name, table in CORE.items():
        frame = facts[name]
        numbers = [c for c in table.columns if c.type in ("integer", "real") and c.maximum is None]
        later = frame.with_columns(
            *(pl.col(c.name) * 10 for c in numbers), known_on=pl.lit(day + timedelta(days=1)), grade=pl.lit("A")
        )
        changed[name] = pl.concat([frame, table.conform(later)])
    return changed


LATER = "tests/marts/verdict/test_verdict_timeline.py::test_facts_known_later_change_nothing"


@pytest.mark.parametrize("day", once([date(2025, 1, 28), date(2026, 4, 30)], shown_by=LATER))
def test_facts_known_later_change_nothing(day, facts, assumptions):
    honest = built.build(facts, as_of=day, assumptions=assumptions, only={"verdict"})
    tempted = build(poisoned(facts, day), as_of=day, assumptions=assumptions, only={"verdict"})
    for name in ("verdict", "verdict_conditions"):
        assert honest[name].equals(tempted[name]), name


def test_a_day_names_the_assumptions_whose_evidence_was_not_public_yet(timeline, assumptions):
    """The share of final runs counts by its own range from March 2026 on, the cash margin from June 2024 on."""
    told = {
        (row["as_of"], row["question"]): json.loads(row["early_assumptions"] or "{}")
        for row in timeline.filter(scope="ALL").to_dicts()
    }
    early = told[date(2024, 12, 26), "Q2"]
    wide = assumptions.dated("share_final")["before"]
    assert early["share_final"] == {"distribution": "uniform", "low": wide["low"], "high": wide["high"]}
    assert "utilisation" in early, "public from the next day on"
    assert "utilisation" not in told[date(2025, 1, 28), "Q2"]
    assert "cash_margin" not in told[date(2024, 12, 26), "Q3"]
    assert set(early) < set(told[date(2024, 12, 26), "overall"])
    assert told[date(2024, 12, 26), "Q1"] == {}


def test_every_dated_assumption_is_named_by_a_question_that_rests_on_it(assumptions):
    dated = {key for key in assumptions if assumptions.dated(key).get("known_from")}
    named = {key for question in questions().values() for key in question.assumes}
    assert dated - named == {"benchmark_weights", "rental_turn"}, "which enter no verdict"
    assert named <= set(assumptions)


def test_evidence_that_became_public_later_changes_nothing_before(facts, assumptions):
    """Each dated assumption at ten times its value, from the day after: the answer of the day is the same."""
    day = date(2025, 1, 28)
    tempting = Assumptions(
        {key: _ten_times(assumptions.dated(key), day) for key in assumptions}, assumptions.overridden
    )
    tempted = build(facts, as_of=day, assumptions=tempting, only={"verdict"})["verdict"]
    assert tempted.equals(verdict_on(facts, day, assumptions))


def _ten_times(entry, day: date) -> dict:
    """An entry whose evidence is not public on the day, with everything that it then comes to ten times as large."""
    if entry.get("known_from", day) <= day or "distribution" not in entry:
        return dict(entry)
    shape = ("low", "mode", "high", "mean", "sd", "value", "maximum")
    return {key: 10 * value if key in shape and value else value for key, value in entry.items()}


def test_before_the_claim_was_made_nothing_can_be_said_of_it(timeline):
    """The article is of 2025-01-28: on the day Nvidia fell it had not appeared."""
    q1 = timeline.filter((pl.col("scope") == "ALL") & (pl.col("question") == "Q1"))
    verdicts = dict(q1.select("as_of", "verdict").rows())
    assert verdicts[date(2025, 1, 27)] == "cannot_tell"
    assert verdicts[date(2025, 1, 28)] == "claim_holds_for_its_scope"


def test_the_market_is_not_judged_by_windows_that_see_nothing(timeline):
    """Neither [0, 10] nor [2, 10] could have seen the suppliers' loss last: nothing can be told on any day."""
    q4 = timeline.filter((pl.col("scope") == "ALL") & (pl.col("question") == "Q4"))
    assert set(q4["verdict"]) == {"cannot_tell"}


@pytest.mark.parametrize(
    ("day", "wanted"), [(date(2025, 2, 7), "cannot_tell"), (date(2025, 2, 10), "market_did_not_say_waste")]
)
def test_who_trusts_a_weaker_test_is_told_on_the_day_on_which_its_window_is_over(day, wanted, facts, assumptions):
    """Day 10 is 10 February 2025. Alphabet and Amazon had guided by then, and had filed what they spent in 2024."""
    trusting = assumptions.replaced({"q4_power": 0.61})
    found = verdict_on(facts, day, trusting)
    assert found.filter(scope="ALL", question="Q4")["verdict"].item() == wanted
