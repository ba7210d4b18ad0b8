"""Models with the compute of their training where it was disclosed, in vintages.

Each vintage is a whole list. An estimate published later than the model is known from its own day. As of a date, the
latest vintage counts alone. Closed labs stopped disclosing, so an absent figure is not a zero.
"""

from warehouse.tables.columns import TRAINING_FLOP
from warehouse.tables.guide import Guide
from warehouse.tables.promise import ON_CALL, RESEARCH, Promise
from warehouse.tables.table import Check, Column, core

UNLIKE = 5
ANOTHER_YEAR_DAYS = 366
# Each estimate beside the nearest that another list has of the model: of three lists, the odd one stands out alone.
_IN_OTHERS = """with others as (
  select t.model, t.vintage, arg_min(n.training_flop, abs(ln(n.training_flop / t.training_flop))) as others
  from {table} t join {table} n on n.model = t.model and n.vintage <> t.vintage
  where t.training_flop > 0 and n.training_flop > 0 group by all
),
compared as (
  select m.*, o.others, greatest(m.training_flop / o.others, o.others / m.training_flop) as factor
  from {table} m join others o using (model, vintage) where m.training_flop > 0 and o.others > 0
)"""

CONFIDENCE_MEANINGS = {
    "Confident": "held to be within half an order of magnitude, with 90 % confidence",
    "Likely": "held to be within one order of magnitude",
    "Speculative": "held to be within one and a half orders of magnitude",
    "Unknown": "Epoch AI says no confidence",
    "Unverified": "entered, and not checked by Epoch AI",
}

TABLE = core(
    "ai_models",
    "models since 2018 with training compute where known, one list for each vintage",
    [
        Column("model", "text", "model", required=True),
        Column("vintage", "date", "day of the list", required=True),
        Column("organization", "text", "organisations, comma-joined as in the list"),
        Column("published", "date", "day of publication", required=True),
        TRAINING_FLOP,
        Column("parameters", "real", "parameters", "parameters", above=0),
        Column("training_hardware", "text", "chip"),
        Column("hardware_quantity", "real", "chips in use", "chips", above=0),
        Column("base_model", "text", "models that this one was built on, comma-joined"),
        Column("confidence", "text", "confidence of the estimate", named=CONFIDENCE_MEANINGS),
    ],
    promise=Promise(RESEARCH, ON_CALL, 10),
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
            quarantines_compared=True,
        ),
        Check(
            "flop_unlike_other_lists",
            f"""{_IN_OTHERS} select model, vintage, training_flop, others as other_training_flop, document_sha256, locator
            from compared where factor between {UNLIKE} and 100""",
            "an estimate that differs so much from list to list was made anew, or has a wrong power of ten in one of them",
            severity="warning",
            columns=("training_flop",),
        ),
        Check(
            "list_on_the_scale_of_others",
            f"""{_IN_OTHERS} select vintage, count(*) as models,
              round(exp(median(ln(training_flop / others))), 3) as times_the_others,
              min(document_sha256) as document_sha256, arg_min(locator, length(locator)) as locator
            from compared group by vintage having count(*) >= 20 and abs(median(ln(training_flop / others))) > ln(2)""",
            "a list in which most models differ from all other lists by one factor is in another unit, and every share with it",
            columns=("vintage",),
        ),
        Check(
            "published_as_in_other_lists",
            "with days as (select model, median(published) as usual, count(distinct vintage) as lists from {table} group by all) "
            "select m.model, m.vintage, m.published, d.usual::date as usual_published, m.document_sha256, m.locator from {table} m "
            f"join days d using (model) where d.lists > 1 and abs(m.published - d.usual::date) > {ANOTHER_YEAR_DAYS}",
            "a model published in another year by one list than by the others counts in the wrong year",
            severity="warning",
            columns=("published",),
        ),
        Check(
            "duplicate_model",
            "select model, vintage, string_agg(distinct model, ' and ') over w as spellings, document_sha256, locator from {table} "
            "window w as (partition by lower(trim(model)), vintage, published, source) qualify count(distinct model) over w > 1",
            "one model under two spellings counts twice in the training of its year",
            severity="warning",
            columns=("model",),
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
    guide=Guide(
        "One row for each model and list; each list (vintage) is a whole one.",
        "over vintages: every list names the same models again.",
        {
            "Which models of the newest list took most operations?": "select model, organization, published, "
            "training_flop from ai_models where vintage = (select max(vintage) from ai_models) and training_flop is not "
            "null order by training_flop desc limit 10",
            "How many models has each list?": "select vintage, count(*) as models, count(training_flop) as "
            "with_operations from ai_models group by all order by all",
            "How did the estimate of one model move from list to list?": "select vintage, training_flop, confidence from "
            "ai_models where model = 'GPT-4' order by vintage",
        },
    ),
)
