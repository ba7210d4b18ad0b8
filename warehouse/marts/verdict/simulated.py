"""Conditions that the questions of redundancy and of payback share: both rest on simulated figures and on capex.

A simulated figure carries two grades: the weakest of all its facts, and the weakest of those that matter to it, that is
of the drivers behind at least a twentieth of its variance (method 7). Beside it stand the values at which each driver
alone would turn what rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import apart, listed, odds
from warehouse.marts.common.kept import Kept
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import COMPANIES, GROUP
from warehouse.marts.common.words import Words
from warehouse.marts.payback.share_model import INFERENCE_METRIC, LAB_METRICS
from warehouse.marts.training.fleets import OWNED, OWNED_BY_ALL
from warehouse.marts.verdict.question import (
    NO_VIEW,
    Case,
    Condition,
    Evidence,
    Figure,
    Frames,
    Narrowing,
    Remedy,
    Row,
)
from warehouse.marts.wording.payback import learn_from

COVERED = "facts_cover_group_capex"
TURNS = "flips_at"
INFORMS = "learning_changes_it"
POINT = "point"
Key = tuple[str, ...]


class Simulated(NamedTuple):
    """The simulation by scope, revenue view and quantity (or event); and the same with the bound of revenue as a fourth.

    Without a bound it is that of the figures drawn (`point`).
    """

    quantiles: Mapping[Key, Row]
    probabilities: Mapping[Key, Row]
    material_grades: Mapping[Key, str]
    turning: Sequence[Row]

    @classmethod
    def of(
        cls,
        simulation: pl.DataFrame,
        probabilities: pl.DataFrame,
        sensitivity: pl.DataFrame,
        assumptions: Assumptions,
    ) -> Simulated:
        least = assumptions.number("material_share_of_variance")
        given = (simulation, probabilities, sensitivity, least)
        return _SIMULATED.get(given, lambda: cls._of(*given))

    @classmethod
    def _of(
        cls, simulation: pl.DataFrame, probabilities: pl.DataFrame, sensitivity: pl.DataFrame, least: float
    ) -> Simulated:
        material = sensitivity.filter((pl.col("variance_share") >= least) & pl.col("grade").is_not_null())
        grades = material.group_by("scope", "revenue_view", "bound", "quantity").agg(pl.col("grade").max())
        return cls(
            quantiles=_keyed(simulation, "quantity"),
            probabilities=_keyed(probabilities, "event"),
            material_grades={key: row["grade"] for key, row in _keyed(grades, "quantity").items()},
            turning=sensitivity.filter(pl.col("flip_value").is_not_null())
            .sort("variance_share", "driver", descending=[True, False], nulls_last=True)
            .to_dicts(),
        )

    def behind(self, row: Row, key: Key) -> dict[str, Any]:
        """Evidence and reasons of a simulated row; `key` is the quantity whose drivers give the grade that matters."""
        return {
            "evidence": Evidence(
                grade=row.get("grade"),
                evidence_grade=self.material_grades.get(key, row.get("grade")),
                known_on=row.get("known_on"),
            ),
            "reasons": row["reasons"] if row else [reason("not_simulated")],
        }

    def turning_values(
        self, scope: str, view: str, quantity: str, details: Mapping[str, Any] | None = None
    ) -> list[Condition]:
        """For each driver the value at which it alone turns what rests on the quantity, the most variance first."""
        return [
            Condition(
                kind=TURNS,
                part=row["driver"],
                view=view,
                quantity=row["driver"],
                value=row["flip_value"],
                comparison="==",
                threshold=row["central"] if row["central"] is not None else row["flip_value"],
                unit="as assumed",
                decides=False,
                details={**(details or {}), "turns": row["turns"]},
                evidence=Evidence(grade=row["grade"], evidence_grade=row["grade"]),
            )
            for row in self.turning
            if (row["scope"], row["revenue_view"], row["quantity"]) == (scope, view, quantity) and row["bound"] == POINT
        ]


_SIMULATED: Kept[Simulated] = Kept(most=1)
"""Both questions of money ask for it, of the same frames."""


def informing(information: pl.DataFrame, scope: str, question: str) -> list[Condition]:
    """For each single fact that may change the verdict, how likely it does (`value_of_information`, method 5)."""
    if information.is_empty():
        return []
    own = information.filter((pl.col("scope") == scope) & (pl.col("question") == question))
    return [
        Condition(
            kind=INFORMS,
            part="_".join(re.findall(r"\w+", row["driver"])),
            quantity=row["driver"],
            value=row["probability_of_change"],
            comparison=">",
            threshold=0.0,
            unit="probability",
            decides=False,
            details={"changes_to": row["changes_to"]},
            evidence=Evidence(grade=row["grade"], evidence_grade=row["grade"], known_on=row["known_on"]),
        )
        for row in own.filter(pl.col("probability_of_change") > 0).to_dicts()
    ]


def _keyed(frame: pl.DataFrame, what: str) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for row in frame.to_dicts():
        key = (row["scope"], row["revenue_view"], row[what])
        found[*key, row["bound"]] = row
        if row["bound"] == POINT:
            found[key] = row
    return found


def covered(capex_group: pl.DataFrame, assumptions: Assumptions) -> Condition:
    """Do facts graded A to C cover enough of the group's capex of the last four quarters?"""
    last = capex_group.filter(pl.col("coverage_share").is_not_null()).sort("calendar_quarter").tail(1).to_dicts()
    row = last[0] if last else {}
    return Condition(
        kind=COVERED,
        quantity="coverage_share",
        value=row.get("coverage_share"),
        comparison=">=",
        threshold=assumptions.number("coverage_minimum"),
        unit="share",
        calendar_quarter=row.get("calendar_quarter"),
        evidence=Evidence(grade=row.get("grade"), known_on=row.get("known_on")),
        reasons=None if row else [reason("no_group_capex")],
    )


# ---- Words -----------------------------------------------------------------------------------------------------------

# Driver -> what it is called in a sentence, the factor to the unit said, decimals, and that unit.
DRIVERS: dict[str, tuple[str, float, int, str]] = {
    "share_final": ("a share of final runs in research computing", 100, 0, " %"),
    "utilisation": ("a utilisation of the world's fleet", 100, 0, " %"),
    "fleet": ("a world fleet", 1e-6, 1, " million leading chips"),
    "undisclosed_gross_up": ("training compute", 1, 1, " times the disclosed"),
    "efficiency_gain": ("training cheaper by a factor", 1, 1, ""),
    "inference_share": ("an inference share of computing", 100, 0, " %"),
    "elasticity": ("a price elasticity of demand", 1, 2, ""),
    "life": ("a working life", 1, 1, " years"),
    "discount_rate": ("a cost of capital", 100, 1, " % a year"),
    "cash_margin": ("a cash margin", 100, 0, " %"),
    "ai_share": ("a share of AI in capex", 100, 0, " %"),
    "attributable_revenue": ("AI revenue", 1e-9, 0, " billion dollars a year"),
    "growth": ("growth of AI revenue", 100, 0, " % a year"),
}


def turning(row: Row) -> str:
    """`a price elasticity of demand below 0.40 instead of 1.20`: where a driver alone turns the verdict."""
    driver = row["quantity"]
    name, factor, digits, unit = DRIVERS.get(driver, (driver.replace("_", " "), 1, 2, ""))
    value, middle = factor * row["value"], factor * row["threshold"]
    side = "below" if row["value"] < row["threshold"] else "above"
    return f"{name} {side} {apart(value, middle, digits)}{unit} instead of {middle:.{digits}f}"


def beyond(row: Row, side: str) -> str:
    """`a price elasticity of demand above 0.65`: the side of a driver's turning value on which the verdict is another."""
    driver = row["quantity"]
    name, factor, digits, unit = DRIVERS.get(driver, (driver.replace("_", " "), 1, 2, ""))
    return f"{name} {side} {factor * row['value']:.{digits}f}{unit}"


def view_in_words(view: str) -> str:
    return f"{view.replace('_', '-')} view"


def _turned(row: Row) -> str:
    """What a driver turns: the verdict, unless that needs more than this one view or cannot be reached at all."""
    views = row.get("needs_views") or ()
    if row.get("turns") == "leaning":
        return f"would turn what most draws of the {view_in_words(row['revenue_view'])} lean to"
    if not views:
        return "would change the verdict"
    needs = [f"the {view_in_words(view)} too" for view in views]
    return f"would turn what the {view_in_words(row['revenue_view'])} says; a verdict needs {listed(needs)}"


def _quarter(row: Row) -> str:
    to = f" to {row['calendar_quarter']}" if row["calendar_quarter"] else ""
    return f"the share of the group's capex of the last four quarters{to} that facts graded A to C cover"


FIGURES = {
    COVERED: Figure(_quarter, open_because="filings do not cover enough of the group's spend"),
    INFORMS: Figure(
        lambda row: f"the probability that {learn_from(row['quantity'])} ({row['quantity']}) alone changes the verdict",
        states=lambda row: (
            f"{learn_from(row['quantity'])} ({row['quantity']}) alone would change the verdict with a probability of "
            f"{odds(row['value'])}; shown beside"
        ),
    ),
    TURNS: Figure(
        lambda row: f"the value of {row['quantity']} at which it alone, all else as assumed, {_turned(row)}",
        states=lambda row: f"{turning(row)} (the median assumed), all else as assumed, {_turned(row)}; shown beside",
        subject=turning,
    ),
}
WORDS: dict[str, Words] = {
    "no_group_capex": "no capex of the group is known",
    "not_simulated": "it was not simulated: the facts that it needs are not known",
}


def driver_remedies(case: Case, turns: Callable[[Row], Mapping[str, bool]]) -> list[Remedy]:
    """The drivers that turn a verdict alone, each from the value where it does, those that have to move least first.

    `turns` is what passing that value makes of the conditions.
    """
    nearest = sorted(case.of_kind(TURNS), key=distance)
    return [
        Remedy(
            turning(row),
            turns(row),
            tries={"driver": row["quantity"], "value": row["value"], "assumed": row["threshold"]},
            **learning(case, row["quantity"], row["revenue_view"]),
        )
        for row in nearest
    ]


def learning(case: Case, driver: str, view: str = NO_VIEW) -> dict[str, Any]:
    """Of a remedy: how likely the fact behind it changes the verdict, and what would be read to learn it."""
    names = (driver, f"{driver} ({view.replace('_', '-')})")
    likely = [row["value"] for row in case.of_kind(INFORMS) if row["quantity"] in names]
    return {"likely": max(likely), "learn_from": learn_from(driver)} if likely else {}


def likeliest_first(remedies: Iterable[Remedy]) -> list[Remedy]:
    """In the order of how likely each changes the verdict; those of one likelihood as they come."""
    return sorted(remedies, key=lambda remedy: -remedy.likely)


def distance(row: Row) -> float:
    """How far a driver is from turning the verdict, over what is assumed of it."""
    assumed = row["threshold"]
    return abs(row["value"] / assumed - 1) if assumed else float("inf")


# ---- Where the figures come from -------------------------------------------------------------------------------------


def traces(quantity: str) -> tuple[Trace, ...]:
    """From a condition to the simulated rows and the quarter behind it; `quantity` is what the drivers turn."""
    same = "t.scope = m.scope and t.revenue_view = m.revenue_view"
    return (
        Trace("marts.waste_simulation", f"{same} and t.quantity = m.quantity"),
        Trace("marts.waste_probabilities", f"{same} and t.event = m.quantity"),
        Trace("marts.waste_sensitivity", f"{same} and t.driver = m.quantity and t.quantity = '{quantity}'"),
        Trace(
            "marts.value_of_information",
            f"m.kind = '{INFORMS}' and t.scope = m.scope and t.question = m.question and t.driver = m.quantity",
        ),
        COVERAGE_TRACE,
    )


COVERAGE_TRACE = Trace("marts.capex_group", "t.calendar_quarter = m.calendar_quarter")
CAPEX = Trace(
    "core.company_facts",
    "t.measure = 'purchases_of_property_and_equipment' "
    f"and (t.ticker = m.scope or m.scope = '{GROUP}' and t.ticker in {COMPANIES})",
)


def _of_group(frames: Frames, assumptions: Assumptions) -> Frames:
    """Filings of the companies whose capex counts."""
    return {"company_facts": frames["company_facts"].filter(pl.col("ticker").is_in(COMPANIES))}


def _revenue(frames: Frames, assumptions: Assumptions) -> Frames:
    return {"evidence": frames["evidence"].filter(pl.col("topic") == "ai_revenue")}


def _capacity(frames: Frames, assumptions: Assumptions) -> Frames:
    return {"evidence": frames["evidence"].filter(pl.col("topic") == "capacity")}


def _what_decides(assumptions: Assumptions) -> Mapping[str, Any]:
    """Of the simulation what decides, without the tornado and the turning values."""
    return {"detail": "deciding"}


def _drawn_from(frames: Frames, assumptions: Assumptions) -> Frames:
    """Evidence that a draw can rest on: what an entry names, counts of fleets, and splits of computing."""
    named = {fact for entry in assumptions.values() for fact in entry.get("facts", ())}
    named |= set(assumptions.value("inference_share"))
    counts = pl.col("metric").is_in([OWNED, OWNED_BY_ALL, INFERENCE_METRIC, *LAB_METRICS])
    return {"evidence": frames["evidence"].filter(counts | pl.col("evidence_id").is_in(sorted(named)))}


_DECIDING = Narrowing(facts=_drawn_from, assumed=_what_decides)
OF_GROUP = {"capex_quarterly": Narrowing(facts=_of_group)}
NARROWED: dict[str, Narrowing] = {
    **OF_GROUP,
    "attributable_revenue": Narrowing(facts=_revenue),
    "training_share": Narrowing(facts=_capacity),
    "training_share_own": Narrowing(facts=_capacity),
    "waste_simulation": _DECIDING,
    "waste_probabilities": _DECIDING,
    "waste_sensitivity": _DECIDING,
    "value_of_information": _DECIDING,
}
