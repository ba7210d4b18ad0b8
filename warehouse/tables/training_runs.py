"""Training runs with what was said of their cost, and of which scope that cost is.

The figure that started this, 5.576 million dollars, is the rental of the final run. A hardware fleet or a research
programme is another rung, and dividing one by the other was the mistake. Totals and their components are both rows.
"""

from warehouse.tables.columns import CONFIDENCE, DEVELOPER, ESTIMATE_BY, NOTE
from warehouse.tables.guide import Guide
from warehouse.tables.promise import ON_CALL, RESEARCH, Promise
from warehouse.tables.table import Check, Column, core

SCOPE_MEANINGS = {
    "post_training_run": "one run after pre-training, without the model it starts from",
    "final_run_rental": "the final training run, its GPU-hours at a rental price",
    "final_run_amortised": "the final training run, at a part of what its hardware costs",
    "research_programme": "with the research, the trials and the runs that failed",
    "hardware_owned": "what the chips and servers cost that the developer owns",
    "company_capex": "what the whole company spends on property and equipment",
    "unknown": "nobody says what is counted",
}
"""The ladder of scopes, from the least that a cost may count to the most."""
SCOPES = tuple(SCOPE_MEANINGS)

# Beyond these no run can be, whatever its chip: a unit is wrong (days for hours, thousands for dollars, a wrong power of ten).
SLOWEST_FLOP_PER_S, FASTEST_FLOP_PER_S = 5e11, 1e17
LOWEST_USD_PER_HOUR, HIGHEST_USD_PER_HOUR = 0.1, 100
LONGEST_DAYS = 730
FLOP_FACTOR = 10
ROUNDED = 0.01
"""Papers round the hours of a run and of its parts each for itself: R1's parts add up to 147,336 and its paper says 147,000."""

_DIFFERS = "case when p.{0} <> t.{0} then '{0} ' || p.{0} || ' and ' || t.{0} end"

TABLE = core(
    "training_runs",
    "training runs: hardware, hours, operations, tokens, claimed cost and its scope",
    [
        Column("run_id", "text", "identifier of the row", required=True),
        Column("model", "text", "model, or the part of it that the row is about", required=True),
        DEVELOPER,
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
        Column("cost_scope", "text", "rung of the scope ladder", required=True, allowed=SCOPE_MEANINGS),
        ESTIMATE_BY,
        Column("part_of", "text", "run that this row is a part of; null for a whole run"),
        CONFIDENCE,
        NOTE,
    ],
    promise=Promise(RESEARCH, ON_CALL, 10),
    key=("run_id",),
    identity=("run_id", "known_on"),
    checks=(
        Check(
            "rate_that_a_chip_can_reach",
            f"training_flop / (gpu_hours * 3600) not between {SLOWEST_FLOP_PER_S:g} and {FASTEST_FLOP_PER_S:g}",
            "operations that no chip does in the hours stated have a wrong power of ten, or the hours are days",
            quarantines=True,
            columns=("training_flop", "gpu_hours"),
        ),
        Check(
            "price_that_could_be_asked",
            f"claimed_cost_usd / gpu_hours not between {LOWEST_USD_PER_HOUR} and {HIGHEST_USD_PER_HOUR}",
            "a cost that is cents or hundreds of dollars for each GPU-hour is in thousands, or the hours are of another run",
            quarantines=True,
            columns=("claimed_cost_usd", "gpu_hours"),
        ),
        Check(
            "ends_within_two_years",
            f"gpu_hours / gpu_count / 24 > {LONGEST_DAYS}",
            "a run of more than two years has its hours or its number of GPUs wrong",
            quarantines=True,
            columns=("gpu_hours", "gpu_count"),
        ),
        Check(
            "six_n_d_within_ten",
            f"6 * parameters_active * tokens / training_flop not between 1.0 / {FLOP_FACTOR} and {FLOP_FACTOR}",
            "operations ten times what parameters and tokens ask for have a wrong power of ten",
            quarantines=True,
            columns=("training_flop", "parameters_active", "tokens"),
        ),
        Check(
            "active_within_all_parameters",
            "parameters_active > parameters_total",
            "a model cannot use more parameters for a token than it has",
            quarantines=True,
            columns=("parameters_active", "parameters_total"),
        ),
        Check(
            "scope_without_a_cost",
            "cost_scope <> 'unknown' and coalesce(claimed_cost_usd, gpu_hours, training_flop) is null",
            "a rung of the ladder without a cost, hours or operations on it lost its figure. A run whose cost nobody claimed "
            "still says what its hours cover",
            quarantines=True,
            columns=("cost_scope", "claimed_cost_usd", "gpu_hours", "training_flop"),
        ),
        Check(
            "part_as_its_total",
            f"""
            with pairs as (
              select p.run_id as part_id, t.run_id as total_id, p.document_sha256 as sha_of_part, t.document_sha256 as sha_of_total,
                p.locator as part_at, t.locator as total_at, count(*) over (partition by t.run_id) > 1 as of_total,
                concat_ws(', ', {", ".join(_DIFFERS.format(name) for name in ("hardware", "gpu_count", "cost_scope", "published"))})
                  as part_and_total
              from {{table}} p join {{table}} t on split_part(p.model, ' (', 1) = t.model and p.model <> t.model
                and p.developer = t.developer and p.estimate_by = t.estimate_by and p.known_on = t.known_on
              where p.gpu_hours is not null and t.gpu_hours is not null and (p.hardware <> t.hardware
                or p.gpu_count <> t.gpu_count or p.published <> t.published
                or (p.cost_scope <> t.cost_scope and p.cost_scope <> 'post_training_run')))
            select if(of_total, total_id, part_id) as run_id, if(of_total, part_id, total_id) as differs_from,
              if(of_total, part_at, total_at) as other_locator, part_and_total,
              if(of_total, sha_of_total, sha_of_part) as document_sha256, if(of_total, total_at, part_at) as locator
            from pairs""",
            "a part of a run was done on its chips, published with it and is on its rung; where they differ, one is wrong",
            severity="warning",
            columns=("run_id",),
        ),
        Check(
            "duplicate_run",
            "select run_id, model, string_agg(distinct run_id, ' and ') over w as identifiers, document_sha256, locator "
            "from {table} where coalesce(gpu_hours, training_flop, claimed_cost_usd) is not null window w as (partition by "
            "lower(model), developer, published, gpu_hours, training_flop, claimed_cost_usd, cost_scope, estimate_by) "
            "qualify count(distinct run_id) over w > 1",
            "one run under two identifiers counts twice",
            severity="warning",
            columns=("run_id", "model"),
        ),
        Check(
            "scope_missing",
            "select run_id, model, claimed_cost_usd, cost_scope, document_sha256, locator from {table} "
            "where claimed_cost_usd is not null and cost_scope = 'unknown'",
            "a cost of which nobody says what it covers can be compared with nothing",
            severity="warning",
            columns=("cost_scope", "claimed_cost_usd"),
        ),
        Check(
            "implied_price_of_a_rental",
            "select run_id, model, cost_scope, claimed_cost_usd, gpu_hours, "
            "round(claimed_cost_usd / gpu_hours, 3) as usd_per_gpu_hour, document_sha256, locator from {table} "
            "where cost_scope in ('final_run_rental', 'post_training_run') "
            "and claimed_cost_usd / gpu_hours not between 1 and 12",
            "a rental at a price that nobody asks is on another rung of the ladder, or the hours are another run's",
            severity="warning",
            columns=("claimed_cost_usd", "gpu_hours"),
        ),
        Check(
            "flop_is_six_n_d",
            "select run_id, model, training_flop, parameters_active, tokens, "
            "round(6 * parameters_active * tokens / training_flop, 3) as six_n_d_over_flop, document_sha256, locator "
            "from {table} where abs(6 * parameters_active * tokens / training_flop - 1) > 0.05",
            "operations are six times active parameters times tokens; another figure counts something else, or is wrong",
            severity="warning",
            columns=("training_flop", "parameters_active", "tokens"),
        ),
        Check(
            "utilisation_possible",
            "select r.run_id, r.model, r.hardware, r.training_flop, r.gpu_hours, "
            "round(r.training_flop / (r.gpu_hours * 3600 * s.peak * 1e12), 4) as utilisation, r.document_sha256, r.locator "
            "from {table} r join (select gpu_model as hardware, max(bf16_dense_tflops) as peak from core.gpu_specs "
            "group by all) s using (hardware) "
            "where r.training_flop / (r.gpu_hours * 3600 * s.peak * 1e12) not between 0.02 and 1",
            "more operations than the chips can do in those hours, or next to none: operations and hours are of two phases",
            severity="warning",
            columns=("training_flop", "gpu_hours", "hardware"),
        ),
        Check(
            "total_and_parts_agree",
            "with parts as (select developer, estimate_by, cost_scope, split_part(model, ' (', 1) as model, "
            "sum(gpu_hours) as of_parts, sum(claimed_cost_usd) as of_parts_usd, count(*) as parts from {table} "
            "where contains(model, ' (') group by all) "
            "select t.run_id, t.model, t.gpu_hours, p.of_parts, t.claimed_cost_usd, p.of_parts_usd, t.document_sha256, "
            "t.locator from {table} t join parts p "
            "using (developer, estimate_by, cost_scope, model) where p.parts > 1 and (p.of_parts > 1.01 * t.gpu_hours "
            "or (p.of_parts > 0.99 * t.gpu_hours and p.of_parts_usd is not null "
            "and coalesce(abs(p.of_parts_usd / t.claimed_cost_usd - 1), 1) > 0.01))",
            "parts that are more than their total, or cost otherwise: the total is among its parts, or a part is another run's",
            severity="warning",
            columns=("gpu_hours", "claimed_cost_usd", "model"),
        ),
        Check(
            "parts_within_their_whole",
            f"""
            with parts as (
              select part_of as run_id, count(*) as parts, string_agg(run_id, ', ' order by run_id) as part_ids,
                sum(gpu_hours) as of_parts_hours, sum(claimed_cost_usd) as of_parts_usd,
                min(published) as first_published, max(published) as last_published
              from (select distinct on (run_id) * from {{table}} where part_of is not null order by run_id, known_on desc)
              group by all)
            select w.run_id, w.model, p.part_ids, w.gpu_hours, p.of_parts_hours, w.claimed_cost_usd, p.of_parts_usd,
              w.published, p.first_published, p.last_published, w.document_sha256, w.locator
            from {{table}} w join parts p using (run_id)
            where p.of_parts_hours > {1 + ROUNDED} * w.gpu_hours or p.of_parts_usd > {1 + ROUNDED} * w.claimed_cost_usd
              or p.first_published <> w.published or p.last_published <> w.published
            """,
            "parts that took more hours or cost more than their whole are another run's. Parts of another day are priced at "
            "another day's rents",
            severity="warning",
            columns=("part_of", "gpu_hours", "claimed_cost_usd", "published"),
        ),
        Check(
            "part_of_a_run_that_is_there",
            "select run_id, model, part_of, document_sha256, locator from {table} "
            "where part_of = run_id or part_of not in (select run_id from {table})",
            "a part of a run that is nowhere, or of itself, is taken for a whole run or lost",
            severity="warning",
            columns=("part_of",),
        ),
        Check(
            "one_statement_one_grade",
            """
            select r.run_id, r.model, r.claimed_cost_usd, r.grade, e.evidence_id, e.grade as grade_in_evidence,
              e.citation as citation_in_evidence, r.document_sha256, r.locator
            from {table} r join core.evidence e on e.unit = 'USD' and e.value = r.claimed_cost_usd
              and contains(lower(r.developer), lower(split_part(e.entity, ' ', 1)))
            where r.grade <> e.grade
            """,
            "hearsay that is graded better in another table enters an answer through it. One statement has one grade, wherever "
            "it is held",
            severity="warning",
            columns=("grade",),
        ),
        Check(
            "hardware_is_known",
            r"select hardware, count(*) as runs, min(run_id) as first_run_id, min(document_sha256) as document_sha256, "
            r"arg_min(locator, run_id) as locator from {table} p where hardware is not null and not exists ("
            r"select 1 from core.gpu_specs s, unnest(regexp_split_to_array(p.hardware, '\s*[+,/]\s*')) u(part) where "
            r"list_has_all(string_split(s.gpu_model, ' '), string_split(u.part, ' '))) "
            r"and exists (select 1 from core.gpu_specs) group by hardware",
            "hardware that no specification names has no peak to compare a run with; a misspelt name loses the comparison",
            severity="warning",
            columns=("hardware",),
        ),
    ),
    guide=Guide(
        "One row for each run and statement about it; several may speak of one model.",
        "over runs of one model: some are parts of others (part_of), some are other estimates of the same.",
        {
            "What is known of DeepSeek's runs?": "select run_id, model, gpu_count, gpu_hours, claimed_cost_usd, "
            "cost_scope from training_runs where developer = 'DeepSeek'",
            "Which runs took most operations?": "select model, developer, training_flop from training_runs where "
            "training_flop is not null order by training_flop desc limit 10",
            "How many costs are claimed on each rung?": "select cost_scope, count(claimed_cost_usd) as claims from "
            "training_runs group by all order by all",
        },
    ),
)
