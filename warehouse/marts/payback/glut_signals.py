"""Signs that there is more compute than anyone wants: four of them, each true, false or unknown (method 7).

Coverage below one early in a build-out is normal, so a shortfall of revenue alone does not show waste; a glut would.

(a) Rents fall faster than new chips get cheaper. Rents always fall, because new chips do more for the same money; only the
excess is a sign of a glut. Who is listed changes from month to month, and a cheap newcomer looks like a fall. So the
decline is fitted within sizes of providers, as in `gpu_price_trend`, to prices deflated by consumer prices.
(b) Fleets stand idle, as their owners measure it. A survey of other people's machines is not a measurement of a fleet.
(c) Contracted backlog shrinks two quarters running. It is summed over companies that give it in all three quarters on one
definition, so that neither a late filer nor a wider definition looks like a move.
(d) Firms write equipment off or shorten its life.

A sign of two years ago says nothing of today, so only facts about the last 18 months count. A signal that no such fact
speaks to is unknown. It counts as not triggered and is listed as unknown.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.calendars.fiscal import month_number
from warehouse.calendars.months import months_before
from warehouse.marts.capex.measures import BACKLOG, COMMERCIAL_BACKLOG
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.scopes import COMPANIES
from warehouse.marts.common.select_current import admissible, select_current, weakest_of
from warehouse.marts.common.words import sentence
from warehouse.marts.gpu.chip_prices import chip_decline
from warehouse.marts.gpu.gpu_price_trend import real_declines
from warehouse.marts.gpu.same_things import item_days
from warehouse.marts.gpu.series import SERIES
from warehouse.marts.training.fleets import OWNED
from warehouse.tables.companies import TABLE as COMPANIES_TABLE
from warehouse.tables.company_facts import TABLE as COMPANY_FACTS
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

SIGNAL_MEANINGS = {
    "rental_prices": "rents fall faster than new chips get cheaper",
    "idle_fleet": "much of the fleet stands idle",
    "falling_backlog": "contracted backlog falls, quarter after quarter",
    "impairments": "firms write down equipment or shorten its life",
}
SIGNALS = tuple(SIGNAL_MEANINGS)
CHIP = "H100 SXM"  # method 7 (a)
QUARTERS = 3  # two falls need three quarters (method 7 c)
# Backlog by definition, the narrower one first: what a company gives in all three quarters counts.
DEFINITIONS = (COMMERCIAL_BACKLOG, BACKLOG)
UTILISATION = "fleet_utilisation"
IMPAIRED = ("impairment", "accelerated_depreciation")

TABLE = mart(
    "glut_signals",
    "the four glut signals of method 7, each with what was found, its threshold and whether it is triggered",
    [
        Column("signal", "text", "which signal", required=True, allowed=SIGNAL_MEANINGS),
        Column("quantity", "text", "what the value is", required=True, prose=True),
        Column(
            "value",
            "real",
            "what was found; null where no fact speaks to it",
            formula=Formula(
                "what the signal measures: the excess of the rents' yearly decline, fleet utilisation, quarters "
                "of falling backlog, or firms with impairments",
                "see method 7, glut signals a to d",
                "7",
                assumptions=(
                    "glut_price_window_months",
                    "glut_fact_months",
                    "chip_price_decline",
                    "chip_price_minimum_chips",
                    "backlog_redefined",
                ),
            ),
        ),
        Column(
            "comparison",
            "text",
            "how the value is compared",
            required=True,
            allowed={">": "above", "<": "below", ">=": "at or above"},
        ),
        Column("threshold", "real", "what it is compared with", required=True),
        Column("unit", "text", "unit of the value and the threshold", required=True),
        Column(
            "triggered",
            "flag",
            "whether there is a sign of a glut; null where unknown, which counts as no",
            formula=Formula(
                "whether the value passes its threshold",
                "value against threshold",
                "7",
                assumptions=(
                    "glut_price_excess",
                    "glut_utilisation",
                    "glut_impairing_firms",
                ),
            ),
        ),
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
    guide=Guide(
        "One row for each sign of too much capacity.",
        "value: each signal has its own unit.",
        {
            "Which signs are there?": "select signal, value, comparison, threshold, triggered from glut_signals",
            "Which are unknown, and why?": "select signal, reason from glut_signals where triggered is null",
            "On which facts do they rest?": "select signal, found, facts from glut_signals",
        },
    ),
)


def build(
    gpu_prices: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    consumer_prices: pl.DataFrame,
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
    since = months_before(as_of, assumptions.integer("glut_fact_months"))
    rows = [
        _rental_prices(gpu_prices, gpu_specs, consumer_prices, as_of, assumptions),
        _idle_fleet(known, panel, since, assumptions),
        _falling_backlog(company_facts, since, assumptions),
        _impairments(known, panel, since, assumptions),
    ]
    found = pl.DataFrame(rows, schema={n: t for n, t in TABLE.polars_schema.items() if n != "triggered"})
    return found.with_columns(
        triggered=pl.when(pl.col("comparison") == ">")
        .then(pl.col("value") > pl.col("threshold"))
        .when(pl.col("comparison") == "<")
        .then(pl.col("value") < pl.col("threshold"))
        .otherwise(pl.col("value") >= pl.col("threshold"))
    )


def _rental_prices(
    gpu_prices: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    consumer_prices: pl.DataFrame,
    as_of: date,
    assumptions: Assumptions,
) -> dict:
    months = assumptions.integer("glut_price_window_months")
    first = months_before(as_of, months)
    wanted = item_days(gpu_prices).filter(
        (pl.col("gpu_model") == CHIP)
        & (pl.col("provider_class") == "specialist")
        & (pl.col("pricing_kind") == "on_demand")
        & pl.col("observed_on").is_between(first, as_of)
    )
    matched = wanted.filter(pl.col("observed_on").n_unique().over("item") > 1)
    row = _row(
        "rental_prices",
        "yearly decline of rents, in real terms, beyond that of new chips' price per FLOP/s",
        ">",
        assumptions.number("glut_price_excess"),
        "log points a year",
    )
    if matched.is_empty():
        return row | _unknown("no_price_on_two_days", chip=CHIP, months=months)
    fitted = real_declines(matched, consumer_prices, SERIES).to_dicts()
    if not fitted:
        return row | _unknown("no_consumer_prices")
    decline = fitted[0]["decline_real_log_points"]
    of_chips, chips = chip_decline(gpu_specs, assumptions)
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
        "known_on": greatest([fitted[0]["real_known_on"], chips["known_on"].max()]),
        "grade": greatest([fitted[0]["real_grade"], weakest_of(chips)]),
        **said,
    }


def greatest(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def _idle_fleet(known: pl.DataFrame, panel: pl.DataFrame, since: date, assumptions: Assumptions) -> dict:
    row = _row("idle_fleet", "utilisation of the fleet", "<", assumptions.number("glut_utilisation"), "share")
    measured = known.filter(
        (pl.col("metric") == UTILISATION)
        & (pl.col("as_of_date") >= since)
        & pl.col("entity").is_in(_owners(known, panel).implode())
    )
    newest = measured.sort("as_of_date", "known_on", "evidence_id").tail(1)
    if newest.is_empty():
        return row | _unknown("no_fleet_utilisation")
    fact = newest.row(0, named=True)
    return row | {
        "value": fact["value"],
        "known_on": fact["known_on"],
        "grade": fact["grade"],
        **_found("fleet_utilisation", entity=fact["entity"], day=fact["as_of_date"], evidence_id=fact["evidence_id"]),
    }


def _owners(known: pl.DataFrame, panel: pl.DataFrame) -> pl.Series:
    """Who can measure a fleet of its own: firms of the panel, and whoever is counted as the owner of one."""
    counted = known.filter((pl.col("topic") == "capacity") & (pl.col("metric") == OWNED))["entity"]
    return pl.concat([_names(panel, known["entity"]), counted]).unique()


def _falling_backlog(company_facts: pl.DataFrame, since: date, assumptions: Assumptions) -> dict:
    row = _row("falling_backlog", "quarters running in which contracted backlog fell", ">=", QUARTERS - 1, "quarters")
    facts = admissible(company_facts).filter(
        pl.col("measure").is_in(DEFINITIONS) & pl.col("ticker").is_in(COMPANIES) & (pl.col("period_end") >= since)
    )
    current = select_current(facts, COMPANY_FACTS).with_columns(number=(month_number(pl.col("period_end")) - 1) // 3)
    last = current["number"].max()
    recent = current.filter(pl.col("number") > (last or 0) - QUARTERS).sort("ticker", "period_end")
    once = recent.unique(["ticker", "measure", "number"], keep="last", maintain_order=True)
    complete = _on_one_definition(once, assumptions)
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


def _on_one_definition(recent: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """Of each company the backlog of the definition that it gives in all quarters, the narrower one first.

    A company that changed its definition within them (`backlog_redefined`: the first quarter's end on the new one) has none.
    """
    changed = pl.DataFrame(
        [(ticker, date.fromisoformat(str(day))) for ticker, day in assumptions.value("backlog_redefined").items()],
        schema={"ticker": pl.String, "redefined_on": pl.Date},
        orient="row",
    )
    ends = pl.col("period_end")
    own = ("ticker", "measure")
    redefined = (ends.min().over(own) < pl.col("redefined_on")) & (ends.max().over(own) >= pl.col("redefined_on"))
    return (
        recent.join(changed, on="ticker", how="left", maintain_order="left")
        .filter((pl.len().over(own) == QUARTERS) & ~redefined.fill_null(False))
        .with_columns(narrower=pl.col("measure").replace_strict(list(DEFINITIONS), list(range(len(DEFINITIONS)))))
        .filter(pl.col("narrower") == pl.col("narrower").min().over("ticker"))
    )


def _impairments(known: pl.DataFrame, panel: pl.DataFrame, since: date, assumptions: Assumptions) -> dict:
    needed = assumptions.integer("glut_impairing_firms")
    row = _row("impairments", "firms that impaired equipment or shortened its life", ">=", float(needed), "firms")
    changes = pl.concat([_life_changes(known, assumptions.value("useful_life_before")), _impaired(known)])
    # Firms of the panel only: a critic's opinion of a life is no change of one.
    firms = changes.filter(
        (pl.col("as_of_date") >= since)
        & pl.col("entity").map_batches(lambda s: s.is_in(_names(panel, s).implode()), return_dtype=pl.Boolean)
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
        .select("entity", "as_of_date", "evidence_id", "known_on", "grade", sign=pl.col("value") < pl.col("earlier"))
    )


def _impaired(known: pl.DataFrame) -> pl.DataFrame:
    return known.filter(pl.col("metric").is_in(IMPAIRED)).select(
        "entity", "as_of_date", "evidence_id", "known_on", "grade", sign=pl.col("value") > 0
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
        Trace("core.consumer_prices", "m.signal = 'rental_prices' and t.known_on <= m.known_on"),
        Trace(
            "core.gpu_prices",
            f"m.signal = 'rental_prices' and t.gpu_model = '{CHIP}' and t.provider_class = 'specialist' "
            "and t.pricing_kind = 'on_demand' and t.observed_on <= m.known_on",
        ),
        Trace("core.gpu_specs", "m.signal = 'rental_prices' and t.list_price_usd is not null"),
        Trace("core.evidence", f"m.signal = 'idle_fleet' and t.metric = '{UTILISATION}' and t.known_on <= m.known_on"),
        Trace(
            "core.company_facts",
            f"m.signal = 'falling_backlog' and t.measure in {DEFINITIONS} and t.known_on <= m.known_on "
            f"and t.ticker in {COMPANIES}",
        ),
        Trace(
            "core.evidence",
            "m.signal = 'impairments' and t.metric in ('server_useful_life', 'impairment', "
            "'accelerated_depreciation') "
            "and t.known_on <= m.known_on",
        ),
    ),
)
