"""The decision table for the whole (method 7): every row of it, from the two verdicts, the glut signals and coverage."""

from __future__ import annotations

import itertools

import pytest

from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict.decision import concluded, verdict_of
from warehouse.marts.verdict.questions import questions

Q2 = ("looks_wasteful", "not_shown_wasteful", "cannot_tell")
Q3 = ("on_course", "falls_short", "between", "cannot_tell")
SIGNALS = (0, 1, 2, 4)


def holds_of(redundant: str, payback: str, signals: int, is_covered: bool | None) -> dict[str, bool | None]:
    """The conditions of the whole, as the method puts them; `between` is an open payback of which everything is known."""
    open_q3 = payback in ("between", "cannot_tell")
    return {
        "facts_cover_group_capex": is_covered,
        "glut_signals_enough": signals >= 2,
        "no_glut_signal": signals == 0,
        **{f"q2_{v}": None if redundant == "cannot_tell" else v == redundant for v in Q2[:2]},
        "q2_cannot_tell": redundant == "cannot_tell",
        **{f"q3_{v}": None if open_q3 else v == payback for v in Q3[:2]},
        "q3_cannot_tell": open_q3,
        "q3_between": {"between": True, "cannot_tell": None}.get(payback, False),
    }


def by_the_method(redundant: str, payback: str, signals: int, is_covered: bool | None) -> str:
    """The table of method 7, line by line, in its order."""
    if not is_covered:
        return "cannot_tell"
    if redundant == "looks_wasteful" or (payback == "falls_short" and signals >= 2):
        return "looks_wasteful"
    if payback == "falls_short":
        return "at_risk"
    if redundant == "not_shown_wasteful" and payback == "on_course":
        return "looks_justified"
    if redundant == "not_shown_wasteful" and payback == "between" and signals == 0:
        return "not_shown_wasteful"
    return "cannot_tell"


@pytest.mark.parametrize("scope", SCOPES)
def test_every_line_of_the_table(scope):
    for case in itertools.product(Q2, Q3, SIGNALS, (True, False, None)):
        found = verdict_of(scope, questions()["overall"], holds_of(*case))
        assert found == by_the_method(*case), case


def test_an_open_question_is_between_only_where_all_of_it_is_known():
    question = questions()["Q2"]
    needed = dict.fromkeys(question.needed("ALL"), True)
    between = {**needed, "redundant_median_at_threshold": False, "redundant_p95_below_threshold": False}
    assert concluded(question, "ALL", "cannot_tell", between)["q2_between"] is True
    unknown = {**between, "redundant_p95_below_threshold": None}
    assert concluded(question, "ALL", "cannot_tell", unknown)["q2_between"] is None
    uncovered = {**between, "facts_cover_group_capex": False}
    assert concluded(question, "ALL", "cannot_tell", uncovered)["q2_between"] is None
    assert concluded(question, "ALL", "looks_wasteful", needed)["q2_between"] is False


def test_verdicts_met_at_once_are_not_between():
    """Thresholds that a user moved across each other: P50 at the line or above it, and P95 below it."""
    question = questions()["Q2"]
    crossed = dict.fromkeys(question.needed("ALL"), True)
    crossed |= {"redundant_median_at_threshold": True, "redundant_p95_below_threshold": True}
    assert verdict_of("ALL", question, crossed) == "cannot_tell"
    assert concluded(question, "ALL", "cannot_tell", crossed)["q2_between"] is False
