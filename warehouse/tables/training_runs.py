"""Training runs with what was said of their cost, and of which scope that cost is.

The figure that started this, 5.576 million dollars, is the rental of the final run. A hardware fleet or a research
programme is another rung, and dividing one by the other was the mistake. Totals and their components are both rows.
"""

from warehouse.tables.table import Column, core

SCOPES = (
    "post_training_run",
    "final_run_rental",
    "final_run_amortised",
    "research_programme",
    "hardware_owned",
    "company_capex",
    "unknown",
)

TABLE = core(
    "training_runs",
    "training runs: hardware, hours, operations, tokens, claimed cost and its scope",
    [
        Column("run_id", "text", "identifier of the row", required=True),
        Column("model", "text", "model, or the part of it that the row is about", required=True),
        Column("developer", "text", "who trained it", required=True),
        Column("published", "date", "day the model was published", required=True),
        Column("hardware", "text", "chip; null where unknown"),
        Column("gpu_count", "integer", "GPUs in use", "GPUs", above=0),
        Column("gpu_hours", "real", "GPU-hours of the row's scope", "GPU-hours", above=0),
        Column("training_flop", "real", "operations of the row's scope", "FLOP", above=0),
        Column("parameters_total", "real", "parameters", "parameters", above=0),
        Column("parameters_active", "real", "parameters used for one token", "parameters", above=0),
        Column("tokens", "real", "tokens trained on", "tokens", above=0),
        Column("claimed_cost_usd", "real", "cost as claimed or estimated", "USD", above=0),
        Column("cost_currency_year", "integer", "year whose dollars those are", minimum=2010, maximum=2100),
        Column("cost_scope", "text", "rung of the scope ladder", required=True, allowed=SCOPES),
        Column("estimate_by", "text", "who says so", required=True),
        Column("confidence", "text", "confidence of whoever compiled the row"),
        Column("note", "text", "what to know about the row"),
    ],
    key=("run_id",),
    identity=("run_id", "known_on"),
)
