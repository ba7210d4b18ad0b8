"""Models with the compute of their training where it was disclosed, in vintages.

Each vintage is a whole list: an estimate published later than the model is known from its own day, and as of a date the
latest vintage counts alone. Closed labs stopped disclosing, so an absent figure is not a zero.
"""

from warehouse.tables.table import Column, core

TABLE = core(
    "ai_models",
    "models since 2018 with training compute where known, one list for each vintage",
    [
        Column("model", "text", "model", required=True),
        Column("vintage", "date", "day of the list", required=True),
        Column("organization", "text", "organisations, comma-joined as in the list"),
        Column("published", "date", "day of publication", required=True),
        Column("training_flop", "real", "operations of training; null where unknown", "FLOP", above=0),
        Column("parameters", "real", "parameters", "parameters", above=0),
        Column("training_hardware", "text", "chip"),
        Column("hardware_quantity", "real", "chips in use", "chips", above=0),
        Column("base_model", "text", "models that this one was built on, comma-joined"),
        Column("confidence", "text", "confidence of the estimate"),
    ],
    key=("model", "vintage"),
    identity=("model", "vintage", "source", "document_sha256"),
)
