"""How many of a developer's training runs a company's quarterly capex would buy, and why that is mostly rhetoric.

The article that started this divides one final run's rental by companies' whole capital expenditure. The two stand on
different rungs of the scope ladder (method 2): capex is a purchase that also serves inference, cloud tenants and what
is not AI, and a final run leaves out research, failed runs and the hardware itself. Forbidding the ratio would not make
it go away. So it is computed in one place, `equivalents`, which refuses it without its label: against S0 to S2 it is
`rhetoric`, against S3 and S4 it is `nearest`, the nearest rungs there are, with the difference that remains stated. And
it refuses rhetoric that stands alone: the developer's own nearest row must be there for the same company and quarter.

The runs are few, since each stands in every quarter of every company: whole runs (no components) of the developer whose
claim is checked (`claim_runs`), each at the cost that was claimed of it, and where none was, at its recomputed one.
Other developers' runs would say the same with other numbers and drown it. Where the developer has no programme or
hardware of its own known yet (before the end of January 2025), its research programme is estimated as S1 / share_final,
so that there is something nearer to show; with no S1 either, there is no row at all.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import TYPE, all_of, because
from warehouse.marts.common.scopes import COMPANIES, COMPANY_NAMES
from warehouse.marts.common.select_current import weakest
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart
from warehouse.tables.training_runs import SCOPE_MEANINGS

FINAL_RUN, PROGRAMME = "final_run_rental", "research_programme"
# Rung of the ladder -> label of a ratio of capex to it (method 4.1). Any other rung has no label and no ratio.
COMPARISONS = {
    "post_training_run": "rhetoric",
    FINAL_RUN: "rhetoric",
    "final_run_amortised": "rhetoric",
    PROGRAMME: "nearest",
    "hardware_owned": "nearest",
}
CAPEX = "capex also buys inference, cloud tenants' machines, buildings and what is not AI"
REMAINING = {
    "post_training_run": f"one post-training run, without the model it starts from, research or hardware; {CAPEX}",
    FINAL_RUN: f"one final run at a rental price, without research, failed runs or hardware; {CAPEX}",
    "final_run_amortised": f"one final run's share of hardware and energy, without research or failed runs; {CAPEX}",
    PROGRAMME: f"a programme's computing or running cost, often of several years, not a purchase; {CAPEX}",
    "hardware_owned": f"a fleet bought over years, servers or chips alone, against one quarter; {CAPEX}",
}
BASES = {
    "claimed": "as the developer or the press says",
    "recomputed": "GPU-hours at the rental prices of that time",
    "derived": "the final run over the share of it in all the research",
}

TABLE = mart(
    "capex_vs_training",
    "each company's capex of a quarter in training costs of one developer, labelled by how far the two are comparable",
    [
        Column("ticker", "text", "company", required=True, allowed=COMPANY_NAMES),
        Column("calendar_quarter", "text", "calendar quarter of the capex", required=True),
        Column("run_id", "text", "training run, or the run that an estimate is derived from", required=True),
        Column(
            "cost_scope",
            "text",
            "rung of the cost",
            required=True,
            allowed={name: SCOPE_MEANINGS[name] for name in COMPARISONS},
        ),
        Column("model", "text", "model or programme", required=True),
        Column("developer", "text", "developer whose claim is checked", required=True),
        Column("capex_usd", "real", "capex of the quarter", "USD"),
        Column("cost_usd", "real", "cost as claimed, else the middle one recomputed", "USD", required=True, above=0),
        Column(
            "cost_low_usd", "real", "lowest of claim and recomputed costs of that rung", "USD", required=True, above=0
        ),
        Column("cost_high_usd", "real", "highest of claim and recomputed costs of that rung", "USD", True, above=0),
        Column(
            "cost_basis", "text", "where the cost is from; derived is S1 over share_final", required=True, allowed=BASES
        ),
        Column(
            "equivalents",
            "real",
            "capex of the quarter over the cost",
            "ratio",
            formula=Formula(
                "capex of the quarter over the cost; on distant rungs this is rhetoric and says so",
                "{capex_usd} / {cost_usd}",
                "4.1",
            ),
        ),
        Column(
            "comparison",
            "text",
            "rhetoric across rungs, or the nearest rungs there are",
            required=True,
            allowed={
                "nearest": "the nearest there is: a programme or hardware against capex",
                "rhetoric": "not comparable: one run against capex, as the article does",
            },
        ),
        Column("remaining_difference", "text", "what the two sides still differ in", required=True),
        Column("known_on", "date", "day on which the newest fact behind the row became public", required=True),
    ],
    key=("ticker", "calendar_quarter", "run_id", "cost_scope"),
    checks=(
        Check(
            "rhetoric_never_alone",
            "select r.* from {table} r where r.comparison = 'rhetoric' and not exists (select 1 from {table} n where "
            "n.comparison = 'nearest' and n.ticker = r.ticker and n.calendar_quarter = r.calendar_quarter "
            "and n.developer = r.developer and (n.equivalents is null) = (r.equivalents is null))",
            "a final run against a company's capex is what misled; the nearest comparison must stand beside it",
        ),
        Check(
            "label_of_the_rung",
            "select * from {table} where comparison <> "
            "if(cost_scope in ('research_programme', 'hardware_owned'), 'nearest', 'rhetoric')",
            "a ratio across rungs under the wrong label would be read as a comparison of like with like",
        ),
        Check(
            "equivalents_is_the_ratio",
            "select * from {table} where abs(equivalents * cost_usd - capex_usd) > 1e-6 * abs(capex_usd)",
            "the ratio and the two figures beside it must say the same",
        ),
        Check(
            "unknown_says_why",
            "select * from {table} where equivalents is null and reasons is null",
            "an unknown without a reason cannot be resolved",
        ),
    ),
    guide=Guide(
        "One row for each buyer, quarter, training run and rung of cost.",
        "capex_usd: it stands there once for each run and rung.",
        {
            "How many DeepSeek-V3 runs would Microsoft's newest quarter pay for?": "select calendar_quarter, cost_scope, "
            "cost_usd, equivalents, comparison from capex_vs_training where ticker = 'MSFT' and run_id = 'TR001' order by "
            "calendar_quarter desc limit 5",
            "Which comparison is nearest?": "select distinct cost_scope, comparison, remaining_difference from "
            "capex_vs_training",
            "Which runs are compared?": "select distinct run_id, model, cost_scope, cost_usd from capex_vs_training order "
            "by all",
        },
    ),
)


def build(capex_quarterly: pl.DataFrame, training_cost: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each company of the group, quarter, run and rung (USD; method 2 and 4.1).

    A quarter of unknown capex keeps its rows, with null and the reason.
    """
    costs = _with_nearest(costs_by_rung(_of_developer(training_cost, assumptions)), assumptions)
    quarters = _quarters(capex_quarterly)
    rows = quarters.join(costs, how="cross").with_columns(
        known_on=pl.max_horizontal("capex_known_on", "cost_known_on"),
        grade=weakest("capex_grade", "cost_grade"),
        remaining_difference=pl.col("cost_scope").replace_strict(REMAINING, return_dtype=pl.String),
        comparison=pl.col("cost_scope").replace_strict(COMPARISONS, return_dtype=pl.String),
        reasons=all_of("capex_reasons", "cost_reasons"),
    )
    return equivalents(rows).select(name for name in TABLE.names if name in (*rows.columns, "equivalents"))


def equivalents(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `equivalents` = capex_usd / cost_usd (method 4.1): the only place where rungs are divided.

    `rows` has ticker, calendar_quarter, developer, cost_scope, comparison, capex_usd and cost_usd (USD). Raises
    ValueError for a rung that capex is never compared with, for a ratio whose label is missing or another rung's, and
    for rhetoric without the developer's own nearest row of the same ticker and quarter.
    """
    label = pl.col("cost_scope").replace_strict(COMPARISONS, default=None, return_dtype=pl.String)
    wrong = rows.filter(label.is_null() | ~pl.col("comparison").eq_missing(label))
    if wrong.height:
        scope, found = wrong.sort("cost_scope", "comparison").select("cost_scope", "comparison").row(0)
        wanted = COMPARISONS.get(scope)
        raise ValueError(
            f"capex over {scope} crosses rungs of the scope ladder and is labelled {found!r}; "
            + (f"its label is {wanted!r}" if wanted else "there is no label under which it may be formed")
        )
    beside = ["ticker", "calendar_quarter", "developer"]
    nearest = rows.filter(pl.col("comparison") == "nearest")
    alone = rows.filter(pl.col("comparison") == "rhetoric").join(nearest, on=beside, how="anti", nulls_equal=True)
    if alone.height:
        where = " ".join(str(part) for part in alone.sort(beside).select(beside).row(0))
        raise ValueError(f"rhetoric stands alone for {where}: its developer's nearest rung must be shown beside it")
    return rows.with_columns(equivalents=pl.col("capex_usd") / pl.col("cost_usd"))


def costs_by_rung(runs: pl.DataFrame) -> pl.DataFrame:
    """One row for each run and rung: the cost that was claimed of it, else the middle recomputed one (USD).

    A claim and a recomputed cost of one rung are one row, whose low and high span both; of different rungs (an
    amortised claim, a recomputed rental) they are two, since rungs do not mix. A claim of unknown scope has no rung.
    """
    keep = ["run_id", "model", "developer", "cost_known_on", "cost_grade"]
    named = runs.rename({"known_on": "cost_known_on", "grade": "cost_grade"})
    comparable = pl.col("cost_scope").is_in(list(COMPARISONS))
    claimed = named.filter(pl.col("claimed_cost_usd").is_not_null() & comparable).select(
        "run_id", "cost_scope", "claimed_cost_usd"
    )
    recomputed = named.filter(pl.col("cost_mid_usd").is_not_null()).select(
        "run_id", "cost_low_usd", "cost_mid_usd", "cost_high_usd", cost_scope="recomputed_scope"
    )
    is_claimed = pl.col("claimed_cost_usd").is_not_null()
    return (
        claimed.join(recomputed, on=["run_id", "cost_scope"], how="full", coalesce=True)
        .join(named.select(keep), on="run_id")
        .select(
            *keep,
            "cost_scope",
            cost_usd=pl.coalesce("claimed_cost_usd", "cost_mid_usd"),
            cost_low_usd=pl.min_horizontal("claimed_cost_usd", "cost_low_usd"),
            cost_high_usd=pl.max_horizontal("claimed_cost_usd", "cost_high_usd"),
            cost_basis=pl.when(is_claimed).then(pl.lit("claimed")).otherwise(pl.lit("recomputed")),
            cost_reasons=pl.lit(None, dtype=TYPE),
        )
    )


def _of_developer(training_cost: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """Whole runs of the developer of the claim's base run, `developer` being that one name (`A / B` is A's and B's)."""
    labels = assumptions.value("claim_runs")
    whole = training_cost.filter(~pl.col("is_component").fill_null(False)).with_columns(
        names=pl.col("developer").str.replace_all(r"\s*[/,]\s*", "/").str.split("/")
    )
    base = whole.filter(pl.col("model") == labels["base"]).sort("run_id").head(1)
    if base.is_empty():
        return training_cost.clear()
    developer = base["names"].item()[0]
    its = whole.filter(pl.col("names").list.contains(developer))
    return its.with_columns(developer=pl.lit(developer)).drop("names")


def _with_nearest(costs: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """`costs` with a nearest rung: the developer's own S3 or S4, else S1 / share_final; empty where neither is."""
    own = costs.filter(pl.col("cost_scope").replace_strict(COMPARISONS, return_dtype=pl.String) == "nearest")
    if own.height:
        return costs
    final_runs = costs.filter(pl.col("cost_scope") == FINAL_RUN)
    if final_runs.is_empty():
        return costs.clear()
    return pl.concat([costs, _programme(final_runs, assumptions.distribution("share_final"))])


def _programme(final_runs: pl.DataFrame, share: Distribution) -> pl.DataFrame:
    """S3 = S1 / share_final (method 2): the middle at the middle of the share, the low at its high and the reverse."""
    low, high = share.low, share.high
    return final_runs.with_columns(
        cost_scope=pl.lit(PROGRAMME),
        cost_usd=pl.col("cost_usd") / ((low + high) / 2),
        cost_low_usd=pl.col("cost_low_usd") / high,
        cost_high_usd=pl.col("cost_high_usd") / low,
        cost_basis=pl.lit("derived"),
        cost_reasons=all_of(because("programme_estimated", share_low=low, share_high=high)),
    )


def _quarters(capex_quarterly: pl.DataFrame) -> pl.DataFrame:
    """Each group company's quarters with capex (USD), one row a calendar quarter: the period that ended last."""
    return (
        capex_quarterly.filter(pl.col("ticker").is_in(COMPANIES) & pl.col("calendar_quarter").is_not_null())
        .sort("ticker", "calendar_quarter", "period_end")
        .unique(["ticker", "calendar_quarter"], keep="last", maintain_order=True)
        .select(
            "ticker",
            "calendar_quarter",
            "capex_usd",
            "capex_known_on",
            "capex_grade",
            capex_reasons=all_of(
                pl.when(pl.col("capex_usd").is_null()).then(
                    because("capex_of_quarter_unknown", because=pl.col("reasons"))
                )
            ),
        )
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("marts.training_cost", "t.run_id = m.run_id"),
        Trace("marts.capex_quarterly", "t.ticker = m.ticker and t.calendar_quarter = m.calendar_quarter"),
    ),
)
