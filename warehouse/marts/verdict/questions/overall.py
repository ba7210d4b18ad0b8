"""The verdict on waste: what redundancy (Q2), payback (Q3) and signs of a glut come to together (method 1 and 7).

Redundancy alone can show waste. A shortfall of revenue alone is a risk and no waste: what was built may still be filled,
so waste also needs two signs of a glut. That the spend is justified takes both questions, and "not shown" is kept for
spend that could still go either way. Whether the claim holds (Q1) and what prices said (Q4) enter nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import NAMES
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict import glut, simulated
from warehouse.marts.verdict.glut import ENOUGH, NONE
from warehouse.marts.verdict.question import Case, Conditions, Question, Remedy, Verdict
from warehouse.marts.verdict.questions.q3_payback import QUESTION as PAYBACK
from warehouse.marts.verdict.simulated import covered

FALLS_SHORT, ON_COURSE = "falls_short", "on_course"


def conditions(capex_group: pl.DataFrame, glut_signals: pl.DataFrame, *, assumptions: Assumptions) -> Conditions:
    """Beside the verdicts that it rests on: do facts cover the group's capex, and how many signs of a glut show?"""
    same = [covered(capex_group, assumptions), *glut.conditions(glut_signals, assumptions)]
    return {scope: same for scope in SCOPES}


# ---- Words -----------------------------------------------------------------------------------------------------------


def _headline(case: Case) -> str:
    """What the verdict comes to, and which of the questions decides it."""
    whose = f"{NAMES[case.scope]}'s spend" if case.group else "The spend"
    if case.verdict == "looks_wasteful":
        if case.conditions["q2_looks_wasteful"]["holds"]:
            return f"{whose} looks wasteful: cheaper training makes too much of it redundant."
        return f"{whose} looks wasteful: AI revenue falls short, and signs of a glut show."
    said = {
        "at_risk": "is at risk: AI revenue falls short of what it needs, though no glut shows yet.",
        "looks_justified": "looks justified: AI revenue grows as fast as it must.",
        "not_shown_wasteful": "is not shown wasteful: AI revenue may still go either way.",
    }
    if case.verdict in said:
        if case.verdict == "at_risk" and not case[NONE]["holds"]:
            return f"{whose} is at risk: AI revenue falls short of what it needs, and one sign of a glut shows."
        return f"{whose} {said[case.verdict]}"
    leaning = case.others["Q3"].leaning
    if leaning == FALLS_SHORT:
        return f"Whether {_lower(whose)} is wasteful is open; AI revenue leans towards falling short."
    if leaning == ON_COURSE:
        return f"Whether {_lower(whose)} is wasteful is open; AI revenue leans towards being enough."
    return f"Whether {_lower(whose)} is wasteful cannot be told yet."


def _lower(whose: str) -> str:
    return whose.replace("The ", "the ")


def _statement(case: Case) -> str:
    """What each of the two questions found, and the signs of a glut; of a company, payback alone is its own."""
    payback, redundant = (case.others[name].briefly for name in ("Q3", "Q2"))
    if case.group:
        return payback or "Nothing is known of it that the group's answer does not hold."
    said = " ".join(filter(None, (payback, redundant, glut.said(case))))
    return said


def _remedies(case: Case) -> Sequence[Remedy]:
    """What turns payback or redundancy, where that turns the whole; and signs of a glut."""
    through = [replace(each, question=name) for name in ("Q3", "Q2") for each in case.others[name].remedies]
    needed = case[ENOUGH]["threshold"]
    more = Remedy(
        f"{glut.count(needed)} instead of {glut.count(case[NONE]['value'])}"
        if case[NONE]["value"]
        else glut.count(needed),
        {ENOUGH: True, NONE: False},
        tries={"glut_signals": needed},
    )
    fewer = Remedy("an end to the signs of a glut", {ENOUGH: False, NONE: True}, tries={"glut_signals": 0})
    return [*through, *([] if case[ENOUGH]["holds"] else [more]), *([] if case[NONE]["holds"] else [fewer])]


# ---- Rule ------------------------------------------------------------------------------------------------------------

# Until payback has its verdicts of method 2, those of method 1 stand for the nearest of them.
_OLD = FALLS_SHORT not in PAYBACK.verdicts
_VERDICTS = {
    "looks_wasteful": Verdict(
        "Q2 looks wasteful, or Q3 falls short and enough signs of a glut show",
        (("q2_looks_wasteful",), *((("q3_looks_wasteful",),) if _OLD else (("q3_falls_short", ENOUGH),))),
    ),
    # Where Q2 looks wasteful the answer is waste, whatever else is at risk: so it has to be decided otherwise, or open.
    "at_risk": Verdict(
        "Q3 falls short, and fewer signs of a glut show",
        ()
        if _OLD
        else (
            ("q3_falls_short", f"not {ENOUGH}", "q2_not_shown_wasteful"),
            ("q3_falls_short", f"not {ENOUGH}", "q2_cannot_tell"),
        ),
    ),
    "looks_justified": Verdict(
        "Q2 is not shown wasteful and Q3 is on course", () if _OLD else (("q2_not_shown_wasteful", "q3_on_course"),)
    ),
    "not_shown_wasteful": Verdict(
        "Q2 is not shown wasteful, Q3 lies between its thresholds on known or bounded facts, and no sign of a glut shows",
        (("q2_not_shown_wasteful", "q3_not_shown_wasteful" if _OLD else "q3_between", *(() if _OLD else (NONE,))),),
    ),
}

QUESTION = Question(
    name="overall",
    asks="Is the spending wasteful?",
    concludes_from=("Q2", "Q3"),
    verdicts=_VERDICTS,
    always=(simulated.COVERED,),
    assumes=glut.ASSUMES,
    conditions=conditions,
    figures={**simulated.FIGURES, **glut.FIGURES},
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    silent="It judges no single project, and neither the training claim nor the market's reaction enters it.",
    words={**simulated.WORDS, **glut.WORDS},
    traces=(simulated.COVERAGE_TRACE, glut.TRACE),
    narrowed=simulated.OF_GROUP,
)
