"""The verdict on waste: what redundancy (Q2), payback (Q3) and signs of a glut come to together (method 1 and 7).

Redundancy alone can show waste. A shortfall of revenue alone is a risk and no waste: what was built may still be filled,
so waste also needs two signs of a glut. That the spend is justified takes both questions, and "not shown" is kept for
spend that could still go either way. Whether the claim holds (Q1) and what prices said (Q4) enter nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from warehouse.asked import ASKED, SILENT
from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import NAMES, capital, listed, number, sentences
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict import glut, simulated
from warehouse.marts.verdict.glut import ENOUGH, NONE
from warehouse.marts.verdict.question import UNDECIDED, Case, Conditions, Question, Remedy, Verdict
from warehouse.marts.verdict.simulated import covered

FALLS_SHORT, ON_COURSE = "falls_short", "on_course"
# What follows the headline where payback is open.
LEANS = {
    FALLS_SHORT: "; AI revenue leans towards falling short",
    ON_COURSE: "; AI revenue leans towards being enough",
}
# Where a company's payback stands (its verdict and what it leans to) -> what is said of one and of several.
OPEN = (UNDECIDED, None)
STANDS = {
    (ON_COURSE, None): ("grows as it must", "grow as they must"),
    (UNDECIDED, ON_COURSE): ("leans towards being enough", "lean towards being enough"),
    (FALLS_SHORT, None): ("falls short", "fall short"),
    (UNDECIDED, FALLS_SHORT): ("leans towards falling short", "lean towards falling short"),
    OPEN: ("is open", "are open"),
}


def conditions(capex_group: pl.DataFrame, glut_signals: pl.DataFrame, *, assumptions: Assumptions) -> Conditions:
    """Beside the verdicts that it rests on: do facts cover the group's capex, and how many signs of a glut show?"""
    same = [covered(capex_group, assumptions), *glut.conditions(glut_signals, assumptions)]
    return {scope: same for scope in SCOPES}


# ---- Words -----------------------------------------------------------------------------------------------------------


def _headline(case: Case) -> str:
    """What the verdict comes to, and which of the questions decides it."""
    whose = f"{NAMES[case.scope]}'s spend" if case.group else "the spend"
    payback, redundant = case.others["Q3"], case.others["Q2"]
    if case.verdict == "looks_wasteful":
        by_training = redundant.verdict == "looks_wasteful"
        why = "cheaper training makes too much of it redundant" if by_training else "AI revenue falls short amid a glut"
        return capital(f"{whose} looks wasteful: {why}.")
    if case.verdict == "at_risk":
        signs = "no sign of a glut shows" if case[NONE]["holds"] else "few signs of a glut show"
        return capital(f"{whose} is at risk: AI revenue falls short, but {signs}.")
    if case.verdict == "looks_justified":
        return capital(f"{whose} looks justified: AI revenue grows as fast as it must.")
    if case.verdict == "not_shown_wasteful":
        return capital(
            f"{whose} is not shown wasteful{LEANS.get(payback.leaning or '', '; AI revenue may go either way')}."
        )
    if payback.is_decided:
        what = {ON_COURSE: "AI revenue is on course", FALLS_SHORT: "AI revenue falls short"}.get(payback.verdict, "")
        return f"Whether {whose} is wasteful cannot be told yet, though {what}."
    return f"Whether {whose} is wasteful cannot be told yet{LEANS.get(payback.leaning or '', '')}."


def _statement(case: Case) -> str:
    """What payback and redundancy found, and the signs of a glut; of a company what differs from the group."""
    payback, redundant = (case.others[name].briefly for name in ("Q3", "Q2"))
    if case.group:
        same = case.others["Q2"].is_as_group
        return sentences(payback, "" if same else redundant) or "It does not differ from the group's."
    companies, signs = _companies(case), capital(glut.clause(case))
    if not all((payback, companies, redundant)):
        return sentences(payback, companies, redundant, signs)
    # How many signs could be read matters where they decide; elsewhere it is enough that none shows, in half a sentence.
    if case[NONE]["holds"] and not case.is_decided:
        return sentences(payback, companies, f"{redundant}, and no sign of a glut shows")
    return sentences(payback, redundant, signs)


def _companies(case: Case) -> str:
    """`By growth, Microsoft is on course and Amazon falls short.`: where the companies' revenue stands or leans to."""
    stand: dict[tuple[str, str | None], list[str]] = {}
    for scope, company in case.companies.items():
        payback = company.others["Q3"]
        stand.setdefault((payback.verdict, payback.leaning), []).append(NAMES[scope])
    if set(stand) == {OPEN}:
        return ""
    said = [
        f"{listed(names)} {does[len(names) > 1]}" for found, does in STANDS.items() if (names := stand.get(found, []))
    ]
    return listed(said) if said else ""


def _remedies(case: Case) -> Sequence[Remedy]:
    """What turns payback or redundancy, where that turns the whole; and signs of a glut."""
    through = [replace(each, question=name) for name in ("Q3", "Q2") for each in case.others[name].remedies]
    needed = case[ENOUGH]["threshold"]
    more = Remedy(
        f"{glut.count(needed)} instead of {number(case[NONE]['value'])}" if case[NONE]["value"] else glut.count(needed),
        {ENOUGH: True, NONE: False},
        tries={"glut_signals": needed},
    )
    fewer = Remedy("an end to the signs of a glut", {ENOUGH: False, NONE: True}, tries={"glut_signals": 0})
    signs = [*([] if case[ENOUGH]["holds"] else [more]), *([] if case[NONE]["holds"] else [fewer])]
    return simulated.likeliest_first([*through, *signs])


# ---- Rule ------------------------------------------------------------------------------------------------------------

_VERDICTS = {
    "looks_wasteful": Verdict(
        "Q2 looks wasteful, or Q3 falls short and enough signs of a glut show",
        (("q2_looks_wasteful",), ("q3_falls_short", ENOUGH)),
    ),
    # Where Q2 looks wasteful the answer is waste, whatever else is at risk: so it has to be decided otherwise, or open.
    "at_risk": Verdict(
        "Q3 falls short, and fewer signs of a glut show",
        (
            ("q3_falls_short", f"not {ENOUGH}", "q2_not_shown_wasteful"),
            ("q3_falls_short", f"not {ENOUGH}", "q2_cannot_tell"),
        ),
    ),
    "looks_justified": Verdict(
        "Q2 is not shown wasteful and Q3 is on course", (("q2_not_shown_wasteful", "q3_on_course"),)
    ),
    "not_shown_wasteful": Verdict(
        "Q2 is not shown wasteful, Q3 lies between its thresholds on known or bounded facts, and no sign of a glut shows",
        (("q2_not_shown_wasteful", "q3_between", NONE),),
    ),
}

QUESTION = Question(
    name="overall",
    asks=ASKED["overall"],
    concludes_from=("Q2", "Q3"),
    verdicts=_VERDICTS,
    always=(simulated.COVERED,),
    assumes=glut.ASSUMES,
    conditions=conditions,
    figures={**simulated.FIGURES, **glut.FIGURES},
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    silent=SILENT["overall"],
    words={**simulated.WORDS, **glut.WORDS},
    traces=(simulated.COVERAGE_TRACE, glut.TRACE),
    narrowed=simulated.OF_GROUP,
)
