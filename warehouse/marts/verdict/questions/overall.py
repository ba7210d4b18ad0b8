"""The verdict on waste: what redundancy (Q2) and payback (Q3) come to together (method 1 and 7).

Either of them can show waste; that there is none, both have to say. Whether the claim holds (Q1) and what prices said (Q4)
enter nothing here.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict import simulated
from warehouse.marts.verdict.question import UNDECIDED, Case, Conditions, Question, Verdict
from warehouse.marts.verdict.simulated import OPENS, covered

SAYS = {
    "looks_wasteful": "looks wasteful",
    "not_shown_wasteful": "is not shown wasteful",
    UNDECIDED: "cannot tell",
}


def conditions(capex_group: pl.DataFrame, *, assumptions: Assumptions) -> Conditions:
    """Beside the verdicts that it rests on, whether facts cover the group's capex."""
    known = covered(capex_group, assumptions)
    return {scope: [known] for scope in SCOPES}


def _finds(case: Case) -> str:
    """What each of the two questions says, and in short why."""
    return ", and ".join(
        f"{name} {SAYS[other.verdict]}" + (f" ({briefly})" if (briefly := other.briefly) else "")
        for name, other in case.others.items()
    )


QUESTION = Question(
    name="overall",
    asks="Is the spending wasteful?",
    concludes_from=("Q2", "Q3"),
    verdicts={
        "looks_wasteful": Verdict(
            "Q2 or Q3 looks wasteful",
            (("q2_looks_wasteful",), ("q3_looks_wasteful",)),
            opens=OPENS["looks_wasteful"],
            changes="another verdict on Q2 or Q3 would change it",
        ),
        "not_shown_wasteful": Verdict(
            "neither Q2 nor Q3 is shown wasteful",
            (("q2_not_shown_wasteful", "q3_not_shown_wasteful"),),
            opens=OPENS["not_shown_wasteful"],
            changes="another verdict on Q2 or Q3 would change it",
        ),
    },
    always=(simulated.COVERED,),
    conditions=conditions,
    figures=simulated.FIGURES,
    about="whether the spend is wasteful",
    finds=_finds,
    silent="it rests on Q2 and Q3 alone and judges no single project",
    wanting="a verdict on both, or either of them looking wasteful,",
    words=simulated.WORDS,
    traces=(simulated.COVERAGE_TRACE,),
    narrowed=simulated.OF_GROUP,
)
