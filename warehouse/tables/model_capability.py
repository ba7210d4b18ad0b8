"""How capable a model is, on one index across benchmarks, with its interval.

The efficiency trend asks what it cost to reach a given capability at a given date; that needs one scale.
"""

from warehouse.tables.table import Check, Column, core

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
        Column("training_flop", "real", "operations of training; null where unknown", "FLOP", above=0),
        Column("accessibility", "text", "open weights, API or hosted"),
    ],
    key=("model", "released"),
    identity=("model", "variant", "base_name", "released", "known_on", "source", "document_sha256"),
    checks=(
        Check(
            "interval_holds_the_estimate",
            "eci < eci_low or eci > eci_high",
            "an estimate outside its own interval has its columns swapped",
            quarantines=True,
            columns=("eci", "eci_low", "eci_high"),
        ),
    ),
)
