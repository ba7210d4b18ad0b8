"""The decision table of method 7, in one place: which conditions make which verdict.

A verdict is made of conditions that are each true, false or unknown. Here stands which of them have to be true (or
false) together; how a condition comes about stands in `verdict_conditions`. An unknown condition is never counted as
true nor as false, so whatever nothing is known of ends as `cannot_tell`.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from warehouse.marts.common.scopes import SCOPES, VIEWS

QUESTIONS = ("Q1", "Q2", "Q3", "Q4", "overall")
ASKED = {
    "Q1": "Is the cheap-training claim true?",
    "Q2": "How much capex does it make redundant?",
    "Q3": "Does the spending pay?",
    "Q4": "What did the market say?",
    "overall": "Is the spending wasteful?",
}
UNDECIDED = "cannot_tell"
VERDICTS: dict[str, tuple[str, ...]] = {
    "Q1": ("claim_holds", "claim_holds_for_its_scope", "claim_fails", UNDECIDED),
    "Q2": ("looks_wasteful", "not_shown_wasteful", UNDECIDED),
    "Q3": ("looks_wasteful", "not_shown_wasteful", UNDECIDED),
    "Q4": ("market_said_waste", "market_did_not_say_waste", UNDECIDED),
    "overall": ("looks_wasteful", "not_shown_wasteful", UNDECIDED),
}

# Needed by every verdict of a question beside its own conditions.
ALWAYS: dict[str, tuple[str, ...]] = {
    "Q2": ("facts_cover_group_capex", "training_share_is_no_lower_bound"),
    "Q3": ("facts_cover_group_capex",),
    "overall": ("facts_cover_group_capex",),
}

# question -> verdict -> alternatives, each a set of conditions that must hold together; `not x` must be false, which
# unknown is not. `{view}` stands for each revenue view of the scope.
DECISIONS: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "Q1": {
        "claim_holds": (("recomputed_low_within_factor", "stated_scope_is_recomputed_scope"),),
        "claim_holds_for_its_scope": (("recomputed_low_within_factor", "stated_scope_is_wider"),),
        "claim_fails": (("not recomputed_low_within_factor",),),
    },
    "Q2": {
        "looks_wasteful": (("redundant_median_at_threshold",),),
        "not_shown_wasteful": (("redundant_p95_below_threshold",),),
    },
    "Q3": {
        "looks_wasteful": (
            (
                "coverage_falls_short_{view}",
                "covers_too_late_{view}",
                "glut_signals_enough",
                "revenue_is_no_lower_bound_{view}",
            ),
        ),
        "not_shown_wasteful": (("covers_in_time_{view}", "no_glut_signal", "revenue_is_no_lower_bound_{view}"),),
    },
    "Q4": {
        "market_said_waste": (
            (
                "suppliers_car_below_zero_0_1",
                "suppliers_car_significant_0_1",
                "suppliers_car_below_zero_0_60",
                "suppliers_car_significant_0_60",
                "buyers_guidance_lower",
            ),
        ),
        "market_did_not_say_waste": (
            ("not suppliers_car_below_zero_0_1",),
            ("not suppliers_car_significant_0_1",),
            ("not suppliers_car_below_zero_0_60", "not buyers_guidance_lower"),
            ("not suppliers_car_significant_0_60", "not buyers_guidance_lower"),
        ),
    },
    "overall": {
        "looks_wasteful": (("q2_looks_wasteful",), ("q3_looks_wasteful",)),
        "not_shown_wasteful": (("q2_not_shown_wasteful", "q3_not_shown_wasteful"),),
    },
}


@cache
def rules() -> pl.DataFrame:
    """The table above: scope, question, verdict, number of the alternative, condition and what it is wanted to be."""
    rows = []
    for scope in SCOPES:
        for question, verdicts in DECISIONS.items():
            for verdict, alternatives in verdicts.items():
                for number, alternative in enumerate(alternatives):
                    for name, wanted in _spelled_out(alternative, scope):
                        rows.append((scope, question, verdict, number, name, wanted))
                    for name in ALWAYS.get(question, ()):
                        rows.append((scope, question, verdict, number, name, True))
    schema = {
        "scope": pl.String,
        "question": pl.String,
        "verdict": pl.String,
        "alternative": pl.Int64,
        "condition": pl.String,
        "wanted": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _spelled_out(alternative: tuple[str, ...], scope: str) -> list[tuple[str, bool]]:
    names = [
        name.format(view=view) for name in alternative for view in (VIEWS[scope] if "{view}" in name else ("none",))
    ]
    return [(name.removeprefix("not "), not name.startswith("not ")) for name in names]


def decide(conditions: pl.DataFrame) -> pl.DataFrame:
    """Verdict of every scope and question in `conditions` (columns scope, question, condition, holds).

    Returns scope, question, verdict and `rests_on`: the conditions of the alternatives that were met, or, where none
    was, all that could have decided. Two verdicts met at once (thresholds that a user moved across each other) are
    none.
    """
    asked = conditions.select("scope", "question").unique()
    known = conditions.select("scope", "question", "condition", "holds")
    alternatives = (
        rules()
        .join(asked, on=["scope", "question"], how="semi")
        .join(known, on=["scope", "question", "condition"], how="left")
        .with_columns(met=(pl.col("holds") == pl.col("wanted")).fill_null(False))
        .with_columns(met=pl.col("met").all().over("scope", "question", "verdict", "alternative"))
        .with_columns(verdicts_met=pl.col("verdict").filter("met").n_unique().over("scope", "question"))
        .with_columns(met=pl.col("met") & (pl.col("verdicts_met") == 1))
    )
    return (
        alternatives.group_by("scope", "question")
        .agg(
            verdict=pl.col("verdict").filter("met").first().fill_null(UNDECIDED),
            rests_on=pl.when(pl.col("met").any())
            .then(pl.col("condition").filter("met").unique().sort().implode())
            .otherwise(pl.col("condition").unique().sort().implode()),
        )
        .sort("scope", "question")
    )
