"""Claims about what training cost, and how long it took.

Most of them put a right number on the wrong thing: a final run's rental is called the cost of a model. So each is held
against the rung of the scope ladder (method 2) that its words are about.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import polars as pl

from warehouse.marts.article.dossier import Dossier, Found, NotKnown, Row, right
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.units import DAYS_PER_MONTH

V3_RUN, R1_INCREMENT, LLAMA_RUN = "TR001", "TR009", "TR019"
R1, H100 = "DeepSeek-R1", "H100 SXM"
DEVELOPER = "DeepSeek"
# How many rungs lie between a final run (S1) and a programme (S3), and between it and capex (S5).
RUNGS_TO_PROGRAMME, RUNGS_TO_CAPEX = 2, 4


def _cost(dossier: Dossier, run_id: str) -> Row:
    return dossier.need_mart("training_cost", "recomputed_cost", "run_id", needs="cost_low_usd", run_id=run_id)


def r1_cost(claim: Row, dossier: Dossier) -> Found:
    """SC11. V3's final run and, once it is known, R1's increment."""
    parts = [_cost(dossier, V3_RUN)]
    with suppress(NotKnown):
        parts.append(_cost(dossier, R1_INCREMENT))
    low, mid, high = (sum(part[f"cost_{end}_usd"] for part in parts) for end in ("low", "mid", "high"))
    claimed = float(claim["value_claimed"])
    reasons = [
        reason(
            "final_runs_rent",
            with_increment=len(parts) > 1,
            stated_usd=sum(part["claimed_cost_usd"] or 0.0 for part in parts),
            claimed_usd=claimed,
            low_usd=low,
            high_usd=high,
        ),
        reason("final_runs_are_not_all"),
    ]
    within = low <= dossier.assumptions.number("q1_factor") * claimed
    return Found("right_but_misleading" if within else "wrong", reasons, mid, low, high)


class Programme(NamedTuple):
    """V3's research programme S3 (method 2), USD, and the cost of the final run at its low end."""

    low: float
    middle: float
    high: float
    final_run: float


def _programme(dossier: Dossier) -> Programme:
    """The final run at the developer's figure or the lowest offer, whichever is less, over the largest share that final
    runs take; at the middle of both; at the highest offer over the smallest share.
    """
    run = _cost(dossier, V3_RUN)
    share = dossier.assumptions.distribution("share_final")
    least = min(run["claimed_cost_usd"] or run["cost_low_usd"], run["cost_low_usd"])
    middle = run["cost_mid_usd"] / ((share.low + share.high) / 2)
    return Programme(least / share.high, middle, run["cost_high_usd"] / share.low, least)


def cost_ratio(claim: Row, dossier: Dossier) -> Found:
    """SC12: programme over programme.

    Before a US lab's research computing is known, the group's capex of four quarters stands below the line and the row
    says so. The article's own ratio crosses rungs (method 2) and is given beside it, with the ratio of final runs at
    rental prices.
    """
    programme = _programme(dossier)
    lab = dossier.find("evidence", evidence_id="CC016")
    spent, rungs, code, whose = _spent_in_the_us(dossier, lab)
    low, middle, high = (part / spent for part in programme[:3])
    crossing = programme.final_run / spent
    tiny = dossier.assumptions.number("claim_tiny_share")
    reasons = [
        reason("run_over_a_year", **whose, run_usd=programme.final_run, spent_usd=spent, ratio=crossing, rungs=rungs),
        reason(
            code,
            low_usd=programme.low,
            high_usd=programme.high,
            low=low,
            middle=middle,
            high=high,
            is_tiny=middle < tiny,
        ),
    ]
    with suppress(NotKnown):
        other = _cost(dossier, LLAMA_RUN)["cost_mid_usd"]
        reasons.append(reason("run_against_run", ratio=_cost(dossier, V3_RUN)["cost_mid_usd"] / other))
    reasons.append(right("cheaper_but_by_less"))
    within = dossier.assumptions.number("q1_factor") * float(claim["value_claimed"])
    if lab is not None and middle <= within:
        finding = "approximately_right"
    else:
        finding = "right_but_misleading" if crossing <= within else "wrong"
    return Found(finding, reasons, middle, low, high)


def _spent_in_the_us(dossier: Dossier, lab: Row | None) -> tuple[float, int, str, dict[str, str]]:
    """What a US lab's research computing took in a year, else the group's capex; the rungs that it lies above a run."""
    if lab is not None:
        return lab["value"], RUNGS_TO_PROGRAMME, "programme_over_a_lab", {"entity": lab["entity"]}
    group = dossier.frames["capex_group"].filter(pl.col("capex_ttm_usd").is_not_null()).sort("calendar_quarter")
    if group.is_empty():
        raise dossier.missing("us_spending")
    row = group.row(-1, named=True)
    dossier.used_mart("capex_group", row, "calendar_quarter")
    return row["capex_ttm_usd"], RUNGS_TO_CAPEX, "programme_over_capex", {}


def programme_cost(claim: Row, dossier: Dossier) -> Found:
    """SC24. The claim names a final run as the whole."""
    programme = _programme(dossier)
    share = dossier.assumptions.distribution("share_final")
    run = dossier.need("training_runs", "final_run", run_id=V3_RUN)
    stated = dossier.find("evidence", evidence_id="CC013")
    reasons = [
        reason(
            "building_is_a_programme",
            low_usd=programme.low,
            high_usd=programme.high,
            share_low=share.low,
            share_high=share.high,
        ),
        right(
            "developer_names_the_final_run", stated_usd=run["claimed_cost_usd"], paper_says_so=stated is not None
        ),
    ]  # fmt: skip
    finding = "wrong" if programme.low > float(claim["value_claimed"]) else "right_but_misleading"
    return Found(finding, reasons, programme.middle, programme.low, programme.high)


def build_time(claim: Row, dossier: Dossier) -> Found:
    """SC23: what the cost quoted beside it pays for is the final run.

    The high end is the time from the developer's first listed model to R1: the work cannot be dated further back.
    """
    run = dossier.need_mart("training_cost", "run_length", "run_id", needs="wall_days", run_id=V3_RUN)
    found = run["wall_days"] / DAYS_PER_MONTH
    models = dossier.rows("ai_models")
    models = models.filter(pl.col("vintage") == pl.col("vintage").max(), pl.col("organization").str.contains(DEVELOPER))
    first, r1 = models.sort("published", "model").head(1), models.filter(model=R1)
    since_first = None
    if first.height and r1.height:
        begin, end = first.row(0, named=True), r1.row(0, named=True)
        dossier.used("ai_models", begin)
        dossier.used("ai_models", end)
        since_first = max(found, (end["published"] - begin["published"]).days / DAYS_PER_MONTH)
    reasons = [
        reason("final_run_took", days=run["wall_days"], months=found),
        right("work_before_took_longer", months_since_first_model=since_first),
    ]
    finding = dossier.by_closeness(float(claim["value_claimed"]), found)
    return Found(finding, reasons, found, found, since_first or found, f"{run['wall_days']:.0f} days")


def hopper_value(claim: Row, dossier: Dossier) -> Found:
    """SC30. The cheapest chip of the family is the low end, as the count may be of any of them."""
    count = dossier.need("evidence", "count_of_chips", hearsay=True, evidence_id="CC005")
    named = dossier.need("gpu_specs", "price_of_the_h100", gpu_model=H100)
    if named["list_price_usd"] is None:
        raise dossier.missing("price_of_the_h100")
    family = dossier.rows("gpu_specs").filter(
        pl.col("gpu_model").str.contains(r"^H\d+"), pl.col("list_price_usd").is_not_null()
    )
    cheapest = family.sort("list_price_usd", "gpu_model").row(0, named=True)
    dossier.used("gpu_specs", cheapest)
    value, low = count["value"] * named["list_price_usd"], count["value"] * cheapest["list_price_usd"]
    reasons = [
        reason(
            "value_of_hearsay",
            chip=H100,
            price_usd=named["list_price_usd"],
            value_usd=value,
            cheapest_chip=cheapest["gpu_model"],
            cheapest_price_usd=cheapest["list_price_usd"],
            low_usd=low,
            count=count["value"],
        )
    ]
    press = dossier.find("evidence", evidence_id="CC001")
    if press:
        reasons.append(reason("fleet_by_the_press", low_usd=press["value_low"], high_usd=press["value_high"]))
    return Found("cannot_check", reasons, value, low, value)


def prior_research(claim: Row, dossier: Dossier) -> Found:
    """SC34: the programme less its final run, S3 less S1 (method 2), beside what the press puts on that rung."""
    run = dossier.need("training_runs", "final_run", run_id=V3_RUN)
    cluster = dossier.need("evidence", "earlier_cluster", evidence_id="CC009")
    share = dossier.assumptions.distribution("share_final")
    ends = zip(_programme(dossier)[:3], (share.high, (share.low + share.high) / 2, share.low), strict=True)
    low, middle, high = (whole * (1 - final) for whole, final in ends)
    # The same statement and what the press puts on that rung: hearsay, which is shown and decides nothing.
    dossier.find("evidence", hearsay=True, evidence_id="CC012")
    press = dossier.find("evidence", hearsay=True, evidence_id="CC002")
    hardware = dossier.find("evidence", evidence_id="CC001")
    reasons = [
        right("earlier_cluster", a100s=cluster["value"], gpus_of_the_run=run["gpu_count"]),
        reason(
            "research_before_the_run",
            is_possible=float(claim["value_claimed"]) <= high,
            low_usd=low,
            high_usd=high,
            press_usd=press["value"] if press else None,
        ),
    ]
    if hardware:
        reasons.append(reason("hardware_is_another_rung", value_usd=hardware["value"]))
    return Found("cannot_check", reasons, middle, low, high)


def rental_price(claim: Row, dossier: Dossier) -> Found:
    """SC43: the offers are those that price the run (method 3)."""
    run = dossier.need_mart(
        "training_cost", "offer_near_the_run", "run_id", needs="price_mid_usd_per_gpu_hour", run_id=V3_RUN
    )
    low, mid, high = (run[f"price_{end}_usd_per_gpu_hour"] for end in ("low", "mid", "high"))
    claimed = float(claim["value_claimed"])
    finding = dossier.by_closeness(claimed, mid)
    if finding == "wrong" and low <= claimed <= high:
        finding = "approximately_right"
    elif finding == "wrong" and low <= dossier.assumptions.number("q1_factor") * claimed:
        finding = "right_but_misleading"
    reasons = [
        right("paper_assumes_the_price", claimed_usd=claimed),
        reason(
            "offers_around_the_run",
            stand_in=run["priced_as"] if run["is_stand_in"] else None,
            claimed_usd=claimed,
            low_usd=low,
            middle_usd=mid,
            high_usd=high,
        ),
        reason("no_offer_in_china"),
    ]
    return Found(finding, reasons, mid, low, high)
