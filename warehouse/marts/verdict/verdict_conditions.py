"""Every condition behind every verdict: what was found, what it is compared with, and whether it holds.

A verdict that cannot be taken apart is an opinion. So each row here is one comparison of one figure with one threshold,
true, false or unknown, with the grade of the facts behind it and the day of the newest of them. Which of them make a
verdict stands in `decision`. Rows that do not decide (`decides` is false) are shown beside those that do: the gross
figure beside the one net of rebound, a company's own share beside the group's, the four glut signals one by one, and
the value at which each driver alone would flip the answer.

Unknown is not false: where nothing is known of a figure its row has no value and says why. Only glut signals differ, by
method 7: one without facts counts as not triggered and is still listed as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.scopes import COMPANIES, GROUP, SCOPES, VIEWS
from warehouse.marts.common.select_current import admissible, pick
from warehouse.marts.verdict.decision import QUESTIONS, UNDECIDED, decide
from warehouse.tables.article_claims import TABLE as ARTICLE_CLAIMS
from warehouse.tables.table import GRADES, Check, Column, mart
from warehouse.tables.training_runs import SCOPES as RUNGS

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]
RUNG_NAMES = dict(
    zip(
        RUNGS,
        (
            "the post-training run alone",
            "the final run at a rental price",
            "the final run with amortised hardware and energy",
            "the whole research programme",
            "the hardware owned",
            "the company's capex",
            "a scope that is not stated",
        ),
        strict=True,
    )
)
SMALL_PERCENT = 0.1  # below it one decimal says nothing
ALMOST = 0.001  # a simulated probability this close to 0 or 1 is called neither
COUNTS = ("ratio", "signals", "firms", "quarters")  # the sentence itself says what is counted
COMPARISONS = {">=": "at least", "<=": "at most", "<": "below", ">": "above", "==": "equal to"}

TABLE = mart(
    "verdict_conditions",
    "conditions of each verdict: figure, threshold and whether it holds, with those shown beside that do not decide",
    [
        Column("scope", "text", "ticker, or ALL for the group of four", required=True, allowed=SCOPES),
        Column("question", "text", "question of method 1", required=True, allowed=QUESTIONS),
        Column("condition", "text", "name of the condition", required=True),
        Column(
            "revenue_view", "text", "revenue view that the figure is of; none where it is of neither", required=True
        ),
        Column("quantity", "text", "what the value is", required=True),
        Column("value", "real", "what was found; null where unknown"),
        Column("comparison", "text", "how the value is compared", required=True, allowed=tuple(COMPARISONS)),
        Column("threshold", "real", "what it is compared with; null where unknown"),
        Column("unit", "text", "unit of value and threshold", required=True),
        Column("holds", "flag", "whether the comparison is true; null where unknown or only shown"),
        Column("decides", "flag", "whether the verdict rests on it; false where it is only shown", required=True),
        Column("subject", "text", "what the value is of, in words", required=True),
        Column("statement", "text", "the condition in a plain sentence", required=True),
        Column("evidence_grade", "text", "weakest grade of the facts that matter to the value", allowed=GRADES),
        Column("known_on", "date", "day on which the newest fact behind the value became public"),
    ],
    key=("scope", "question", "condition"),
    checks=(
        Check(
            "every_question_of_every_scope",
            "select count(*) as found from (select distinct scope, question from {table} where decides) "
            "having count(*) <> 25",
            "a question without conditions would be answered out of nothing",
        ),
        Check(
            "holds_is_the_comparison",
            "select * from {table} where decides and holds is distinct from (case comparison "
            "when '>=' then value >= threshold when '<=' then value <= threshold when '<' then value < threshold "
            "when '>' then value > threshold when '==' then value = threshold end)",
            "the flag and the figures beside it must say the same",
        ),
        Check(
            "unknown_says_why",
            "select * from {table} where value is null and coalesce(reason, '') = ''",
            "an unknown without a reason cannot be mended",
        ),
    ),
)


def condition(
    name: str,
    *,
    what: str,
    quantity: str,
    value: float | None,
    comparison: str,
    threshold: float | None,
    unit: str,
    view: str = "none",
    decides: bool = True,
    grade: str | None = None,
    evidence_grade: str | None = None,
    known_on: date | None = None,
    reason: str | None = None,
    subject: str | None = None,
    told: str | None = None,
) -> dict[str, Any]:
    """One row without its scope and question; `what` names the figure in words, `reason` says why it is unknown.

    `told` is the sentence of a condition that no comparison in words would make plain.
    """
    unknown = value is None or threshold is None
    holds = None if value is None or threshold is None else compare(value, comparison, threshold)
    why = reason or ("no fact that gives it is known" if value is None else None)
    limit = f"{threshold:g}" if unit == "probability" and threshold is not None else in_words(threshold, unit)
    test = f"{COMPARISONS[comparison]} {limit}"
    if value is None:
        said = f"{_capital(what)} is not known: {why}."
    elif told:
        said = told
    elif not decides:
        said = f"{_capital(what)} is {in_words(value, unit)}; shown beside, it does not decide."
    elif unknown:
        said = f"{_capital(what)} is {in_words(value, unit)}, with nothing known to compare it with."
    else:
        outcome = "holds" if holds else "does not hold"
        said = f"{_capital(what)} is {in_words(value, unit)}; the test is {test}, which {outcome}."
    return {
        "condition": name,
        "revenue_view": view,
        "quantity": quantity,
        "value": None if value is None else float(value),
        "comparison": comparison,
        "threshold": None if threshold is None else float(threshold),
        "unit": unit,
        "holds": holds if decides else None,
        "decides": decides,
        "subject": subject or what,
        "statement": said,
        "evidence_grade": evidence_grade,
        "known_on": known_on,
        "grade": grade,
        "reason": why,
    }


def compare(value: float, comparison: str, threshold: float) -> bool:
    """Whether `value` stands to `threshold` as `comparison` says."""
    return {
        ">=": value >= threshold,
        "<=": value <= threshold,
        "<": value < threshold,
        ">": value > threshold,
        "==": value == threshold,
    }[comparison]


def in_words(value: float | None, unit: str) -> str:
    """A figure as a reader wants it: percent for shares, millions and billions for dollars."""
    if value is None:
        return "an unknown figure"
    if value == 0 and unit in ("share", "USD"):
        return "0 %" if unit == "share" else "0 USD"
    if unit == "share":
        percent = 100 * value
        return f"{percent + 0.0:.1f} %" if abs(percent) >= SMALL_PERCENT or percent == 0 else f"{percent:.2g} %"
    if unit == "USD":
        size, name = (1e9, "billion") if abs(value) >= 1e9 else (1e6, "million")
        return f"{value / size:,.2f} {name} USD"
    if unit == "probability":
        return odds(value)
    if unit == "rung":
        return RUNG_NAMES[RUNGS[int(value)]]
    if unit == "0 or 1":
        return "yes" if value else "no"
    figure = f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"
    return figure if unit in COUNTS else f"{figure} {unit}"


def odds(probability: float, limit: float | None = None) -> str:
    """A probability or p-value. Draws and samples are finite, so it is never called 0 or 1.

    With `limit`, as many digits as it takes to stand apart from it.
    """
    if probability > 1 - ALMOST:
        return f"above {1 - ALMOST:g}"
    if probability < ALMOST:
        return f"below {ALMOST:g}"
    return apart(probability, limit, 2)


def apart(value: float, limit: float | None, digits: int) -> str:
    """`value` with `digits` decimals, or more where it would look like a limit that it is not."""
    text = f"{value:.{digits}f}"
    while limit is not None and value != limit and float(text) == round(limit, digits) and digits < 9:
        digits += 1
        text = f"{value:.{digits}f}"
    return text


def listed(names: Iterable[str]) -> str:
    """`Amazon AWS, Google Cloud and Meta`."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def after_event(assumptions: Assumptions) -> str:
    """How long after an event guidance is compared with that before it: `two quarters`."""
    months = assumptions.integer("guidance_months")
    quarters = {3: "one quarter", 6: "two quarters", 9: "three quarters", 12: "four quarters"}
    return quarters.get(months, f"{months} month{'s' * (months != 1)}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _latest(*days: date | None) -> date | None:
    return max((day for day in days if day is not None), default=None)


def _weakest(grades: Iterable[str | None]) -> str | None:
    return max((grade for grade in grades if grade is not None), default=None)


class Waste(NamedTuple):
    """The simulation by key: figures, probabilities, grade of the material facts, and where each driver flips."""

    simulated: Mapping[tuple[str, str, str], Row]
    probable: Mapping[tuple[str, str, str], Row]
    material: Mapping[tuple[str, str, str], str]
    drivers: Rows


class Market(NamedTuple):
    """The market's answer: conditions that are the same for every scope, and what is shown beside them for each."""

    deciding: Rows
    beside: Mapping[str, Rows]


def build(
    article_claims: pl.DataFrame,
    training_cost: pl.DataFrame,
    training_share: pl.DataFrame,
    training_share_own: pl.DataFrame,
    waste_simulation: pl.DataFrame,
    waste_probabilities: pl.DataFrame,
    waste_sensitivity: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    capex_group: pl.DataFrame,
    glut_signals: pl.DataFrame,
    event_study: pl.DataFrame,
    event_study_tests: pl.DataFrame,
    capex_guidance_change: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each condition of each question of each scope (method 7)."""
    claim = _claim(article_claims, training_cost, assumptions)
    covered = _covered(capex_group, assumptions)
    year = _training_year(training_share)
    own = {row["ticker"]: row for row in training_share_own.sort("year").to_dicts()}
    waste = _waste(waste_simulation, waste_probabilities, waste_sensitivity, assumptions)
    signals = glut_signals.sort("signal").to_dicts()
    market = _market(event_study, event_study_tests, capex_guidance_change, assumptions)
    rows: Rows = []
    for scope in SCOPES:
        rows += [{"scope": scope, "question": "Q1", **row} for row in claim]
        rows += [{"scope": scope, "question": question, **covered} for question in ("Q2", "Q3", "overall")]
        redundant = [year, *_redundant(scope, waste, assumptions), *_own_share(own.get(scope))]
        rows += [{"scope": scope, "question": "Q2", **row} for row in redundant]
        whole = [_whole_revenue(attributable_revenue, scope, view) for view in VIEWS[scope]]
        pays = [
            *_pays(scope, waste, {row["condition"] for row in whole if row["holds"]}, assumptions),
            *whole,
            *_glut(signals, assumptions),
        ]
        rows += [{"scope": scope, "question": "Q3", **row} for row in pays]
        rows += [{"scope": scope, "question": "Q4", **row} for row in [*market.deciding, *market.beside[scope]]]
    found = pl.DataFrame(rows, schema=dict(TABLE.polars_schema))
    return pl.concat([found, overall(found)])


# ---- Q1 ------------------------------------------------------------------------------------------------------------


def _claim(article_claims: pl.DataFrame, training_cost: pl.DataFrame, assumptions: Assumptions) -> Rows:
    """Is the recomputed low within a factor of the claim, and does the claim speak of the same rung of the ladder?"""
    labels = assumptions.value("claim_runs")
    claims = {row["claim_id"]: row for row in pick(admissible(article_claims), ARTICLE_CLAIMS).to_dicts()}
    claim, stated_as = claims.get(labels["claim"]), claims.get(labels["stated_as"])
    base, increment = _run(training_cost, labels["base"]), _run(training_cost, labels["increment"])
    runs = [run for run in (base, increment) if run is not None]
    low, high = (_sum(runs, f"cost_{end}_usd") if base else None for end in ("low", "high"))
    claimed = _number(claim["value_claimed"]) if claim else None
    limit = None if claimed is None else claimed * assumptions.number("q1_factor")
    spoken = stated_as or claim
    stated = assumptions.value("claim_scopes").get(spoken["quantity"]) if spoken else None
    names = " plus ".join(run["model"] for run in runs)
    if base is None:
        missing = f"no training run of {labels['base']} with its GPU-hours is known"
    else:
        missing = "; ".join(
            sorted({run["reason"] or "its cost is unknown" for run in runs if run["cost_low_usd"] is None})
        )
    behind = [row for row in (*runs, claim, stated_as) if row is not None]
    facts: dict[str, Any] = {
        "grade": _weakest(row["grade"] for row in behind),
        "evidence_grade": _weakest(row["grade"] for row in behind),
        "known_on": _latest(*(row.get("known_on") for row in behind)),
    }
    cost: dict[str, Any] = {
        "what": f"the lowest recomputed cost of {names or labels['base']}",
        "subject": names or labels["base"],
        "comparison": "<=",
        "threshold": limit,
        "unit": "USD",
        **facts,
    }
    untold = None if claim else f"claim {labels['claim']} was not made yet"
    scope: dict[str, Any] = {
        "quantity": "scope_of_the_claim",
        "what": "the scope that the claim as stated covers",
        "value": RUNGS.index(stated) if stated else None,
        "threshold": RUNGS.index(base["cost_scope"]) if base else None,
        "unit": "rung",
        "reason": None if stated else untold or "the claim names no scope",
        **facts,
    }
    return [
        condition("recomputed_low_within_factor", quantity="cost_low_usd", value=low, reason=missing or untold, **cost),
        condition(
            "recomputed_high_within_factor",
            quantity="cost_high_usd",
            value=high,
            reason=missing or untold,
            decides=False,
            **cost | {"what": f"the highest recomputed cost of {names or labels['base']}"},
        ),
        condition("stated_scope_is_recomputed_scope", comparison="==", **scope),
        condition("stated_scope_is_wider", comparison=">", **scope),
    ]


def _run(training_cost: pl.DataFrame, model: str) -> Row | None:
    """The whole run of that name, never a component of it; the one with most hours where there are several."""
    whole = training_cost.filter(
        (pl.col("model") == model) & ~pl.col("is_component").fill_null(False) & pl.col("gpu_hours").is_not_null()
    )
    best = whole.sort("gpu_hours", "run_id", descending=[True, False]).head(1).to_dicts()
    return best[0] if best else None


def _sum(rows: list[Row], name: str) -> float | None:
    return None if any(row[name] is None for row in rows) else sum(row[name] for row in rows)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


# ---- Q2, and what Q2 and Q3 both need --------------------------------------------------------------------------------


def _covered(capex_group: pl.DataFrame, assumptions: Assumptions) -> dict[str, Any]:
    """Do facts graded A to C cover enough of the group's capex of the last four quarters?"""
    last = capex_group.filter(pl.col("coverage_share").is_not_null()).sort("calendar_quarter").tail(1).to_dicts()
    row = last[0] if last else {}
    quarter = f" to {row['calendar_quarter']}" if row else ""
    return condition(
        "facts_cover_group_capex",
        what=f"the share of the group's capex of the last four quarters{quarter} that facts graded A to C cover",
        quantity="coverage_share",
        value=row.get("coverage_share"),
        comparison=">=",
        threshold=assumptions.number("coverage_minimum"),
        unit="share",
        grade=row.get("grade"),
        known_on=row.get("known_on"),
        reason=None if row else "no capex of the group is known",
    )


def _training_year(training_share: pl.DataFrame) -> dict[str, Any]:
    """Is there a year of training that is more than a lower bound? The latest such year is the one that counts."""
    known = training_share.sort("year")
    usable = known.filter(~pl.col("is_lower_bound") & pl.col("training_share").is_not_null())
    row = (usable if usable.height else known).tail(1).to_dicts()
    used = row[0] if row else {}
    said = f"{used['year']}, disclosure rate {in_words(used['disclosure_rate'], 'share')}" if used else "no year known"
    reason = None if used else "no training compute is known"
    if used and not usable.height:
        reason = used.get("reason") or "no year is known that is more than a lower bound"
    # A year that is over and disclosed but has no fleet to stand against is unknown, not a lower bound.
    lower = None if not used else 0.0 if usable.height else 1.0 if used["is_lower_bound"] else None
    return condition(
        "training_share_is_no_lower_bound",
        what=f"whether the share of compute that trains models ({said}) is only a lower bound",
        told=f"The share of compute that trains models ({said}) is "
        + ("no lower bound." if usable.height else "only a lower bound."),
        quantity="is_lower_bound",
        value=lower,
        comparison="==",
        threshold=0.0,
        unit="0 or 1",
        grade=used.get("grade"),
        known_on=used.get("known_on"),
        reason=reason,
    )


def _waste(
    simulation: pl.DataFrame, probabilities: pl.DataFrame, sensitivity: pl.DataFrame, assumptions: Assumptions
) -> Waste:
    material = sensitivity.filter(
        (pl.col("variance_share") >= assumptions.number("material_share_of_variance")) & pl.col("grade").is_not_null()
    )
    grades = material.group_by("scope", "revenue_view", "quantity").agg(pl.col("grade").max())
    return Waste(
        simulated={(r["scope"], r["revenue_view"], r["quantity"]): r for r in simulation.to_dicts()},
        probable={(r["scope"], r["revenue_view"], r["event"]): r for r in probabilities.to_dicts()},
        material={(r["scope"], r["revenue_view"], r["quantity"]): r["grade"] for r in grades.to_dicts()},
        drivers=sensitivity.filter(pl.col("flip_value").is_not_null())
        .sort("variance_share", "driver", descending=[True, False], nulls_last=True)
        .to_dicts(),
    )


def _redundant(scope: str, waste: Waste, assumptions: Assumptions) -> Rows:
    """The share of capex made redundant, net of rebound (method 4.5), against its threshold."""
    net = waste.simulated.get((scope, "none", "redundant_capex_share"), {})
    gross = waste.simulated.get((scope, "none", "redundant_capex_share_gross"), {})
    likely = waste.probable.get((scope, "none", "redundant_share_at_least_threshold"), {})
    common: dict[str, Any] = {"threshold": assumptions.number("q2_threshold"), "unit": "share"}
    facts = _facts(net, waste, (scope, "none", "redundant_capex_share"))
    named: dict[str, Any] = {"quantity": "redundant_capex_share", **common, **facts}
    return [
        condition(
            "redundant_median_at_threshold",
            what="the median share of capex made redundant, net of rebound,",
            value=net.get("p50"),
            comparison=">=",
            **named,
        ),
        condition(
            "redundant_p95_below_threshold",
            what="the 95th percentile of the share of capex made redundant, net of rebound,",
            value=net.get("p95"),
            comparison="<",
            **named,
        ),
        condition(
            "redundant_p05",
            what="the 5th percentile of the share of capex made redundant, net of rebound,",
            value=net.get("p05"),
            comparison=">=",
            decides=False,
            **named,
        ),
        condition(
            "redundant_gross_median",
            what="the median share of capex made redundant before any rebound",
            quantity="redundant_capex_share_gross",
            value=gross.get("p50"),
            comparison=">=",
            decides=False,
            **common,
            **_facts(gross, waste, (scope, "none", "redundant_capex_share_gross")),
        ),
        condition(
            "redundant_probability",
            what=f"the probability that at least {in_words(common['threshold'], 'share')} of capex is made redundant",
            quantity="redundant_share_at_least_threshold",
            value=likely.get("probability"),
            comparison=">=",
            threshold=0.5,
            unit="probability",
            decides=False,
            **_facts(likely, waste, (scope, "none", "redundant_capex_share")),
        ),
        *_flips(scope, "none", "redundant_capex_share", waste, "would change the verdict"),
    ]


def _own_share(own: Row | None) -> Rows:
    if own is None or own["training_share"] is None:
        return []
    return [
        condition(
            "own_training_share",
            what=f"the share of its own fleet's operations of {own['year']} for its disclosed models (a lower bound)",
            quantity="training_share",
            value=own["training_share"],
            comparison=">=",
            threshold=None,
            unit="share",
            decides=False,
            grade=own["grade"],
            evidence_grade=own["grade"],
            known_on=own["known_on"],
        )
    ]


def _facts(row: Row, waste: Waste, key: tuple[str, str, str]) -> dict[str, Any]:
    """Grade, material grade, newest fact and reason of a simulated figure."""
    return {
        "grade": row.get("grade"),
        "evidence_grade": waste.material.get(key, row.get("grade")),
        "known_on": row.get("known_on"),
        "reason": row.get("reason") or (None if row else "it was not simulated: the facts that it needs are not known"),
    }


# Driver -> what it is called in a sentence, the factor to the unit said, decimals, and that unit.
DRIVERS: dict[str, tuple[str, float, int, str]] = {
    "share_final": ("a share of final runs in research computing", 100, 0, " %"),
    "utilisation": ("a utilisation of the world's fleet", 100, 0, " %"),
    "fleet": ("a world fleet", 1e-6, 1, " million H100-equivalents"),
    "undisclosed_gross_up": ("training compute", 1, 1, " times the disclosed"),
    "efficiency_gain": ("training cheaper by a factor", 1, 1, ""),
    "elasticity": ("a price elasticity of demand", 1, 2, ""),
    "life": ("an economic life", 1, 1, " years"),
    "discount_rate": ("a cost of capital", 100, 1, " % a year"),
    "cash_margin": ("a cash margin", 100, 0, " %"),
    "ai_share": ("a share of AI in capex", 100, 0, " %"),
    "attributable_revenue": ("AI revenue", 1e-9, 0, " billion USD a year"),
    "growth": ("growth of AI revenue", 100, 0, " % a year"),
}


def turning(driver: str, flip: float, central: float) -> str:
    """`a price elasticity of demand below 0.40 instead of 1.20`: where a driver alone turns the verdict."""
    name, factor, digits, unit = DRIVERS.get(driver, (driver.replace("_", " "), 1, 2, ""))
    value, middle = factor * flip, factor * central
    side = "below" if flip < central else "above"
    return f"{name} {side} {apart(value, middle, digits)}{unit} instead of {middle:.{digits}f}"


def _flips(scope: str, view: str, quantity: str, waste: Waste, does: str) -> Rows:
    """For each driver the value at which it alone turns what rests on the quantity, the most variance first.

    `does` says in words what that turns.
    """
    suffix = "" if view == "none" else f"_{view}"
    rows: Rows = []
    for row in waste.drivers:
        if (row["scope"], row["revenue_view"], row["quantity"]) != (scope, view, quantity):
            continue
        driver = row["driver"]
        central = row["central"] if row["central"] is not None else row["flip_value"]
        turns = turning(driver, row["flip_value"], central)
        rows.append(
            condition(
                f"flips_at_{driver}{suffix}",
                what=f"the value of {driver} at which it alone, all else as assumed, {does}",
                subject=turns,
                told=f"{_capital(turns)} (the median assumed), all else as assumed, {does}; shown beside.",
                quantity=driver,
                value=row["flip_value"],
                comparison="==",
                threshold=central,
                unit="as assumed",
                view=view,
                decides=False,
                grade=row["grade"],
                evidence_grade=row["grade"],
            )
        )
    return rows


# ---- Q3 ------------------------------------------------------------------------------------------------------------


def _pays(scope: str, waste: Waste, whole: set[str], assumptions: Assumptions) -> Rows:
    """For each revenue view of the scope: does coverage fall short, and is it made up for in time? (method 5 and 7)

    `whole` are the conditions that say of a view that its revenue is no lower bound, and hold.
    """
    short = assumptions.number("q3_coverage")
    share = in_words(assumptions.number("q3_share_of_life"), "share")
    wasteful, pays = assumptions.number("q3_probability_wasteful"), assumptions.number("q3_probability_pays")
    tests = (
        ("coverage_falls_short", "coverage_below_threshold", wasteful, f"that coverage is below {short:g}"),
        (
            "covers_too_late",
            "years_exceed_share_of_life",
            wasteful,
            f"that covering takes more than {share} of the remaining life",
        ),
        (
            "covers_in_time",
            "years_within_share_of_life",
            pays,
            f"that covering takes at most {share} of the remaining life",
        ),
    )
    rows: Rows = []
    for view in VIEWS[scope]:
        key = (scope, view, "coverage")
        for name, event, threshold, said in tests:
            likely = waste.probable.get((scope, view, event), {})
            rows.append(
                condition(
                    f"{name}_{view}",
                    what=f"the probability ({_view(view)}) {said}",
                    quantity=event,
                    value=likely.get("probability"),
                    comparison=">=",
                    threshold=threshold,
                    unit="probability",
                    view=view,
                    **_facts(likely, waste, key),
                )
            )
        for quantity, unit, said in (
            ("coverage", "ratio", "median coverage of required by attributable revenue"),
            ("years_to_cover", "years", "median years to cover"),
            ("remaining_life_years", "years", "median remaining life"),
        ):
            figure = waste.simulated.get((scope, view, quantity), {})
            rows.append(
                condition(
                    f"{quantity}_median_{view}",
                    what=f"the {said} ({_view(view)})",
                    quantity=quantity,
                    value=figure.get("p50"),
                    comparison=">=",
                    threshold=1.0 if quantity == "coverage" else None,
                    unit=unit,
                    view=view,
                    decides=False,
                    **_facts(figure, waste, (scope, view, quantity)),
                )
            )
        rows += _flips(scope, view, "coverage", waste, _turned(scope, view, whole))
    return rows


def _turned(scope: str, view: str, whole: set[str]) -> str:
    """What a driver that turns one view's figures turns: the verdict only where that rests on this view alone."""
    needs = [f"the {_view(other)} too" for other in VIEWS[scope] if other != view]
    needs += [
        f"AI revenue that is no lower bound ({_view(each)})"
        for each in VIEWS[scope]
        if f"revenue_is_no_lower_bound_{each}" not in whole
    ]
    return (
        f"would turn what the {_view(view)} says; a verdict needs {listed(needs)}"
        if needs
        else "would change the verdict"
    )


def _whole_revenue(attributable_revenue: pl.DataFrame, scope: str, view: str) -> dict[str, Any]:
    """Is the view's revenue that of everyone it should hold? An input that is a lower bound decides nothing (method 7)."""
    lines = attributable_revenue.filter((pl.col("scope") == scope) & (pl.col("revenue_view") == view))
    counted = lines.filter("counted")
    lower = bool(lines["is_lower_bound"].any())
    missing = sorted(set(lines["entity"]) - set(counted["entity"])) if lower else []
    inside = sorted(set(counted["entity"]))
    without = (
        f"none is known of {listed(missing)}"
        if missing
        else f"only the revenue of {listed(inside or ['none'])} is in it"
    )
    return condition(
        f"revenue_is_no_lower_bound_{view}",
        what=f"whether AI revenue ({_view(view)}) is only a lower bound",
        told=f"AI revenue ({_view(view)}) is " + (f"only a lower bound, as {without}." if lower else "no lower bound."),
        quantity="is_lower_bound",
        value=float(lower) if counted.height else None,
        comparison="==",
        threshold=0.0,
        unit="0 or 1",
        view=view,
        grade=counted["grade"].max(),
        known_on=counted["known_on"].max(),
        reason=None if counted.height else f"no attributable AI revenue of {scope} is known ({_view(view)})",
    )


def _view(view: str) -> str:
    return f"{view.replace('_', '-')} view"


def _glut(signals: Rows, assumptions: Assumptions) -> Rows:
    """How many glut signals are triggered; one without facts is not, and is listed as unknown (method 7)."""
    triggered = [row for row in signals if row["triggered"]]
    unknown = [row["signal"] for row in signals if row["triggered"] is None]
    note = f" ({len(unknown)} unknown: {', '.join(unknown)})" if unknown else ""
    common: dict[str, Any] = {
        "what": f"the number of glut signals{note}",
        "quantity": "glut_signals",
        "value": float(len(triggered)),
        "unit": "signals",
        "grade": _weakest(row["grade"] for row in signals),
        "evidence_grade": _weakest(row["grade"] for row in triggered),
        "known_on": _latest(*(row["known_on"] for row in signals)),
        "reason": f"unknown, so counted as not triggered: {', '.join(unknown)}" if unknown else None,
    }
    needed = float(assumptions.integer("q3_glut_signals"))
    return [
        condition("glut_signals_enough", comparison=">=", threshold=needed, **common),
        condition("no_glut_signal", comparison="==", threshold=0.0, **common),
        *(
            condition(
                f"glut_{row['signal']}",
                what=f"the number of {row['quantity']}" if row["unit"] in COUNTS else f"the {row['quantity']}",
                quantity=row["signal"],
                value=row["value"],
                comparison=row["comparison"],
                threshold=row["threshold"],
                unit=row["unit"],
                decides=False,
                grade=row["grade"],
                evidence_grade=row["grade"],
                known_on=row["known_on"],
                reason=row["reason"] or row["facts"],
            )
            for row in signals
        ),
    ]


# ---- Q4 ------------------------------------------------------------------------------------------------------------

WINDOWS = ((0, 1), (0, 60))
SUPPLIERS, BUYERS = "portfolio:supplier", "portfolio:buyer"


def _market(
    event_study: pl.DataFrame, event_study_tests: pl.DataFrame, guidance: pl.DataFrame, assumptions: Assumptions
) -> Market:
    """The suppliers' portfolio over two windows and the buyers' guidance (method 6 and 7), the same for every scope."""
    event: date = assumptions.value("main_event")
    same = (
        (pl.col("event_date") == event)
        & (pl.col("benchmark") == assumptions.value("benchmarks")[0])
        & (pl.col("model") == "market_model")
        & (pl.col("return_kind") == "simple")
    )
    shown = [SUPPLIERS, BUYERS, *COMPANIES]
    study = {
        (row["ticker"], row["window_start"], row["window_end"]): row
        for row in event_study.filter(same & pl.col("ticker").is_in(shown)).to_dicts()
    }
    tests = {
        (row["window_start"], row["window_end"]): row
        for row in event_study_tests.filter(
            same & (pl.col("grouping") == "supplier") & (pl.col("test") == "portfolio")
        ).to_dicts()
    }
    told = {row["ticker"]: row for row in guidance.filter(pl.col("event_date") == event).to_dicts()}
    deciding: Rows = []
    for window in WINDOWS:
        deciding += _suppliers(window, study.get((SUPPLIERS, *window), {}), tests.get(window, {}), assumptions)
    after = after_event(assumptions)
    deciding.append(_guidance("buyers_guidance_lower", "the buyers'", told.get(GROUP, {}), after))
    beside = {
        scope: [
            *(_own_return(scope, window, study.get((_whose(scope), *window), {})) for window in WINDOWS),
            *(
                [_guidance("own_guidance_lower", "its own", told.get(scope, {}), after, decides=False)]
                if scope != GROUP
                else []
            ),
        ]
        for scope in SCOPES
    }
    return Market(deciding, beside)


def _whose(scope: str) -> str:
    return BUYERS if scope == GROUP else scope


def _suppliers(window: tuple[int, int], returns: Row, test: Row, assumptions: Assumptions) -> Rows:
    first, last = window
    facts: dict[str, Any] = {
        "grade": _weakest((returns.get("grade"), test.get("grade"))),
        "evidence_grade": _weakest((returns.get("grade"), test.get("grade"))),
        "known_on": _latest(returns.get("known_on"), test.get("known_on")),
    }
    missing = f"the window [{first}, {last}] is not over, or prices are missing"
    said = [part for part in (returns.get("reason") or "").split("; ") if not part.startswith("market values are")]
    return [
        condition(
            f"suppliers_car_below_zero_{first}_{last}",
            what=f"the cumulative abnormal return of the suppliers' portfolio over [{first}, {last}]",
            quantity="abnormal_return",
            value=returns.get("abnormal_return"),
            comparison="<",
            threshold=0.0,
            unit="share",
            reason=None if returns.get("abnormal_return") is not None else "; ".join(said) or missing,
            **facts,
        ),
        condition(
            f"suppliers_car_significant_{first}_{last}",
            what=f"the p-value of the suppliers' portfolio test over [{first}, {last}]",
            quantity="p_value",
            value=test.get("p_value"),
            comparison="<",
            threshold=assumptions.number("q4_significance"),
            unit="probability",
            reason=None if test.get("p_value") is not None else test.get("reason") or "; ".join(said) or missing,
            **facts,
        ),
    ]


def _guidance(name: str, whose: str, row: Row, after: str, *, decides: bool = True) -> dict[str, Any]:
    """Change of guidance; the subject names whose it is, as a buyer without guidance at both dates is not in the sum."""
    who = listed((row.get("companies") or "").split(", ")) if row.get("change_usd") is not None else ""
    of = f"the capex guidance of {who}, the buyers with any at both dates," if who else f"{whose} capex guidance"
    return condition(
        name,
        what=f"the change of {of if decides else f'{whose} capex guidance'} for the running year in the {after} after the "
        "event",
        subject=who or ("the buyers" if whose == "the buyers'" else "the company"),
        quantity="guidance_change_usd",
        value=row.get("change_usd"),
        comparison="<",
        threshold=0.0,
        unit="USD",
        decides=decides,
        grade=row.get("grade"),
        evidence_grade=row.get("grade"),
        known_on=row.get("known_on"),
        reason=row.get("reason") or (None if row else "no guidance is known"),
    )


def _own_return(scope: str, window: tuple[int, int], row: Row) -> dict[str, Any]:
    first, last = window
    whose = "the buyers' portfolio" if scope == GROUP else f"{scope}'s own share"
    return condition(
        f"own_car_{first}_{last}",
        what=f"the cumulative abnormal return of {whose} over [{first}, {last}]",
        quantity="abnormal_return",
        value=row.get("abnormal_return"),
        comparison="<",
        threshold=0.0,
        unit="share",
        decides=False,
        grade=row.get("grade"),
        evidence_grade=row.get("grade"),
        known_on=row.get("known_on"),
        reason=row.get("reason") if row.get("abnormal_return") is None else None,
    )


# ---- Overall -------------------------------------------------------------------------------------------------------


def overall(found: pl.DataFrame) -> pl.DataFrame:
    """The verdicts on Q2 and Q3 as conditions of the overall one; a verdict that cannot tell is unknown."""
    decided = {(row["scope"], row["question"]): row for row in decide(found).to_dicts()}
    behind = {key: group for key, group in found.partition_by("scope", "question", as_dict=True).items()}
    rows: Rows = []
    for scope in SCOPES:
        for question in ("Q2", "Q3"):
            verdict = decided[scope, question]
            facts = behind[scope, question].filter(pl.col("condition").is_in(verdict["rests_on"]))
            unknown = verdict["verdict"] == UNDECIDED
            rows += [
                {
                    "scope": scope,
                    "question": "overall",
                    **condition(
                        f"{question.lower()}_{wanted}",
                        what=f"whether the verdict on {question} is '{_plain(wanted)}'",
                        told=f"The verdict on {question} is{' not' * (verdict['verdict'] != wanted)} '{_plain(wanted)}'.",
                        quantity=f"verdict_{question.lower()}",
                        value=None if unknown else float(verdict["verdict"] == wanted),
                        comparison="==",
                        threshold=1.0,
                        unit="0 or 1",
                        grade=facts["grade"].max(),
                        evidence_grade=facts["evidence_grade"].max(),
                        known_on=facts["known_on"].max(),
                        reason=f"{question} cannot tell" if unknown else None,
                    ),
                }
                for wanted in ("looks_wasteful", "not_shown_wasteful")
            ]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _plain(verdict: str) -> str:
    return verdict.replace("_", " ")


def _assumed(key: str, path: str) -> str:
    """SQL: what the assumptions that made these marts hold."""
    return f"(select a.value->>'{path}' from marts.assumptions a where a.key = '{key}')"


_MAIN_EVENT = f"t.event_date = {_assumed('main_event', '$')}::date and t.benchmark = {_assumed('benchmarks', '$[0]')}"

MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.training_cost",
            "m.question = 'Q1' and t.gpu_hours is not null and not coalesce(t.is_component, false) "
            f"and t.model in ({_assumed('claim_runs', '$.base')}, {_assumed('claim_runs', '$.increment')})",
        ),
        Trace(
            "core.article_claims",
            "m.question = 'Q1' "
            f"and t.claim_id in ({_assumed('claim_runs', '$.claim')}, {_assumed('claim_runs', '$.stated_as')})",
        ),
        Trace(
            "marts.training_share",
            "m.condition = 'training_share_is_no_lower_bound' and contains(m.statement, t.year::text)",
        ),
        Trace("marts.training_share_own", "m.condition = 'own_training_share' and t.ticker = m.scope"),
        Trace(
            "marts.waste_simulation",
            "m.question in ('Q2', 'Q3') and t.scope = m.scope and t.revenue_view = m.revenue_view "
            "and t.quantity = m.quantity",
        ),
        Trace(
            "marts.waste_probabilities",
            "m.question in ('Q2', 'Q3') and t.scope = m.scope and t.revenue_view = m.revenue_view "
            "and t.event = m.quantity",
        ),
        Trace(
            "marts.attributable_revenue",
            "m.condition like 'revenue_is_no_lower_bound%' and t.scope = m.scope and t.revenue_view = m.revenue_view",
        ),
        Trace(
            "marts.waste_sensitivity",
            "m.condition like 'flips_at_%' and t.scope = m.scope and t.revenue_view = m.revenue_view "
            "and t.driver = m.quantity and t.quantity = if(m.question = 'Q2', 'redundant_capex_share', 'coverage')",
        ),
        Trace(
            "marts.capex_group",
            "m.condition = 'facts_cover_group_capex' and contains(m.statement, t.calendar_quarter)",
        ),
        Trace(
            "marts.glut_signals",
            "m.condition in ('glut_signals_enough', 'no_glut_signal') or m.condition = 'glut_' || t.signal",
        ),
        Trace(
            "marts.event_study",
            "m.question = 'Q4' and m.quantity in ('abnormal_return', 'p_value') and t.model = 'market_model' "
            f"and {_MAIN_EVENT} and t.return_kind = 'simple' "
            "and ends_with(m.condition, '_' || t.window_start || '_' || t.window_end) "
            "and t.ticker = case when m.condition like 'suppliers%' then 'portfolio:supplier' "
            "when m.scope = 'ALL' then 'portfolio:buyer' else m.scope end",
        ),
        Trace(
            "marts.event_study_tests",
            "m.question = 'Q4' and m.quantity = 'p_value' and t.test = 'portfolio' and t.\"grouping\" = 'supplier' "
            f"and t.model = 'market_model' and {_MAIN_EVENT} and t.return_kind = 'simple' "
            "and ends_with(m.condition, '_' || t.window_start || '_' || t.window_end)",
        ),
        Trace(
            "marts.capex_guidance_change",
            f"m.quantity = 'guidance_change_usd' and t.event_date = ({_assumed('main_event', '$')})::date "
            "and t.ticker = if(m.condition = 'buyers_guidance_lower', 'ALL', m.scope)",
        ),
        Trace(
            "marts.verdict_conditions",
            "m.question = 'overall' and t.scope = m.scope and t.decides and t.question = upper(left(m.condition, 2))",
        ),
    ),
)
