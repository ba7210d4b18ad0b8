"""Which fact would most likely settle a question: how often learning one thing alone would give another verdict.

The draws are sorted by a driver into twenty bins. A bin is what would be left of the uncertainty if the driver were known
to lie there, and has a verdict of its own; the share of bins whose verdict is not the whole's is the probability that
learning the driver changes the answer. The same is asked of each revenue that is only known between bounds, as if it were
disclosed somewhere between them, and of a revenue a year earlier that nobody published, between nothing and today's.

A share of zero says that the driver, however uncertain, is not what the answer waits for. Where a question has no verdict to
change because a whole input is missing (a company that sells no computing has no revenue of it), its row names that input and
says why nothing can be learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.payback import breakeven_tests as tests
from warehouse.marts.payback import share_model
from warehouse.marts.payback.draws import uniforms
from warehouse.marts.payback.formulas import DRIVER_MEANINGS, Values
from warehouse.marts.payback.model import LOWER, POINT, UPPER, Model
from warehouse.marts.payback.models import payback_views, share_of_the_world
from warehouse.marts.payback.payback_model import Payback, PaybackView
from warehouse.marts.wording.payback import EARLIER_REVENUE, learn_from
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

REVENUE_OF = "attributable_revenue"
READINGS = "training_share_readings"
LEARNED_MEANINGS = {
    **DRIVER_MEANINGS,
    EARLIER_REVENUE: "revenue a year earlier, which nobody published",
}
VERDICT_MEANINGS = share_model.VERDICT_MEANINGS | tests.VERDICT_MEANINGS

TABLE = mart(
    "value_of_information",
    "for each driver and each bounded fact, the probability that learning it alone would change the verdict",
    [
        SCOPE,
        Column(
            "question",
            "text",
            "question of method 1",
            required=True,
            allowed={"Q2": "is the spending redundant?", "Q3": "does it pay?"},
        ),
        Column(
            "driver",
            "text",
            "what is learned: a driver, or revenue a year earlier; of one seller or view, whose name follows",
            required=True,
            named=LEARNED_MEANINGS,
        ),
        Column(
            "probability_of_change",
            "real",
            "share of bins with another verdict; null where there is no verdict to change",
            "probability",
            minimum=0,
            maximum=1,
            formula=Formula(
                "draws sorted into bins of the driver; the share of bins whose own verdict differs from the whole's",
                "bins with another verdict / bins",
                "5",
                assumptions=("information_bins",),
            ),
        ),
        Column("changes_to", "text", "the verdict that most of those bins give", allowed=VERDICT_MEANINGS),
        Column("learn_from", "text", "what would be read to learn it", required=True, prose=True),
        Column("bins", "integer", "bins", "bins", required=True, minimum=2),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
        FACT_IDS,
    ],
    key=("scope", "question", "driver"),
    checks=(
        Check(
            "a_change_has_a_verdict",
            "select * from {table} where probability_of_change > 0 and changes_to is null",
            "what changes the verdict changes it to something",
        ),
        Check(
            "every_question_of_every_scope",
            "select scope, question from (values ('Q2'), ('Q3')) q (question) cross join (select distinct scope from {table}) s "
            "anti join {table} t using (scope, question)",
            "a question without a row would be read as one that nothing can settle",
        ),
    ),
    guide=Guide(
        "One row for each scope, question and driver.",
        "probabilities: two drivers may change a verdict by the same draws.",
        {
            "What would settle it for the group?": "select question, driver, probability_of_change, learn_from from "
            "value_of_information where scope = 'ALL' order by probability_of_change desc nulls last",
            "To which verdict would it change?": "select scope, driver, changes_to from value_of_information where "
            "changes_to is not null limit 20",
            "Which driver matters for most scopes?": "select driver, avg(probability_of_change) as mean_probability from "
            "value_of_information group by all order by mean_probability desc nulls last limit 10",
        },
    ),
)


class Learned(NamedTuple):
    """A driver with its values in each draw, and what each draw passes when it is known; facts behind it."""

    driver: str
    values: np.ndarray
    verdict: Callable[[np.ndarray], str]
    fact_ids: Sequence[str] = ()
    grade: str | None = None
    known_on: Any = None


def build(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each scope, question and driver or bounded fact (method 5); none where only what decides is asked for."""
    if assumptions.value("detail") != "all":
        return TABLE.empty()
    share = share_of_the_world(training_share, evidence, assumptions=assumptions)
    if share.quantities:
        learned = list(_rows("Q2", _of_share(share, assumptions), assumptions))
    else:
        learned = [_nothing_to_learn("Q2", READINGS, share.reasons.get(share.deciding), assumptions)]
    rows: list[dict[str, Any]] = [{"scope": scope, **row} for scope in SCOPES for row in learned]
    views = payback_views(capex_vintages, attributable_revenue, evidence, assumptions=assumptions)
    for scope in SCOPES:
        own = [view for view in views if view.scope == scope]
        missing = [view for view in own if not view.has_revenue]
        if missing:
            of_scope = [
                _nothing_to_learn(
                    "Q3", f"{REVENUE_OF}{_suffix(own, view)}", view[POINT].reasons.get("coverage"), assumptions
                )
                for view in missing
            ]
        else:
            of_scope = list(_rows("Q3", _of_payback(own, assumptions), assumptions))
        rows += [{"scope": scope, **row} for row in of_scope]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _nothing_to_learn(question: str, driver: str, why: str | None, assumptions: Assumptions) -> dict[str, Any]:
    """The input without which there is no verdict to change, and why it is missing."""
    return {
        "question": question,
        "driver": driver,
        "learn_from": learn_from(driver),
        "bins": assumptions.integer("information_bins"),
        "reasons": listed([why or reason("not_simulated")]),
    }


def _suffix(views: Sequence[PaybackView], view: PaybackView) -> str:
    """What tells a driver of one view from that of another."""
    return "" if len(views) == 1 else f" ({view.view.replace('_', '-')})"


def _rows(question: str, learned: Iterator[Learned], assumptions: Assumptions) -> Iterator[dict[str, Any]]:
    bins = assumptions.integer("information_bins")
    whole: str | None = None
    for each in learned:
        order = np.argsort(each.values, kind="stable")
        whole = whole or each.verdict(order)
        given = [each.verdict(part) for part in np.array_split(order, bins)]
        others = [verdict for verdict in given if verdict != whole]
        # What is known already teaches nothing, however the draws are sorted.
        is_known = bool(np.all(each.values == each.values[0]))
        changed = [] if is_known else others
        yield {
            "question": question,
            "driver": each.driver,
            "probability_of_change": len(changed) / bins,
            "changes_to": max(sorted(set(changed)), key=changed.count, default=None),
            "learn_from": learn_from(each.driver),
            "bins": bins,
            "known_on": each.known_on,
            "grade": each.grade,
            "fact_ids": list(each.fact_ids) or None,
            "reasons": listed([reason("known_already") if is_known else None]),
        }


# ---- Q2 --------------------------------------------------------------------------------------------------------------


def _of_share(model: Model, assumptions: Assumptions) -> Iterator[Learned]:
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    limit = assumptions.number("q2_threshold")
    share = model.simulate(seed, draws)["redundant_capex_share"]

    def verdict(part: np.ndarray) -> str:
        return share_model.verdict_of(share[part], limit)

    for driver in model.drivers:
        yield Learned(driver.name, driver.values(seed, draws), verdict, driver.fact_ids, driver.grade, driver.known_on)


# ---- Q3 --------------------------------------------------------------------------------------------------------------

Passed = Sequence[Mapping[str, Sequence[Mapping[str, np.ndarray]]]]
"""What each draw passes, of each view, by bound, at each end of what was spent."""


def _of_payback(views: Sequence[PaybackView], assumptions: Assumptions) -> Iterator[Learned]:
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    values = [tests.simulated_values(view, seed, draws) for view in views]
    as_assumed = _verdict(_passed(views, values), assumptions)
    drivers = {driver.name: driver for view in views for driver in view[POINT].drivers}
    for name, driver in drivers.items():
        if name not in (REVENUE_OF, "growth"):
            drawn = driver.values(seed, draws)
            yield Learned(name, drawn, as_assumed, driver.fact_ids, driver.grade, driver.known_on)
    for number, view in enumerate(views):
        yield from _of_view(views, values, number, view, assumptions)


def _of_view(
    views: Sequence[PaybackView],
    values: Sequence[Mapping[str, Values]],
    number: int,
    view: PaybackView,
    assumptions: Assumptions,
) -> Iterator[Learned]:
    """What can be learned of one view: its growth, a revenue between bounds, and revenue a year earlier."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    suffix = _suffix(views, view)
    model = view[POINT]
    growth = model.driver("growth")

    drawn = growth.values(seed, draws)
    held = {bound: {**own, "growth": drawn} for bound, own in values[number].items()}
    given = [held if place == number else own for place, own in enumerate(values)]
    at_drawn = _verdict(_passed(views, given, growth_of=number), assumptions)
    yield Learned(f"growth{suffix}", drawn, at_drawn, growth.fact_ids, growth.grade, growth.known_on)
    low, high = (view[bound].driver(REVENUE_OF) for bound in (LOWER, UPPER))
    for (name, least), (_, most) in zip(low.parts, high.parts, strict=True):
        if least != most:
            yield _between_bounds(views, values, number, view, (name, least.low, most.low), assumptions)
    if view.earlier.usd is None:
        now = np.asarray(values[number][UPPER][REVENUE_OF], dtype=float)
        share = uniforms(seed, f"revenue a year earlier {view.view}", draws)
        before = now * share
        passed = _passed(views, values, earlier=(number, before))
        verdict = _verdict(passed, assumptions)
        yield Learned(f"{EARLIER_REVENUE}{suffix}", share, verdict, (), model.grade, model.known_on)


def _between_bounds(
    views: Sequence[PaybackView],
    values: Sequence[Mapping[str, Values]],
    number: int,
    view: PaybackView,
    part: tuple[str, float, float],
    assumptions: Assumptions,
) -> Learned:
    """A revenue as if it were disclosed somewhere between its bounds, the others at theirs."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    name, least, most = part
    low, high = (view[bound].driver(REVENUE_OF) for bound in (LOWER, UPPER))
    drawn = least + (most - least) * uniforms(seed, name, draws)
    own = values[number]
    changed = {
        bound: {**own[bound], REVENUE_OF: own[bound][REVENUE_OF] + low.scale * (drawn - end)}
        for bound, end in ((LOWER, least), (UPPER, most))
    }
    given = [{**own, **changed} if place == number else each for place, each in enumerate(values)]
    verdict = _verdict(_passed(views, given), assumptions)
    return Learned(name, drawn, verdict, high.fact_ids, high.grade, high.known_on)


def _passed(
    views: Sequence[PaybackView],
    values: Sequence[Mapping[str, Values]],
    growth_of: int | None = None,
    earlier: tuple[int, Any] | None = None,
) -> Passed:
    """What each draw passes at the bounds that decide; `growth_of` a view whose growth is that drawn, `earlier` the
    revenue a year before of a view that has none."""
    found = []
    for number, view in enumerate(views):
        by_bound: dict[str, list[Mapping[str, np.ndarray]]] = {}
        for bound, wanted in tests.DECIDING.items():
            model, given = view[bound], values[number][bound]
            low, high = view.growth.low, view.growth.high
            if number == growth_of:
                low = high = given["growth"]
            for formula in model.ends or (model.formula,):
                passed = tests.outcomes(model, formula, given, low, high, wanted)
                if earlier is not None and earlier[0] == number:
                    passed |= _marginal(formula, given, earlier[1])
                by_bound.setdefault(bound, []).append(passed)
        found.append(by_bound)
    return found


def _marginal(formula: Any, given: Values, before: Any) -> dict[str, np.ndarray]:
    """Marginal coverage against coverage, with a revenue a year earlier of each draw."""
    assert isinstance(formula, Payback)
    if formula.recent_capex_usd is None:
        return {}
    now = np.asarray(given[REVENUE_OF], dtype=float)
    newest_usd = (now - np.minimum(before, now)) * formula.capital(given).standing_usd
    average = now * formula.recent_capex_usd
    return {tests.ABOVE: newest_usd > average, tests.BELOW: newest_usd < average}


def _verdict(passed: Passed, assumptions: Assumptions) -> Callable[[np.ndarray], str]:
    """The verdict of some of the draws, by the rule of method 7."""

    def verdict(part: np.ndarray) -> str:
        found = [
            tests.Probabilities(
                {(bound, test): p for bound, ends in view.items() for test, p in tests.shares(ends, part).items()}
            )
            for view in passed
        ]
        return tests.verdict_of(found, assumptions) or "cannot_tell"

    return verdict


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.evidence", ids="fact_ids"),
        Trace("marts.assumptions", "t.key = split_part(m.driver, ' ', 1)"),
        Trace(
            "marts.waste_probabilities",
            "t.scope = m.scope and (m.question = 'Q2') = (t.event = 'redundant_share_at_least_threshold')",
        ),
    ),
)
