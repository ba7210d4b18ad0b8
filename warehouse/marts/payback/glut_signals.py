"""Signs that there is more compute than anyone wants: four of them, each true, false or unknown.

Coverage below one early in a build-out is normal, so a shortfall of revenue alone does not show waste; a glut would.
(a) Rents fall faster than new chips get cheaper. Rents always fall, because new chips do more for the same money; only
the excess is a sign of a glut. Who is listed changes from month to month, and a cheap newcomer looks like a fall, so the
decline is fitted within providers. (b) Fleets stand idle. (c) Contracted backlog shrinks two quarters running, summed
over companies that print it in all three quarters, so that a late filer is not a fall. (d) Firms write equipment off or
shorten its life.

A signal that no fact speaks to is unknown. It counts as not triggered and is listed as unknown.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.calendars.fiscal import month_number
from warehouse.marts.capex.measures import BACKLOG
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.scopes import COMPANIES
from warehouse.marts.common.select_current import admissible, select_current, weakest_of
from warehouse.marts.common.units import DAYS_PER_YEAR
from warehouse.marts.gpu.chip_prices import chip_decline, minus_slope
from warehouse.marts.wording import sentence
from warehouse.tables.companies import TABLE as COMPANIES_TABLE
from warehouse.tables.company_facts import TABLE as COMPANY_FACTS
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.table import Check, Column, mart

SIGNALS = ("rental_prices", "idle_fleet", "falling_backlog", "impairments")
CHIP = "H100 SXM"  # method 7 (a)
QUARTERS = 3  # two falls need three quarters (method 7 c)

TABLE = mart(
    "glut_signals",
    "the four glut signals of method 7, each with what was found, its threshold and whether it is triggered",
    [
        Column("signal", "text", "which signal", required=True, allowed=SIGNALS),
        Column("quantity", "text", "what the value is", required=True),
        Column("value", "real", "what was found; null where no fact speaks to it"),
        Column("comparison", "text", "how the value is compared", required=True, allowed=(">", "<", ">=")),
        Column("threshold", "real", "what it is compared with", required=True),
        Column("unit", "text", "unit of the value and the threshold", required=True),
        Column("triggered", "flag", "whether there is a sign of a glut; null where unknown, which counts as no"),
        Column("found", "texts", "the figures behind the value: JSON objects as in `reasons`"),
        Column("facts", "text", "the same in words", prose=True),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("signal",),
    checks=(
        Check(
            "always_four",
            "select count(*) as signals from {table} having count(*) <> 4",
            "a signal that is left out would look like one that is not triggered",
        ),
        Check(
            "triggered_is_the_comparison",
            "select * from {table} where triggered is distinct from (case comparison when '>' then value > threshold "
            "when '<' then value < threshold when '>=' then value >= threshold end)",
            "the flag and the figures beside it must say the same",
        ),
    ),
)


def build(
    offers: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    evidence: pl.DataFrame,
    company_facts: pl.DataFrame,
    companies: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """Four rows, one for each signal (method 7)."""
    known = select_current(admissible(evidence), EVIDENCE)
    panel = select_current(admissible(companies), COMPANIES_TABLE)
    rows = [
        _rental_prices(offers, gpu_specs, as_of, assumptions),
        _idle_fleet(known, assumptions),
        _falling_backlog(company_facts),
        _impairments(known, panel, assumptions),
    ]
    found = pl.DataFrame(rows, schema={n: t for n, t in TABLE.polars_schema.items() if n != "triggered"})
    return found.with_columns(
        triggered=pl.when(pl.col("comparison") == ">")
        .then(pl.col("value") > pl.col("threshold"))
        .when(pl.col("comparison") == "<")
        .then(pl.col("value") < pl.col("threshold"))
        .otherwise(pl.col("value") >= pl.col("threshold"))
    )


def decline_within_providers(offers: pl.DataFrame) -> float | None:
    """Yearly decline of prices in log points, from prices of the same provider at different days.

    `offers` has provider, observed_on and usd_per_gpu_hour. Ordinary least squares of the log price on time with one
    intercept a provider; null where no provider was seen on two days.
    """
    within = offers.with_columns(
        years=pl.col("observed_on").to_physical() / DAYS_PER_YEAR, price=pl.col("usd_per_gpu_hour").log()
    ).select(
        years=pl.col("years") - pl.col("years").mean().over("provider"),
        price=pl.col("price") - pl.col("price").mean().over("provider"),
    )
    return minus_slope(within)


def _rental_prices(offers: pl.DataFrame, gpu_specs: pl.DataFrame, as_of: date, assumptions: Assumptions) -> dict:
    months = assumptions.integer("glut_price_window_months")
    first = pl.select(pl.lit(as_of).dt.offset_by(f"-{months}mo")).item()
    wanted = offers.filter(
        (pl.col("gpu_model") == CHIP)
        & (pl.col("provider_class") == "specialist")
        & (pl.col("pricing_kind") == "on_demand")
        & pl.col("observed_on").is_between(first, as_of)
    ).sort("provider", "observed_on")
    matched = wanted.filter(pl.col("observed_on").n_unique().over("provider") > 1)
    decline = decline_within_providers(matched)
    row = _row(
        "rental_prices",
        "yearly decline of rents beyond that of new chips' price per FLOP/s",
        ">",
        assumptions.number("glut_price_excess"),
        "log points a year",
    )
    if decline is None:
        return row | _unknown("no_price_on_two_days", chip=CHIP, months=months)
    of_chips, chips = chip_decline(gpu_specs, assumptions)
    behind = pl.concat([matched.select("grade", "known_on"), chips.select("grade", "known_on")])
    said = _found(
        "rents_and_chips",
        providers=matched["provider"].n_unique(),
        offers=matched.height,
        since=first,
        rents_log_points=decline,
        chips_log_points=of_chips,
        chips_fitted=chips.height,
    )
    return row | {
        "value": decline - of_chips,
        "known_on": behind["known_on"].max(),
        "grade": weakest_of(behind),
        **said,
    }


def _idle_fleet(known: pl.DataFrame, assumptions: Assumptions) -> dict:
    row = _row("idle_fleet", "utilisation of the fleet", "<", assumptions.number("glut_utilisation"), "share")
    measured = (
        known.filter(pl.col("metric") == "fleet_utilisation").sort("as_of_date", "known_on", "evidence_id").tail(1)
    )
    if measured.is_empty():
        return row | _unknown("no_fleet_utilisation")
    fact = measured.row(0, named=True)
    return row | {
        "value": fact["value"],
        "known_on": fact["known_on"],
        "grade": fact["grade"],
        **_found("fleet_utilisation", entity=fact["entity"], day=fact["as_of_date"], evidence_id=fact["evidence_id"]),
    }


def _falling_backlog(company_facts: pl.DataFrame) -> dict:
    row = _row("falling_backlog", "quarters running in which contracted backlog fell", ">=", QUARTERS - 1, "quarters")
    facts = admissible(company_facts).filter((pl.col("measure") == BACKLOG) & pl.col("ticker").is_in(COMPANIES))
    current = select_current(facts, COMPANY_FACTS).with_columns(number=(month_number(pl.col("period_end")) - 1) // 3)
    last = current["number"].max()
    recent = current.filter(pl.col("number") > (last or 0) - QUARTERS).sort("ticker", "period_end")
    complete = recent.unique(["ticker", "number"], keep="last", maintain_order=True).filter(
        pl.len().over("ticker") == QUARTERS
    )
    if complete.is_empty():
        return row | _unknown("backlog_unknown", quarters=QUARTERS)
    sums = complete.group_by("number").agg(pl.col("value_usd").sum()).sort("number")["value_usd"].to_list()
    falls = [later < earlier for earlier, later in itertools.pairwise(sums)]
    running = next((i for i, fell in enumerate(reversed(falls)) if not fell), len(falls))
    who = complete["ticker"].unique().sort().to_list()
    return row | {
        "value": float(running),
        "known_on": complete["known_on"].max(),
        "grade": weakest_of(complete),
        **_found("backlog", tickers=who, sums_usd=sums, through=complete["period_end"].max()),
    }


def _impairments(known: pl.DataFrame, panel: pl.DataFrame, assumptions: Assumptions) -> dict:
    needed = assumptions.integer("glut_impairing_firms")
    row = _row("impairments", "firms that impaired equipment or shortened its life", ">=", float(needed), "firms")
    changes = pl.concat([_life_changes(known, assumptions.value("useful_life_before")), _impaired(known)])
    # Firms of the panel only: a critic's opinion of a life is no change of one.
    firms = changes.filter(
        pl.col("entity").map_batches(lambda s: s.is_in(_names(panel, s).implode()), return_dtype=pl.Boolean)
    )
    by_firm = (
        firms.group_by("entity")
        .agg(pl.col("sign").any(), pl.col("grade").max(), pl.col("known_on").max(), pl.col("evidence_id").sort().last())
        .sort("entity")
    )
    signs = by_firm.filter("sign")
    if signs.height < needed and by_firm.height < needed:
        return row | _unknown("too_few_firms", firms=needed)
    others = by_firm.filter(~pl.col("sign"))["entity"].to_list()
    return row | {
        "value": float(signs.height),
        "known_on": by_firm["known_on"].max(),
        "grade": weakest_of(by_firm),
        **_found("lives_of_equipment", shortened=signs["entity"].to_list(), others=others),
    }


def _life_changes(known: pl.DataFrame, before: Mapping[str, Any]) -> pl.DataFrame:
    """Each known change of a firm's server life: is it shorter than the last, or than the row's own earlier one?"""
    stated = pl.DataFrame(
        {"evidence_id": list(before), "stated_before": [float(years) for years in before.values()]},
        schema={"evidence_id": pl.String, "stated_before": pl.Float64},
    )
    return (
        known.filter(pl.col("metric") == "server_useful_life")
        .join(stated, on="evidence_id", how="left")
        .sort("entity", "as_of_date", "known_on", "evidence_id")
        .with_columns(
            earlier=pl.coalesce("stated_before", pl.col("value").shift(1).over("entity")),
            grade=pl.max_horizontal("grade", pl.col("grade").shift(1).over("entity")),
        )
        .filter(pl.col("earlier").is_not_null())
        .select("entity", "evidence_id", "known_on", "grade", sign=pl.col("value") < pl.col("earlier"))
    )


def _impaired(known: pl.DataFrame) -> pl.DataFrame:
    return known.filter(pl.col("metric") == "impairment").select(
        "entity", "evidence_id", "known_on", "grade", sign=pl.col("value") > 0
    )


def _names(panel: pl.DataFrame, entities: pl.Series) -> pl.Series:
    """Those of `entities` that name a company of the panel (`Meta` for `Meta Platforms`)."""
    pairs = entities.unique().to_frame("entity").join(panel.select("company"), how="cross")
    return pairs.filter(pl.col("company").str.starts_with(pl.col("entity")))["entity"].unique()


def _row(signal: str, quantity: str, comparison: str, threshold: float, unit: str) -> dict[str, Any]:
    return {
        "signal": signal,
        "quantity": quantity,
        "comparison": comparison,
        "threshold": threshold,
        "unit": unit,
    }


def _unknown(code: str, **fields: Any) -> dict[str, Any]:
    return {"reasons": listed([reason(code, **fields)])}


def _found(code: str, **fields: Any) -> dict[str, Any]:
    """The figures behind a value, as data and in words."""
    figures = reason(code, **fields)
    return {"found": [figures], "facts": sentence(figures)}


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.gpu_prices",
            f"m.signal = 'rental_prices' and t.gpu_model = '{CHIP}' and t.provider_class = 'specialist' "
            "and t.pricing_kind = 'on_demand' and t.observed_on <= m.known_on",
        ),
        Trace("core.gpu_specs", "m.signal = 'rental_prices' and t.list_price_usd is not null"),
        Trace("core.evidence", "m.signal = 'idle_fleet' and t.metric = 'fleet_utilisation'"),
        Trace(
            "core.company_facts",
            f"m.signal = 'falling_backlog' and t.measure = '{BACKLOG}' and t.known_on <= m.known_on "
            f"and t.ticker in {COMPANIES}",
        ),
        Trace(
            "core.evidence",
            "m.signal = 'impairments' and t.metric in ('server_useful_life', 'impairment') "
            "and t.known_on <= m.known_on",
        ),
    ),
)
