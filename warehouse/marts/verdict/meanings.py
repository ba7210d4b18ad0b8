"""What the quantities and the kinds of the verdict's conditions mean, for whoever reads their codes in a query.

A condition is named by code, so that rules and words can refer to it. `growth_too_slow_at_highest` says little to an
analyst who finds it in a column. A question that is added has its codes here too: a test finds one without a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.marts.payback.formulas import DRIVER_MEANINGS, QUANTITY_FORMULAS
from warehouse.marts.payback.glut_signals import SIGNAL_MEANINGS
from warehouse.marts.payback.waste_probabilities import EVENTS
from warehouse.marts.wording.payback import EARLIER_REVENUE

QUANTITY_MEANINGS: Mapping[str, str] = {
    **{name: formula.words for name, formula in QUANTITY_FORMULAS.items()},
    **{name: f"share of the draws: {meaning}" for name, meaning in EVENTS.items()},
    **DRIVER_MEANINGS,
    **SIGNAL_MEANINGS,
    EARLIER_REVENUE: "revenue of the same sellers a year earlier",
    "cost_low_usd": "lowest cost of the run, recomputed",
    "cost_high_usd": "highest cost of the run, recomputed",
    "scope_of_the_claim": "rung of the scope ladder that the claim is about",
    "coverage_share": "share of the group's spending for which there are facts",
    "is_lower_bound": "whether the year's training is only known to be at least so much",
    "lowest_growth": "lowest growth of the revenue that was seen",
    "highest_growth": "highest growth of the revenue that was seen",
    "abnormal_return": "cumulative return beyond what the market explains",
    "p_value": "probability of such a return on a quiet day",
    "smallest_detectable_car": "smallest true return that the test finds in four of five cases",
    "guidance_change_usd": "guidance of the year's spending after the event less that before",
    "glut_signals": "signs of a glut that are triggered",
    "verdict_q2": "whether Q2 has the verdict that is asked for",
    "verdict_q3": "whether Q3 has it",
    "verdict": "the verdict itself, of a question without a figure of its own",
}

KIND_MEANINGS: Mapping[str, str] = {
    "recomputed_low_within_factor": "the lowest recomputed cost is near the claimed one",
    "recomputed_high_within_factor": "the highest recomputed cost is near it",
    "stated_scope_is_recomputed_scope": "the claim is about what was recomputed",
    "stated_scope_is_wider": "the claim is about more than that",
    "facts_cover_group_capex": "there are facts for enough of the group's spending",
    "redundant_median_at_threshold": "the median redundant share reaches the threshold",
    "redundant_p95_below_threshold": "nearly all draws of the redundant share are below it",
    "redundant_p05": "redundant share, low end",
    "redundant_gross_median": "redundant share before demand responds",
    "redundant_probability": "probability that the redundant share reaches the threshold",
    "training_share_drawn": "share of computing that trains, as drawn",
    "training_share_is_no_lower_bound": "training of the year is counted, and not only known in part",
    "own_training_share": "share of its own computing that trains",
    "flips_at": "value of one assumption at which it alone turns the verdict",
    "learning_changes_it": "probability that learning one thing changes the verdict",
    "growth_recovers_capital": "the lowest growth seen recovers the capital",
    "newest_spend_earns_more": "the newest spending earns more than the average",
    "newest_spend_earns_less": "the newest spending earns less than the average",
    "revenue_falls_short": "the conditions of falling short hold",
    "growth_too_slow_at_lowest": "the lowest growth seen does not recover the capital",
    "growth_too_slow_at_highest": "not even the highest growth seen does",
    "growth_seen": "growth that was seen",
    "leans": "share of the draws that lean to a verdict",
    **{
        f"{name}_median": f"median over the draws: {QUANTITY_FORMULAS[name].words}"
        for name in (
            "attributable_revenue_usd",
            "breakeven_growth",
            "breakeven_revenue_usd",
            "coverage",
            "marginal_coverage",
            "remaining_life_years",
            "required_revenue_usd",
        )
    },
    "suppliers_car_below_zero": "suppliers lost in the window",
    "suppliers_car_above_zero": "suppliers gained in the window",
    "suppliers_car_significant": "what they lost or gained is more than chance",
    "suppliers_car_later": "suppliers' return over a later window",
    "loss_would_be_seen": "a loss as large as that of the first day would be found",
    "buyers_guidance_lower": "buyers guide to less spending than before",
    "own_guidance_lower": "the company guides to less spending than before",
    "own_car": "the company's own return in the window",
    "glut": "one sign of a glut",
    "glut_signals_enough": "enough signs of a glut are triggered",
    "no_glut_signal": "none is",
    "verdict_of": "the verdict on another question",
}
