"""The case against each verdict, and what would prove it wrong, in words for a reviewer.

What a figure can say stands on the page as a figure. These are the arguments that no figure makes: where a method
can be wrong although its arithmetic is right. They hold whatever the verdict is, so they name no value.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """Sentences against the answer to a question, and findings that would refute it."""

    against: tuple[str, ...]
    refuted_by: tuple[str, ...]


CASES: dict[str, Case] = {
    "Q1": Case(
        against=(
            "The hours are the developer's own; nobody outside has measured them.",
            "The price is that of a chip that stands in, as the one used was hardly rented out.",
            "The low end rests on the cheapest offer of its time, which few may have been able to rent.",
            "Most people heard a claim about building the model. Research, failed runs and hardware are not in it.",
        ),
        refuted_by=(
            "An audit or a repetition of the run that needs far more hours than were stated.",
            "Offers of that time at which even the lowest cost is above twice the claim.",
            "A statement of the developer that other runs belong to the same model.",
        ),
    ),
    "Q2": Case(
        against=(
            "No owner publishes the share of computing that trains, and its readings lie far apart.",
            "How demand for training answers to its price is not known. The whole range is drawn, which keeps the answer open.",
            "Spending on training has grown while its price fell. That speaks against redundancy, whatever the model says.",
            "Labs rent from these companies and others. Chips are added up by peak speed, which no workload reaches.",
        ),
        refuted_by=(
            "A measured split of computing between training and inference, outside the range drawn.",
            "A year in which labs spend clearly less on training while its price falls.",
            "A disclosed training run that alone takes a large part of the world's fleet.",
        ),
    ),
    "Q3": Case(
        against=(
            "The part of capex that is for AI is a judgement. Land, buildings and other computing stand in the same figure.",
            "Young revenue grows fast and seldom for long. The growth that was seen is of few sellers over a short time.",
            "Break-even growth lets standing capital have all growth for nothing, though growth usually needs more capital.",
            "A seller without a figure of its own lies between nothing and its whole cloud revenue. That is wide.",
        ),
        refuted_by=(
            "AI revenue of the sellers' own, a year apart, that grows slower than break-even asks for.",
            "AI revenue of every seller that grows faster, at its lower bound too.",
            "Shorter lives or impairments of servers in filings of two or more companies.",
        ),
    ),
    "Q4": Case(
        against=(
            "One day is one observation, and all these firms met it together.",
            "The year before taught the model how these shares move. Another year would give other abnormal returns.",
            "Later news fills every longer window, above all the tariffs of April 2025.",
            "A price says what investors believed that week. It does not say what computing is worth.",
        ),
        refuted_by=(
            "A test of enough power that finds the first loss still there after ten days.",
            "First guidance after the event that is lower than that before it.",
            "A fall of the same size on quiet days, as often as on this one.",
        ),
    ),
    "overall": Case(
        against=(
            "The rule asks for several things at once. An open question beneath it leaves it open for long.",
            "Its thresholds are choices with reasons, and other choices give other words.",
            "The rule was written after its first results had been seen. Only the published path tests it from outside.",
            "Four companies are not the industry. New clouds and private labs carry debts that no filing here shows.",
        ),
        refuted_by=(
            "Revenue that falls short while two signs of a glut show.",
            "Revenue that keeps to the published path for a year, with idle fleets or falling rents beside it.",
            "A filing that shows much of this spending was not for AI.",
        ),
    ),
}
