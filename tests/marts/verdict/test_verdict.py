"""Made-up facts that deserve each verdict of each question get it; unknowns never count as evidence."""

from __future__ import annotations

import dataclasses
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.built import build
from tests.examples import examples
from tests.marts import made_up
from tests.marts.made_up import conditions_of, every_view, frames, glut, mart_frame, probabilities, verdicts_of
from tests.repeats import once
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict import verdict
from warehouse.marts.verdict.condition_words import graded
from warehouse.marts.verdict.decision import METHOD_VERSION, QUESTIONS, VERDICTS, decide, rules, verdict_of
from warehouse.marts.verdict.question import Case, Remedy
from warehouse.marts.verdict.questions import questions

FELL, KEPT, NOISE, BACK = (-0.15, 0.001), (-0.2, 0.01), (-0.02, 0.8), (0.13, 0.01)
TWO_SIGNALS = {"rental_prices": True, "falling_backlog": True}
WASTE = {
    "waste_probabilities": lambda: mart_frame("waste_probabilities", every_view(0.1, 0.1, 0.95)),
    "glut_signals": lambda: glut(TWO_SIGNALS),
}


def wasteful_q3(**changed: pl.DataFrame) -> made_up.Frames:
    return frames(**{name: make() for name, make in WASTE.items()}, **changed)


def redundant(p05: float, p50: float, p95: float) -> pl.DataFrame:
    return mart_frame("waste_simulation", made_up.simulation(p05, p50, p95))


def market(first: tuple[float, float] | None, far: tuple[float, float] | None, change: float | None) -> made_up.Frames:
    """The suppliers' first two days, [0, 10], and guidance; where the loss was noise by then, [2, 10] brought it back."""
    windows = {(0, 1): first, (0, 10): far, (2, 10): BACK if far == NOISE else None if far is None else NOISE}
    return frames(**made_up.returns(windows), capex_guidance_change=made_up.guidance(change))


# ---- Q1: the limit is twice six million ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_frames", "wanted"),
    [
        # 11.6 + 0.4 million are exactly twice 6 million; the claim was put in total, which is a wider scope.
        (lambda: frames(training_cost=made_up.costs(11.6e6)), "claim_holds_for_its_scope"),
        (lambda: frames(training_cost=made_up.costs(11.7e6)), "claim_fails"),
        # Before R1's increment was known, V3 stands alone.
        (lambda: frames(training_cost=made_up.costs(11.7e6, None)), "claim_holds_for_its_scope"),
        # The claim put for the training run alone (SC24 never said, or said of the training cost).
        (lambda: frames(article_claims=made_up.claims(stated_as=None)), "claim_holds"),
        (lambda: frames(article_claims=made_up.claims(stated_as="training_cost")), "claim_holds"),
        (lambda: frames(article_claims=made_up.claims(stated_as="colour_of_the_logo")), "cannot_tell"),
        (lambda: frames(article_claims=made_up.claims(claimed="little")), "cannot_tell"),
        (lambda: frames(training_cost=made_up.costs(None)), "cannot_tell"),
        (lambda: frames(training_cost=made_up.costs(5e6).clear()), "cannot_tell"),
        (lambda: frames(article_claims=made_up.claims().clear()), "cannot_tell"),
    ],
)
def test_q1(given_frames, wanted, assumptions):
    found = verdicts_of(given_frames(), assumptions)
    assert {scope: found[scope, "Q1"]["verdict"] for scope in SCOPES} == dict.fromkeys(SCOPES, wanted)


def test_q1_takes_the_whole_run_and_not_its_parts(assumptions):
    """5 million for the whole; its parts and a row derived from the sum of V3 and R1 must not be added."""
    whole = made_up.costs(5e6)
    row = whole.row(0, named=True)
    extra = [
        row | {"run_id": "part", "is_component": True, "gpu_hours": 9e9, "cost_low_usd": 90e6},
        row | {"run_id": "epoch", "gpu_hours": None, "cost_low_usd": 90e6},
        row | {"run_id": "sum", "model": "DeepSeek-R1 (V3 + R1 increment)", "cost_low_usd": 90e6},
    ]
    given_frames = frames(training_cost=pl.concat([whole, pl.DataFrame(extra, schema=whole.schema)]))
    low = conditions_of(given_frames, assumptions).filter(
        (pl.col("scope") == "ALL") & (pl.col("condition") == "recomputed_low_within_factor")
    )
    assert low["value"].item() == 5.4e6
    assert low["threshold"].item() == 12e6


# ---- Q2: the threshold is a quarter ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "changed", "wanted"),
    [
        ((0.1, 0.25, 0.4), {}, "looks_wasteful"),
        ((0.1, 0.2499, 0.4), {}, "cannot_tell"),
        ((-0.1, 0.02, 0.2499), {}, "not_shown_wasteful"),
        ((-0.1, 0.02, 0.25), {}, "cannot_tell"),
        ((0.1, 0.3, 0.4), {"capex_group": lambda: made_up.covered(0.79)}, "cannot_tell"),
        ((0.1, 0.3, 0.4), {"capex_group": lambda: made_up.covered(0.8)}, "looks_wasteful"),
        ((-0.1, 0.02, 0.2), {"capex_group": lambda: made_up.covered(None)}, "cannot_tell"),
        # A year that is only a lower bound takes one reading away; another may still have given the figures.
        ((0.1, 0.3, 0.4), {"training_share": lambda: made_up.years(y2025=True)}, "looks_wasteful"),
        ((-0.1, 0.02, 0.2), {"training_share": lambda: made_up.years()}, "not_shown_wasteful"),
        ((None, None, None), {"training_share": lambda: made_up.years()}, "cannot_tell"),
    ],
)
def test_q2(shares, changed, wanted, assumptions):
    given_frames = frames(waste_simulation=redundant(*shares), **{name: make() for name, make in changed.items()})
    found = verdicts_of(given_frames, assumptions)
    assert {scope: found[scope, "Q2"]["verdict"] for scope in SCOPES} == dict.fromkeys(SCOPES, wanted)


def test_a_companys_own_share_is_shown_and_decides_nothing(assumptions):
    own = mart_frame(
        "training_share_own",
        [
            {"ticker": "META", "year": year, "training_share": share, "known_on": made_up.KNOWN, "grade": "C"}
            for year, share in ((2024, 0.5), (2025, 0.99))
        ],
    )
    conditions = conditions_of(frames(training_share_own=own), assumptions)
    shown = conditions.filter(pl.col("condition") == "own_training_share")
    assert shown.select("scope", "value", "holds", "decides").rows() == [("META", 0.99, None, False)]
    assert verdicts_of(frames(training_share_own=own), assumptions)["META", "Q2"]["verdict"] == "not_shown_wasteful"


# ---- Q3 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grows", "earns", "short", "wanted"),
    [
        (0.8, 0.8, 0.0, "on_course"),
        (0.79, 0.8, 0.0, "cannot_tell"),
        (0.8, 0.79, 0.0, "cannot_tell"),
        (0.1, 0.1, 0.8, "falls_short"),
        (0.1, 0.9, 0.8, "falls_short"),
        (0.1, 0.1, 0.79, "cannot_tell"),
        (0.9, None, None, "cannot_tell"),
        (None, 0.9, None, "cannot_tell"),
    ],
)
@pytest.mark.parametrize("signals", [{}, {"rental_prices": True}, TWO_SIGNALS])
def test_q3(grows, earns, short, signals, wanted, assumptions):
    """A glut has no part in it: two thresholds of probability, and nothing that is unknown."""
    given_frames = frames(
        waste_probabilities=mart_frame("waste_probabilities", every_view(grows, earns, short)),
        glut_signals=glut(signals),
    )
    found = verdicts_of(given_frames, assumptions)
    assert {scope: found[scope, "Q3"]["verdict"] for scope in SCOPES} == dict.fromkeys(SCOPES, wanted)


def test_q3_of_the_group_needs_both_views(assumptions):
    """The infrastructure view is on course, the end-customer view does not say so: a company can tell, the group cannot."""
    rows = [
        row
        for scope in SCOPES
        for view, grows in (("infrastructure", 0.9), ("end_customer", 0.7))
        for row in probabilities(scope, view, grows, 0.9, 0.0)
    ]
    found = verdicts_of(frames(waste_probabilities=mart_frame("waste_probabilities", rows)), assumptions)
    assert found["ALL", "Q3"]["verdict"] == "cannot_tell"
    assert found["MSFT", "Q3"]["verdict"] == "on_course"


def test_q3_without_revenue_cannot_tell_and_says_so(assumptions):
    why = reason("no_ai_revenue", scope="GOOGL", revenue_view="infrastructure")
    rows = [
        row
        for scope in SCOPES
        for row in probabilities(
            scope, "infrastructure", *((None, None, None, why) if scope == "GOOGL" else (0.9, 0.9, 0.0))
        )
    ]
    found = verdicts_of(frames(waste_probabilities=mart_frame("waste_probabilities", rows)), assumptions)
    assert found["GOOGL", "Q3"]["verdict"] == "cannot_tell"
    assert why in found["GOOGL", "Q3"]["reasons"]
    assert "no attributable AI revenue of GOOGL is known" in found["GOOGL", "Q3"]["reason"]
    assert found["GOOGL", "overall"]["verdict"] == "cannot_tell"
    assert found["MSFT", "Q3"]["verdict"] == "on_course"


def test_q3_needs_facts_that_cover_the_group(assumptions):
    found = verdicts_of(wasteful_q3(capex_group=made_up.covered(0.5)), assumptions)
    assert found["ALL", "Q3"]["verdict"] == "cannot_tell"
    assert "50.0 %" in found["ALL", "Q3"]["reason"]


# ---- Overall ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_frames", "wanted"),
    [
        (lambda: frames(), "looks_justified"),
        (lambda: frames(waste_simulation=redundant(0.2, 0.3, 0.4)), "looks_wasteful"),
        (lambda: wasteful_q3(), "looks_wasteful"),
        # One cannot tell: enough for waste, not enough for none.
        (lambda: wasteful_q3(waste_simulation=redundant(0.0, 0.1, 0.4)), "looks_wasteful"),
        (lambda: wasteful_q3(training_share=made_up.years(y2025=True)), "looks_wasteful"),
        (lambda: frames(waste_simulation=redundant(0.0, 0.1, 0.4)), "cannot_tell"),
        # A shortfall without two signs of a glut is a risk, and what is on course is justified whatever shows.
        (lambda: wasteful_q3() | {"glut_signals": glut({"impairments": True})}, "at_risk"),
        (lambda: frames(glut_signals=glut({"impairments": True})), "looks_justified"),
        # Known and between the thresholds: not shown wasteful, unless a sign of a glut shows.
        (lambda: frames(waste_probabilities=mart_frame("waste_probabilities", every_view(0.5, 0.5, 0.5))),
         "not_shown_wasteful"),
        (lambda: frames(waste_probabilities=mart_frame("waste_probabilities", every_view(0.5, 0.5, 0.5)),
                        glut_signals=glut({"impairments": True})), "cannot_tell"),
        (lambda: frames(waste_probabilities=mart_frame("waste_probabilities", every_view(0.9, None, None))), "cannot_tell"),
        (lambda: wasteful_q3(capex_group=made_up.covered(0.7)), "cannot_tell"),
    ],
)  # fmt: skip
def test_overall(given_frames, wanted, assumptions):
    found = verdicts_of(given_frames(), assumptions)
    assert {scope: found[scope, "overall"]["verdict"] for scope in SCOPES} == dict.fromkeys(SCOPES, wanted)


def test_neither_claim_nor_market_can_show_waste(assumptions):
    """Q1 and Q4 at their worst leave the overall verdict alone (method 1)."""
    given_frames = market(FELL, KEPT, -1e9) | {"training_cost": made_up.costs(1e6)}
    found = verdicts_of(given_frames, assumptions)
    assert found["ALL", "Q4"]["verdict"] == "market_said_waste"
    assert found["ALL", "overall"]["verdict"] == "looks_justified"


# ---- Whole table -----------------------------------------------------------------------------------------------------


def test_every_verdict_of_the_table_can_be_reached():
    reachable = set(rules().select("question", "verdict").unique().rows())
    whole = {(q, name) for q, names in VERDICTS.items() for name in names if name != "cannot_tell"}
    if "falls_short" not in VERDICTS["Q3"]:  # until payback has its verdicts of method 2
        whole -= {("overall", "at_risk"), ("overall", "looks_justified")}
    assert reachable == whole


def test_empty_facts_give_every_row_and_cannot_tell(assumptions):
    found = build({}, as_of=made_up.AS_OF, assumptions=assumptions, only={"verdict"})["verdict"]
    assert found.select("scope", "question").rows() == [(s, q) for s in sorted(SCOPES) for q in QUESTIONS]
    assert found["verdict"].unique().to_list() == ["cannot_tell"]
    assert found["reason"].null_count() == 0
    assert found["as_of"].unique().to_list() == [made_up.AS_OF]
    assert found["evidence_grade"].null_count() == found.height


def test_thresholds_moved_across_each_other_make_no_verdict(assumptions):
    """P >= 0 holds for being on course and for falling short: two verdicts at once are none."""
    moved = assumptions.replaced({"q3_probability": 0.0})
    assert verdicts_of(frames(), moved)["ALL", "Q3"]["verdict"] == "cannot_tell"


holds = st.sampled_from([True, False, None])


@settings(max_examples=examples(0.3))
@given(st.data())
def test_an_unknown_condition_is_evidence_for_nothing(data):
    """Whatever a verdict is with some conditions unknown, it is the same with each of them true and with each false."""
    table = rules().select("scope", "question", "condition").unique(maintain_order=True)
    drawn = [data.draw(holds) for _ in range(table.height)]
    partly = table.with_columns(holds=pl.Series(drawn, dtype=pl.Boolean))
    before = decide(partly).filter(pl.col("verdict") != "cannot_tell")
    for filled in (True, False):
        after = decide(partly.with_columns(pl.col("holds").fill_null(filled)))
        changed = before.join(after, on=["scope", "question"], suffix="_after").filter(
            (pl.col("verdict") != pl.col("verdict_after")) & (pl.col("verdict_after") != "cannot_tell")
        )
        assert changed.is_empty()


def test_a_headline_stands_with_the_worth_of_its_evidence():
    assert graded("It pays.", "C") == "It pays (evidence: grade C)."
    assert graded("It pays.", None) == "It pays."


def test_the_claim_is_said_of_the_scope_that_was_recomputed(assumptions):
    """7 and 0.4 million at the least, twice that at the most, against 6 million claimed."""
    row = verdicts_of(frames(), assumptions)["ALL", "Q1"]
    assert row["headline"] == "The cheap-training claim holds for the final run, not for the whole research programme."
    assert "cost 7.4 to 15 million dollars; the claim was 6 million dollars." in row["statement"]
    assert row["would_change"] == (
        "A lowest cost above 12 million dollars would change it. So would a claim put for the final run alone."
    )


def test_a_company_says_only_what_differs_from_the_group(assumptions):
    found = verdicts_of(frames(), assumptions)
    assert found["MSFT", "Q1"]["statement"] != found["ALL", "Q1"]["statement"]
    assert "every company" in found["MSFT", "Q1"]["statement"]


def test_every_row_names_the_version_of_the_method(assumptions):
    assert {row["method_version"] for row in verdicts_of(frames(), assumptions).values()} == {METHOD_VERSION}


# ---- Leaning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("likely", "leaning", "share"),
    [(0.3, "not_shown_wasteful", 0.7), (0.41, None, None), (0.6, "looks_wasteful", 0.6), (None, None, None)],
)
def test_an_open_answer_leans_to_what_most_draws_give(likely, leaning, share, assumptions):
    """The median is below a quarter and the tail above it: no verdict. 0.6 of the draws have to agree."""
    rows = [
        {"scope": scope, "revenue_view": "none", "event": "redundant_share_at_least_threshold", "probability": likely,
         "grade": "C"}
        for scope in SCOPES
    ]  # fmt: skip
    given_frames = frames(
        waste_simulation=redundant(0.1, 0.2, 0.4), waste_probabilities=mart_frame("waste_probabilities", rows)
    )
    row = verdicts_of(given_frames, assumptions)["ALL", "Q2"]
    assert (row["verdict"], row["leaning"]) == ("cannot_tell", leaning)
    assert row["leaning_probability"] == pytest.approx(share) if share else row["leaning_probability"] is None


def test_a_verdict_leans_nowhere(assumptions):
    assert {
        row["leaning"] for row in verdicts_of(frames(), assumptions).values() if row["verdict"] != "cannot_tell"
    } == {None}


# ---- What would change it --------------------------------------------------------------------------------------------


def test_no_remedy_is_printed_that_leaves_the_verdict_as_it_is(assumptions):
    case = Case(
        scope="ALL",
        question=dataclasses.replace(
            questions()["Q2"],
            remedies=lambda case: [
                Remedy("nothing much", {"redundant_p95_below_threshold": True}),
                Remedy("a longer tail", {"redundant_p95_below_threshold": False}),
            ],
        ),
        verdict="not_shown_wasteful",
        conditions={
            name: {"holds": holds}
            for name, holds in {
                "facts_cover_group_capex": True,
                "training_share_is_no_lower_bound": True,
                "redundant_median_at_threshold": False,
                "redundant_p95_below_threshold": True,
            }.items()
        },
        behind=(),
        reasons=(),
        others={},
        assumptions=assumptions,
    )
    assert [remedy.words for remedy in verdict.working(case)] == ["a longer tail"]


@settings(max_examples=examples(0.3))
@given(st.data())
def test_one_case_is_decided_as_the_table_decides_it(data):
    table = rules().select("scope", "question", "condition").unique(maintain_order=True)
    drawn = table.with_columns(
        holds=pl.Series(
            [data.draw(st.sampled_from([True, False, None])) for _ in range(table.height)], dtype=pl.Boolean
        )
    )
    for row in decide(drawn).to_dicts():
        own = drawn.filter(scope=row["scope"], question=row["question"])
        holds = dict(own.select("condition", "holds").rows())
        assert verdict_of(row["scope"], questions()[row["question"]], holds) == row["verdict"]


@pytest.mark.parametrize(
    ("given_frames", "told"),
    [
        (lambda: frames(article_claims=made_up.claims().clear()), "The claim itself"),
        (lambda: frames(training_cost=made_up.costs(None)), "The run's hours of computing and rental prices of its time"),
        (lambda: frames(article_claims=made_up.claims(stated_as="colour_of_the_logo")), "A claim whose scope is known"),
        (lambda: frames(article_claims=made_up.claims().clear(), training_cost=made_up.costs(None)),
         "The claim, the run's hours of computing and rental prices of its time"),
    ],
)  # fmt: skip
def test_q1_says_which_part_would_tell(given_frames, told, assumptions):
    assert verdicts_of(given_frames(), assumptions)["ALL", "Q1"]["would_change"] == f"{told} would settle it."


def test_a_driver_that_turns_one_view_alone_is_not_said_to_turn_the_verdict(assumptions):
    flips = mart_frame(
        "waste_sensitivity",
        [
            {"scope": scope, "revenue_view": view, "quantity": "breakeven_growth", "driver": "life", "central": 4.7,
             "flip_value": 5.1, "variance_share": 0.3, "grade": "C", "turns": turns}
            for scope, view, turns in (
                ("ALL", "end_customer", "on_course"), ("MSFT", "infrastructure", "on_course"),
                ("AMZN", "infrastructure", "leaning"),
            )
        ],
    )  # fmt: skip
    said = {
        row["scope"]: row["statement"]
        for row in conditions_of(frames(waste_sensitivity=flips), assumptions)
        .filter(pl.col("condition").str.starts_with("flips_at_life"))
        .to_dicts()
    }
    assert "would change the verdict" in said["MSFT"]
    assert "a verdict needs the infrastructure view too;" in said["ALL"]
    assert "would turn what most draws of the infrastructure view lean to" in said["AMZN"]


def sensitivity(*flips: tuple[str, float, float]) -> pl.DataFrame:
    """(driver, median assumed, value at which it alone flips Q2) of the group."""
    return mart_frame(
        "waste_sensitivity",
        [
            {"scope": "ALL", "revenue_view": "none", "quantity": "redundant_capex_share", "driver": driver,
             "central": central, "flip_value": flip, "variance_share": 0.3, "grade": "C"}
            for driver, central, flip in flips
        ],
    )  # fmt: skip


def test_what_would_change_it_names_the_drivers_that_have_to_move_least_with_their_units(assumptions):
    flips = sensitivity(("elasticity", 1.2, 0.3964), ("fleet", 13.6e6, 2.376e6), ("share_final", 0.2, 0.034))
    said = verdicts_of(frames(waste_sensitivity=flips), assumptions)["ALL", "Q2"]["would_change"]
    assert said == (
        "A price elasticity of demand below 0.40 would change it. So would a world fleet below 2.4 million leading chips."
    )


def test_a_figure_is_not_rounded_to_the_threshold_that_it_misses(assumptions):
    found = verdicts_of(frames(waste_simulation=redundant(0.1, 0.24996, 0.4)), assumptions)["ALL", "Q2"]
    assert found["verdict"] == "cannot_tell"
    assert "24.996 % in the middle case" in found["statement"]


@pytest.mark.parametrize(
    ("given_frames", "why"),
    [
        (
            lambda: frames(waste_simulation=redundant(0.0, 0.1, 0.4)),
            "the threshold lies between the median and the 95th",
        ),
        (lambda: market(FELL, KEPT, 1e9), "the suppliers' loss lasted, but the buyers did not guide lower"),
        (lambda: market(FELL, NOISE, -1e9), "the suppliers' loss did not last, but the buyers guided lower"),
    ],
)
def test_known_figures_that_fit_no_verdict_say_which_way_they_pull(given_frames, why, assumptions):
    rows = verdicts_of(given_frames(), assumptions)
    assert any(
        why in rows["ALL", question]["reason"] for question in ("Q2", "Q3", "Q4") if rows["ALL", question]["reason"]
    )


def test_evidence_grade_is_the_weakest_of_the_facts_that_matter(assumptions):
    """Drivers behind 5 % of the variance count, those behind less do not; the simulated row's own grade is C."""

    def graded(**drivers: tuple[float, str | None]) -> str | None:
        rows = [
            {"scope": "ALL", "revenue_view": "none", "quantity": "redundant_capex_share", "driver": driver,
             "variance_share": share, "grade": grade}
            for driver, (share, grade) in drivers.items()
        ]  # fmt: skip
        return verdicts_of(frames(waste_sensitivity=mart_frame("waste_sensitivity", rows)), assumptions)["ALL", "Q2"][
            "evidence_grade"
        ]

    assert graded(elasticity=(0.7, "B"), fleet=(0.05, "A"), utilisation=(0.049, "C")) == "B"
    assert graded(elasticity=(0.7, "B"), fleet=(0.05, "C")) == "C"
    assert graded(elasticity=(0.7, None), fleet=(0.3, "A")) == "A"


def test_inputs_through_is_the_newest_fact_that_entered(assumptions):
    found = verdicts_of(market(FELL, NOISE, 5e9), assumptions)
    assert found["ALL", "Q4"]["inputs_through"] == made_up.KNOWN
    assert verdict.TABLE.name == "verdict"


OWN_CHECKS = "tests/marts/verdict/test_verdict.py::test_conditions_and_verdict_pass_their_own_checks"


@pytest.mark.parametrize("day", once([date(2025, 1, 28), made_up.AS_OF], shown_by=OWN_CHECKS))
def test_conditions_and_verdict_pass_their_own_checks(day, facts, assumptions):
    """The rules declared on the tables, run as SQL over what the snapshot gives."""
    duckdb = pytest.importorskip("duckdb")
    built = build(facts, as_of=day, assumptions=assumptions, only={"verdict"})
    for name in ("verdict", "verdict_conditions", "glut_signals", "capex_guidance_change", "training_share_own"):
        table = made_up.all_marts()[name].table
        with duckdb.connect() as con:
            con.execute("create schema marts")
            for other, frame in built.items():
                con.register("given", frame.to_arrow())
                con.execute(f"create table marts.{other} as from given")
                con.unregister("given")
            con.register("checked", built[name].to_arrow())
            for check in table.checks:
                assert con.sql(check.unexpected.format(table="checked")).fetchall() == [], (name, check.name)
