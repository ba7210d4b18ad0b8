"""One formula for each claim of the article that a figure can decide.

A claim is rarely plain wrong: more often a right number is put on the wrong thing (a final run's rental called the cost
of a model, a chip's cut link called a slow chip). So a formula gives a finding together with what is right in the claim.
No formula holds a figure: each reads the facts known on the day, and a judgement (how close is close) is an assumption.

Each is a pure function from the claim's row and the dossier of facts to `Found`. How it works in a sentence, and the
words of its reasons, stand in `warehouse.marts.wording.article`.
"""

from __future__ import annotations

from collections.abc import Callable

from warehouse.marts.article import capability_claims, chip_claims, cost_claims, market_claims, outcome_claims
from warehouse.marts.article.dossier import Dossier, Found, Row
from warehouse.marts.article.trading_day import once_over

Formula = Callable[[Row, Dossier], Found]

FORMULAS: dict[str, Formula] = {
    "SC01": once_over(market_claims.nvidia_value_lost),
    "SC02": once_over(market_claims.nvidia_return),
    "SC03": once_over(market_claims.largest_loss),
    "SC04": once_over(market_claims.caused_by_model),
    "SC10": capability_claims.r1_against_o1,
    "SC11": cost_claims.r1_cost,
    "SC12": cost_claims.cost_ratio,
    "SC13": once_over(market_claims.technology_fell),
    "SC15": capability_claims.open_against_closed,
    "SC17": outcome_claims.nvidia_revenue_after,
    "SC18": outcome_claims.inference_share,
    "SC20": outcome_claims.is_it_wasted,
    "SC21": capability_claims.cost_decline,
    "SC22": once_over(market_claims.names_down),
    "SC23": cost_claims.build_time,
    "SC24": cost_claims.programme_cost,
    "SC25": chip_claims.hardware_named,
    "SC26": chip_claims.downgraded_chip,
    "SC27": chip_claims.most_advanced_chip,
    "SC28": outcome_claims.hearsay_count,
    "SC30": cost_claims.hopper_value,
    "SC34": cost_claims.prior_research,
    "SC35": chip_claims.cluster_size,
    "SC37": once_over(market_claims.turmoil_next_day),
    "SC43": cost_claims.rental_price,
}
