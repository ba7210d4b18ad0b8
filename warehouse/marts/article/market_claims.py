"""Claims about the market on the day: what was lost, who fell, and whether anything shows why."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

import polars as pl

from warehouse.marts.article.dossier import Dossier, Found, NotKnown, Row, ends, right
from warehouse.marts.article.trading_day import (
    closes,
    day_return,
    day_returns,
    market_value_changes,
    note_close,
    note_count,
)
from warehouse.marts.common.reasons import reason
from warehouse.tables.table import FACT_ID

NVIDIA = "NVDA"
MARKET, TECHNOLOGY, CHIPS, NASDAQ = "SPY", "XLK", "SMH", "QQQ"
FOREIGN = ("TSM", "ASML")  # foreign companies of the panel, by their US-listed shares
SELLERS, USERS = ("supplier", "neocloud"), ("buyer", "adopter")
HURT = ("supplier", "power")  # whom less need of computing would cost sales
EVENT_KEY = ("event_date", "ticker", "benchmark", "model", "return_kind", "window_start", "window_end")
TEST_KEY = (
    "event_date", "grouping", "benchmark", "model", "return_kind", "window_start", "window_end", "test",
)  # fmt: skip


def nvidia_value_lost(claim: Row, dossier: Dossier) -> Found:
    """SC01. The press's figures are of other closes; their range is shown."""
    before, on = closes(dossier, NVIDIA, claim["event_date"])
    lost = market_value_changes(dossier).filter(ticker=NVIDIA, date=on["date"])
    if lost.is_empty():
        raise dossier.missing("nvidia_share_count")
    row = lost.row(0, named=True)
    note_count(dossier, row)
    change = row["change_usd"]
    low, high = change, change
    reasons = [
        reason(
            "value_lost",
            close_before=before["close"],
            close=on["close"],
            shares=row["shares"],
            change_usd=change,
            claimed_usd=float(claim["value_claimed"]),
        )
    ]
    reported = dossier.find("evidence", evidence_id="CC031")
    if reported is not None:
        least, most = (reported[end] or reported["value"] for end in ("value_low", "value_high"))
        low, high = min(change, -most), max(change, -least)
        reasons.append(
            reason(
                "value_lost_by_the_press",
                reported_usd=reported["value"],
                least_usd=least,
                implied_close=before["close"] - least / row["shares"],
                close=on["close"],
            )
        )
    return Found(dossier.by_closeness(float(claim["value_claimed"]), change), reasons, change, low, high)


def nvidia_return(claim: Row, dossier: Dossier) -> Found:
    """SC02."""
    found = day_return(dossier, NVIDIA, claim["event_date"])
    reasons = [reason("return_of_the_day", date=claim["event_date"], share_return=found)]
    return Found(dossier.by_closeness(float(claim["value_claimed"]), found), reasons, found, found, found)


def largest_loss(claim: Row, dossier: Dossier) -> Found:
    """SC03. Share counts are known of few companies, so the press's record of all stands beside their losses.

    A record in dollars of the day is one that the largest companies of the latest years hold nearly by themselves. So
    it misleads where other falls took a larger part of a company's value.
    """
    changes = market_value_changes(dossier)
    on_the_day = changes.filter(ticker=NVIDIA, date=claim["event_date"])
    if on_the_day.is_empty():
        raise dossier.missing("nvidia_loss_of_the_day")
    loss, claimed = on_the_day.item(0, "change_usd"), int(claim["value_claimed"])
    for row in changes.filter(pl.col("date") <= claim["event_date"]).sort("change_usd", "date").head(2).to_dicts():
        note_close(dossier, row)
        note_count(dossier, row)
    earlier = changes.filter(pl.col("date") < claim["event_date"]).sort("change_usd", "date")
    record = dossier.need("evidence", "previous_record", evidence_id="CC032")
    deeper, since = _deeper_falls(dossier, claim["event_date"])
    names = dict(dossier.rows("companies").select("ticker", "company").iter_rows())
    larger = int((earlier["change_usd"] < loss).sum()) + int(-record["value"] < loss)
    found = 1 + larger
    reasons = [
        reason(
            "loss_above_the_record",
            loss_usd=-loss,
            record_usd=record["value"],
            of_companies_usd=-earlier.item(0, "change_usd") if earlier.height else None,
            larger_since=changes.filter(pl.col("date") > claim["event_date"], pl.col("change_usd") < loss).height,
        ),
        reason(
            "record_in_dollars",
            companies=[names.get(ticker, ticker) for ticker in changes["ticker"].unique().sort()],
            deeper_falls=deeper,
            since=since,
        ),
    ]
    if found == claimed:
        return Found("right_but_misleading" if deeper else "approximately_right", reasons, found, found, found)
    if found > claimed:
        reasons = [reason("earlier_losses_were_larger", larger=larger, loss_usd=-loss)]
    return Found("wrong", reasons, found, found, found)


def _deeper_falls(dossier: Dossier, day: date) -> tuple[int, date]:
    """Earlier one-day falls of companies that took a larger share of the value than Nvidia's on `day`; since when.

    Of the panel's companies alone: whether another ticker is a company or a fund, nothing here says.
    """
    companies = dossier.rows("companies").filter(pl.col("role") != "benchmark")
    bars = dossier.rows("stock_prices").filter(pl.col("ticker").is_in(companies["ticker"].implode()))
    prices = bars.select("ticker", "date", "adj_close", "grade", FACT_ID).sort("ticker", "date")
    moved = prices.with_columns(moved=pl.col("adj_close") / pl.col("adj_close").shift(1).over("ticker") - 1)
    fall = day_return(dossier, NVIDIA, day)
    deeper = moved.filter(pl.col("date") < day, pl.col("moved") < fall)
    for row in deeper.sort("moved", "ticker", "date").head(1).to_dicts():
        dossier.used("stock_prices", row)
    first: Any = prices["date"].min()
    return deeper.height, first


def caused_by_model(claim: Row, dossier: Dossier) -> Found:
    """SC04. A price names no cause, but a cause has a pattern.

    A cheaper model threatens those who sell computing and power and not those who buy or use computing. So the claim is
    about right where the former fell beyond chance that day and the latter did not.
    """
    market = dossier.assumptions.value("benchmarks")[0]
    of_one_day = dict(ticker=NVIDIA, model="market_model", return_kind="simple", window_start=0, window_end=0)
    row = dossier.need_mart(
        "event_study", "nvidia_abnormal_return", *EVENT_KEY,
        needs="abnormal_return", event_date=claim["event_date"], benchmark=market, **of_one_day,
    )  # fmt: skip
    study = dossier.frames["event_study"].filter(**of_one_day).filter(pl.col("abnormal_return").is_not_null())
    over_benchmarks = study.filter(event_date=claim["event_date"]).get_column("abnormal_return")
    releases = study.filter(pl.col("event_date") < claim["event_date"], pl.col("benchmark") == market)
    releases = releases.sort("event_date")
    for release in releases.to_dicts():
        dossier.used_mart("event_study", release, *EVENT_KEY)
    found, (low, high) = row["abnormal_return"], ends(over_benchmarks)
    if row["p_value"] is None or row["p_value"] >= dossier.assumptions.number("q4_significance") or found >= 0:
        return Found("wrong", [reason("no_fall_beyond_chance", abnormal_return=found)], found, low, high)
    roles = _roles_beyond_the_market(dossier, claim["event_date"], market)
    fell = {role for role, moved in roles.items() if moved["beyond_chance"] and moved["abnormal_return"] < 0}
    fits = fell >= set(HURT) and not fell & set(USERS) and roles.keys() >= {*HURT, *USERS}
    reasons = [
        right("timing_is_right", abnormal_return=found),
        reason("roles_moved", roles=roles),
        reason(
            "cause_fits" if fits else "cause_does_not_fit",
            releases=[{"date": r["event_date"], "abnormal_return": r["abnormal_return"]} for r in releases.to_dicts()],
        ),
    ]
    return Found("approximately_right" if fits else "cannot_check", reasons, found, low, high)


def _roles_beyond_the_market(dossier: Dossier, day: date, market: str) -> dict[str, dict[str, Any]]:
    """What each role's portfolio did beyond the market on `day`, by role, and whether chance alone would do it."""
    significance = dossier.assumptions.number("q4_significance")
    tested = dossier.frames["event_study_tests"].filter(
        pl.col("abnormal_return").is_not_null(), pl.col("p_value").is_not_null(), pl.col("grouping").is_in((*HURT, *USERS)),
        event_date=day, benchmark=market, model="market_model", return_kind="simple", window_start=0, window_end=0,
        test="portfolio",
    )  # fmt: skip
    for row in tested.sort("grouping").to_dicts():
        dossier.used_mart("event_study_tests", row, *TEST_KEY)
    return {
        row["grouping"]: {
            "abnormal_return": row["abnormal_return"],
            "beyond_chance": row["p_value"] < significance,
            "firms": row["n_firms"],
        }
        for row in tested.sort("grouping").to_dicts()
    }


def technology_fell(claim: Row, dossier: Dossier) -> Found:
    """SC13. Funds of the US market stand for "around the world": the facts hold no other."""
    day = claim["event_date"]
    found = {ticker: day_return(dossier, ticker, day) for ticker in (TECHNOLOGY, NASDAQ, CHIPS)}
    names = dict(dossier.rows("companies").select("ticker", "company").iter_rows())
    abroad = {}
    for ticker in FOREIGN:
        with suppress(NotKnown):
            abroad[names.get(ticker, ticker)] = day_return(dossier, ticker, day)
    sector = found[TECHNOLOGY]
    finding = dossier.by_closeness(float(claim["value_claimed"]), sector)
    # The part about the world cannot be confirmed from US listings, however close the number is.
    finding = "approximately_right" if finding == "confirmed" else finding
    reasons = [
        reason("technology_fell", date=day, technology=sector, chips=found[CHIPS], nasdaq_100=found[NASDAQ]),
        reason("world_is_not_shown", foreign_shares=abroad),
    ]
    return Found(finding, reasons, sector, min(found.values()), max(found.values()))


def names_down(claim: Row, dossier: Dossier) -> Found:
    """SC22."""
    roles = dossier.rows("companies").filter(pl.col("role").is_in((*SELLERS, *USERS))).select("ticker", "role")
    returns = day_returns(dossier, claim["event_date"]).join(roles, on="ticker")
    if returns.is_empty():
        raise dossier.missing("panel_return")
    fell = returns["adj_return"] < 0
    share: Any = fell.mean()
    by_role = returns.group_by("role").agg(down=(pl.col("adj_return") < 0).mean()).sort("role")
    part = dict(by_role.iter_rows())
    spared = max(part.get(role, 0.0) for role in USERS) < min(part.get(role, 1.0) for role in SELLERS)
    finding = dossier.by_closeness(float(claim["value_claimed"]), share)
    finding = (
        "approximately_right"
        if finding == "wrong" and share > dossier.assumptions.number("claim_many_share")
        else finding
    )
    reasons = [
        reason("technology_names_fell", fell=int(fell.sum()), names=returns.height, share_by_role=part),
        reason("many_fell", users_were_spared=spared),
    ]
    return Found(finding, reasons, share, *ends(by_role["down"]))


def turmoil_next_day(claim: Row, dossier: Dossier) -> Found:
    """SC37. The funds that fell most give the range."""
    day = claim["event_date"]
    funds = {ticker: day_return(dossier, ticker, day) for ticker in (MARKET, NASDAQ, TECHNOLOGY, CHIPS)}
    fields = {"date": day, "market_return": funds[MARKET], "nvidia_return": day_return(dossier, NVIDIA, day)}
    found = funds[MARKET]
    if found >= 0:
        reasons = [reason("fall_had_stopped", **fields), right("nvidia_won_back_a_part")]
    else:
        reasons = [reason("fall_went_on", **fields)]
    finding = dossier.by_closeness(float(claim["value_claimed"]), found)
    return Found(finding, reasons, found, min(funds.values()), max(funds.values()))
