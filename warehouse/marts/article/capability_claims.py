"""Claims about how good the model is, and how fast the same capability gets cheaper anyway."""

from __future__ import annotations

from datetime import date
from math import hypot

import polars as pl

from warehouse.marts.article.cost_claims import R1
from warehouse.marts.article.dossier import Dossier, Found, Row, ends, right
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.units import DAYS_PER_MONTH
from warehouse.marts.training import efficiency_trend

V3, O1 = "DeepSeek-V3", "o1"
DECLINES = ("CC027", "CC029")  # published estimates of how fast training gets cheaper


def _models(dossier: Dossier) -> pl.DataFrame:
    return efficiency_trend.one_a_release(dossier.rows("model_capability"))


def _gap(dossier: Dossier, ours: Row, theirs: Row) -> tuple[float, float, float]:
    """Index points of one model over another, with an interval (independent errors, so added in quadrature)."""
    for row in (ours, theirs):
        dossier.used("model_capability", row)
    gap = ours["eci"] - theirs["eci"]
    if None in (ours["eci_low"], ours["eci_high"], theirs["eci_low"], theirs["eci_high"]):
        return gap, gap, gap
    down = hypot(ours["eci"] - ours["eci_low"], theirs["eci_high"] - theirs["eci"])
    up = hypot(ours["eci_high"] - ours["eci"], theirs["eci"] - theirs["eci_low"])
    return gap, gap - down, gap + up


def _ahead(gap: float, low: float, high: float) -> str:
    """Is the left one ahead? Plain yes or no only where the interval leaves zero out."""
    if low > 0:
        return "confirmed"
    if high < 0:
        return "wrong"
    return "approximately_right" if gap >= 0 else "cannot_check"


def r1_against_o1(claim: Row, dossier: Dossier) -> Found:
    """SC10: how it was judged then, by the tests of the day, and what a later index says of the models.

    The claim is about a judgement. An index published after it may show that the judgement was mistaken, but not that it
    was never made; only an index that was public by then could.
    """
    models = _models(dossier)
    r1, o1 = models.filter(base_name=R1).sort("released"), models.filter(base_name=O1).sort("released")
    tests = dossier.find("evidence", evidence_id="AD002"), dossier.find("evidence", evidence_id="AD003")
    judged = None
    if tests[0] and tests[1]:
        judged = reason("judged_by_tests", ahead=tests[1]["value"], tests=tests[0]["value"], date=tests[1]["known_on"])
    if r1.is_empty() or o1.is_empty():
        missing = dossier.missing("index_of_r1_and_o1")
        if judged is None:
            raise missing
        share = tests[1]["value"] / tests[0]["value"]  # type: ignore[index]
        return Found("right_but_misleading" if share > 0 else "cannot_check", [judged, missing.reason], None)
    ours, theirs = r1.row(0, named=True), o1.row(0, named=True)
    gap, low, high = _gap(dossier, ours, theirs)
    reasons = [
        reason(
            "r1_and_o1",
            r1=ours["eci"],
            o1=theirs["eci"],
            days_older=(ours["released"] - theirs["released"]).days,
            gap=gap,
            low=low,
            high=high,
            published_on=_published(ours, theirs),
        ),
        right("close_to_the_best"),
    ]
    finding = _ahead(gap, low, high)
    if finding == "wrong" and _published(ours, theirs) > claim["statement_date"]:
        finding = "right_but_misleading"
        reasons.append(reason("later_index_refutes_no_judgement"))
    if judged is not None:
        reasons.insert(0, judged)
    return Found(finding, reasons, gap, low, high)


def _published(*rows: Row) -> date:
    """The day by which the index of these models was public."""
    return max(row["known_on"] for row in rows)


def open_against_closed(claim: Row, dossier: Dossier) -> Found:
    """SC15: both on the day it was said and today, and how long after a closed model the open one came."""
    models = _models(dossier).filter(pl.col("accessibility").is_not_null())
    is_open = pl.col("accessibility").str.starts_with("Open weights")

    def best(day: date) -> tuple[Row, Row]:
        """The best open and the best closed model released by `day`."""
        ranked = models.filter(pl.col("released") <= day).sort("eci", "released", descending=[True, False])
        opened, closed = ranked.filter(is_open), ranked.filter(~is_open)
        if opened.is_empty() or closed.is_empty():
            raise dossier.missing("index_of_open_and_closed")
        return opened.row(0, named=True), closed.row(0, named=True)

    opened, closed = best(claim["statement_date"])
    gap, low, high = _gap(dossier, opened, closed)
    matched = models.filter(~is_open, pl.col("eci") >= opened["eci"]).sort("released").head(1)
    lag = (opened["released"] - matched.item(0, "released")).days if matched.height else 0
    open_now, closed_now = best(dossier.as_of)
    now = _gap(dossier, open_now, closed_now)[0]
    reasons = [
        reason(
            "best_open_and_closed",
            open=opened["base_name"],
            closed=closed["base_name"],
            gap=gap,
            low=low,
            high=high,
            date=claim["statement_date"],
            published_on=_published(opened, closed),
            months_after_a_closed_one=lag / DAYS_PER_MONTH if lag > 0 else None,
        ),
        reason(
            "best_open_and_closed_now",
            published_on=_published(open_now, closed_now),
            open=open_now["base_name"],
            closed=closed_now["base_name"],
            gap=now,
        ),
        right("open_models_follow"),
    ]
    return Found(_ahead(gap, low, high), reasons, gap, low, high)


def cost_decline(claim: Row, dossier: Dossier) -> Found:
    """SC21: the trend is `efficiency_trend`'s (method 3). Before the index is known, the latest estimate stands in."""
    models = _models(dossier).filter(pl.col("training_flop").is_not_null())
    trend = efficiency_trend.fit(models)
    if trend is None:
        return _published_decline(dossier)
    dossier.used_all("model_capability", models)
    rate, low, high = trend.times, trend.low, trend.high
    reasons = [reason("compute_for_the_same", times=rate, low=low, high=high, models=models.height)]
    ours = models.with_columns(residual=pl.Series(trend.scaled)).filter(base_name=V3).sort("released")
    if ours.height:
        residual = ours.item(0, "residual")
        is_break = residual < dossier.assumptions.number("claim_trend_break")
        reasons.append(reason("place_on_the_trend", model=V3, residual_sd=residual, is_break=is_break))
    return Found("confirmed" if low > 1 else "cannot_check", reasons, rate, low, high)


def _published_decline(dossier: Dossier) -> Found:
    """Estimates of others, while no index of capability is known."""
    published = dossier.rows("evidence").filter(pl.col("evidence_id").is_in(DECLINES))
    if published.is_empty():
        raise dossier.missing("decline_of_training_cost")
    for row in published.sort("evidence_id").to_dicts():
        dossier.used("evidence", row)
    latest = published.sort("known_on", "evidence_id").row(-1, named=True)
    low, high = ends(published["value"])
    reasons = [reason("published_declines", low=low, high=high, known_by=dossier.as_of)]
    return Found("approximately_right" if low > 1 else "cannot_check", reasons, latest["value"], low, high)
