"""How capable a model is, on one index across benchmarks, with its interval.

The efficiency trend asks what it cost to reach a given capability at a given date; that needs one scale.
"""

from warehouse.tables.columns import TRAINING_FLOP
from warehouse.tables.guide import Guide
from warehouse.tables.promise import ON_CALL, RESEARCH, Promise
from warehouse.tables.table import Check, Column, core

ACCESSIBILITY_MEANINGS = {
    "Open weights (unrestricted)": "anyone may download the model and use it for anything",
    "Open weights (restricted use)": "anyone may download it; the licence forbids some uses",
    "Open weights (non-commercial)": "anyone may download it, for other than commercial use",
    "API access": "programs may ask it, on the developer's computers",
    "Hosted access (no API)": "people may ask it on a page, programs may not",
}

TABLE = core(
    "model_capability",
    "Epoch Capabilities Index by model and setting",
    [
        Column("model", "text", "model (the base name where the list names no version)", required=True),
        Column("variant", "text", "version as the list names it; empty where it names none", required=True),
        Column("base_name", "text", "model without its setting", required=True),
        Column("organization", "text", "who made it"),
        Column("released", "date", "day of release", required=True),
        Column("eci", "real", "Epoch Capabilities Index", "index points", required=True),
        Column("eci_low", "real", "low end of its interval", "index points"),
        Column("eci_high", "real", "high end of its interval", "index points"),
        TRAINING_FLOP,
        Column("accessibility", "text", "open weights, API or hosted", named=ACCESSIBILITY_MEANINGS),
    ],
    promise=Promise(RESEARCH, ON_CALL, 10),
    key=("model", "released"),
    identity=("model", "variant", "base_name", "released", "known_on", "source", "document_sha256"),
    checks=(
        Check(
            "released_before_it_is_measured",
            "released > known_on",
            "nobody can measure a model before its release",
            quarantines=True,
            columns=("released", "known_on"),
        ),
        Check(
            "on_the_scale_of_the_index",
            "eci not between 40 and 300 or training_flop not between 1e9 and 1e29",
            "an index far off its scale is another column, and bends the trend through all models",
            quarantines=True,
            columns=("eci", "training_flop"),
        ),
        Check(
            "flop_as_in_the_list_of_models",
            "select c.model, c.released, c.training_flop, m.flop as listed_training_flop, c.document_sha256, c.locator "
            "from {table} c join (select model as base_name, median(training_flop) as flop from {core:ai_models} group by all) m "
            "using (base_name) where c.training_flop > 0 and m.flop > 0 "
            "and greatest(c.training_flop / m.flop, m.flop / c.training_flop) >= 10",
            "operations that differ tenfold from the list of models have a wrong power of ten in one of the two",
            severity="warning",
            columns=("training_flop",),
            quarantines_compared=True,
        ),
        Check(
            "interval_holds_the_estimate",
            "eci < eci_low or eci > eci_high",
            "an estimate outside its own interval has its columns swapped",
            quarantines=True,
            columns=("eci", "eci_low", "eci_high"),
        ),
    ),
    guide=Guide(
        "One row for each model and setting.",
        "over models: eci is an index.",
        {
            "Which models were the best when they came out?": "select released, model, eci from model_capability qualify "
            "eci = max(eci) over (order by released) order by released desc limit 15",
            "How good were open models?": "select released, model, eci from model_capability where accessibility like "
            "'Open weights%' order by eci desc limit 10",
            "How wide are the intervals?": "select model, eci_low, eci, eci_high from model_capability where eci_low is "
            "not null order by released desc limit 10",
        },
    ),
)
