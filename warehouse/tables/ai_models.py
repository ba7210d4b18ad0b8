"""Models with the compute of their training where it was disclosed, in vintages.

Each vintage is a whole list: an estimate published later than the model is known from its own day, and as of a date the
latest vintage counts alone. Closed labs stopped disclosing, so an absent figure is not a zero.
"""

from warehouse.tables.table import Check, Column, core

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
    checks=(
        Check(
            "published_by_its_vintage",
            "published > vintage or known_on < vintage",
            "a list cannot hold a model that was published after it, nor be public before its own day",
            quarantines=True,
            columns=("published", "vintage", "known_on"),
        ),
        Check(
            "flop_for_its_parameters",
            "training_flop not between 1e9 and 1e29 or training_flop / parameters not between 1e5 and 1e18",
            "operations that no model of this size was ever trained with have a wrong power of ten",
            quarantines=True,
            columns=("training_flop", "parameters"),
        ),
        Check(
            "flop_as_in_other_lists",
            "select m.model, m.vintage, m.training_flop, o.others as other_training_flop, m.document_sha256, m.locator "
            "from {table} m join (select model, vintage, (select median(n.training_flop) from {table} n "
            "where n.model = t.model and n.vintage <> t.vintage) as others from {table} t) o using (model, vintage) "
            "where m.training_flop > 0 and o.others > 0 "
            "and greatest(m.training_flop / o.others, o.others / m.training_flop) >= 100",
            "an estimate that differs a hundredfold from list to list has a wrong power of ten in one of them",
            severity="warning",
            columns=("training_flop",),
            puts_aside=True,
        ),
        Check(
            "list_does_not_shrink",
            "select vintage, models, lag(models) over (order by vintage) as models_before, document_sha256 from "
            "(select vintage, count(*) as models, min(document_sha256) as document_sha256 from {table} group by vintage) "
            "qualify models < 0.8 * models_before",
            "each vintage is a whole list, and lists grow: a shorter one was cut off",
            severity="warning",
            columns=("vintage",),
        ),
    ),
)
