"""One formula for each claim of the article that a figure can decide.

A claim is rarely plain wrong: more often a right number is put on the wrong thing (a final run's rental called the
cost of a model, a chip's cut link called a slow chip). So a formula gives a finding together with what is right in the
claim, and no formula holds a figure: each reads the facts known on the day, and a judgement (how close is close) is an
assumption.

Each is a pure function from the claim's row and the dossier of facts to `Found`; `FORMULAS` says which belongs where.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from math import ceil, hypot

import polars as pl

from warehouse.marts.article.claim_facts import (
    Dossier,
    Found,
    NotKnown,
    Row,
    closes,
    day_return,
    day_returns,
    market_value_changes,
    percent,
    two_digits,
    usd,
)
from warehouse.marts.common import select_current
from warehouse.marts.training import efficiency_trend

NVIDIA = "NVDA"
MARKET, TECHNOLOGY, CHIPS, NASDAQ = "SPY", "XLK", "SMH", "QQQ"
FOREIGN = ("TSM", "ASML")  # foreign companies of the panel, by their US-listed shares
V3_RUN, R1_INCREMENT, PROGRAMME_RUN, LLAMA_RUN = "TR001", "TR009", "TR013", "TR019"
V3, R1, O1, H800, H100 = "DeepSeek-V3", "DeepSeek-R1", "o1", "H800 SXM", "H100 SXM"
DEVELOPER = "DeepSeek"
SELLERS, USERS = ("supplier", "neocloud"), ("buyer", "adopter")
BUYS_OR_SELLS_TECHNOLOGY = (*SELLERS, *USERS)
EVENT_KEY = ("event_date", "ticker", "benchmark", "model", "return_kind", "window_start", "window_end")
DAYS_A_MONTH = 365.25 / 12

Formula = Callable[[Row, Dossier], Found]


def by_closeness(claimed: float, found: float, dossier: Dossier) -> str:
    """confirmed, approximately_right or wrong, by the difference over the claimed number."""
    off = abs(found - claimed) / abs(claimed)
    if off <= dossier.assumptions.number("claim_confirmed_within"):
        return "confirmed"
    return "approximately_right" if off <= dossier.assumptions.number("claim_approximate_within") else "wrong"


# ---- The market on the day -----------------------------------------------------------------------------------------


def nvidia_value_lost(claim: Row, dossier: Dossier) -> Found:
    """SC01: change of market value = change of the close x shares known that day (method 6), and the press's range."""
    before, on = closes(dossier, NVIDIA, claim["event_date"])
    lost = market_value_changes(dossier).filter(ticker=NVIDIA, date=on["date"])
    if lost.is_empty():
        raise dossier.missing("Nvidia's share count")
    row = lost.row(0, named=True)
    dossier.used(f"core.shares_outstanding {NVIDIA} {row['measured_on']}", row["count_grade"])
    change, low, high, press = row["change_usd"], row["change_usd"], row["change_usd"], ""
    reported = dossier.find("evidence", evidence_id="CC031")
    if reported is not None:
        low = min(change, -(reported["value_high"] or reported["value"]))
        high = max(change, -(reported["value_low"] or reported["value"]))
        least = reported["value_low"] or reported["value"]
        implied = before["close"] - least / row["shares"]
        said = "" if least == reported["value"] else f" ({usd(least)} at the least)"
        press = (
            f" The {usd(reported['value'])} of the press{said} go with a close of {implied:.2f}, "
            f"which is not the official {on['close']:.2f}."
        )
    reason = (
        f"The close fell from {before['close']:.2f} to {on['close']:.2f} with {row['shares'] / 1e9:.2f} billion shares "
        f"known that day: {usd(change)}, which the article rounds."
    )
    return Found(by_closeness(float(claim["value_claimed"]), change, dossier), reason + press, change, low, high)


def nvidia_return(claim: Row, dossier: Dossier) -> Found:
    """SC02: close-to-close return from adjusted closes."""
    found = day_return(dossier, NVIDIA, claim["event_date"])
    reason = f"Close to close on {claim['event_date']}, from adjusted closes, the share returned {percent(found, 2)}."
    return Found(by_closeness(float(claim["value_claimed"]), found, dossier), reason, found, found, found)


def largest_loss(claim: Row, dossier: Dossier) -> Found:
    """SC03: rank of the day's loss among every loss that the snapshot gives before it, and the press's old record."""
    changes = market_value_changes(dossier)
    on_the_day = changes.filter(ticker=NVIDIA, date=claim["event_date"])
    if on_the_day.is_empty():
        raise dossier.missing("Nvidia's loss of the day")
    loss = on_the_day.item(0, "change_usd")
    for row in changes.filter(pl.col("date") <= claim["event_date"]).sort("change_usd", "date").head(2).to_dicts():
        dossier.used(f"core.stock_prices {row['ticker']} {row['date']}", row["grade"])
        dossier.used(f"core.shares_outstanding {row['ticker']} {row['measured_on']}")
    earlier = changes.filter(pl.col("date") < claim["event_date"]).sort("change_usd", "date")
    record = dossier.need("evidence", "The previous record", evidence_id="CC032")
    larger = (earlier["change_usd"] < loss).sum() + int(-record["value"] < loss)
    found = 1 + larger
    later = changes.filter(pl.col("date") > claim["event_date"], pl.col("change_usd") < loss).height
    tickers = ", ".join(changes["ticker"].unique().sort())
    largest = f" and {usd(-earlier.item(0, 'change_usd'))} in these facts" if earlier.height else ""
    reason = (
        f"The loss of {usd(-loss)} is above the earlier record of {usd(record['value'])} (press){largest}; "
        f"{'none' if later == 0 else later} known since is larger. "
        f"It is a record in dollars of the day, not as a share of value, and only {tickers} have share counts here."
    )
    if found > int(claim["value_claimed"]):
        reason = f"{larger} earlier one-day losses were larger than {usd(-loss)}; it was large, but not the largest."
    return Found("confirmed" if found == int(claim["value_claimed"]) else "wrong", reason, found, found, found)


def caused_by_model(claim: Row, dossier: Dossier) -> Found:
    """SC04: the day's abnormal return dates the fall; nothing in it names a cause."""
    benchmarks = dossier.assumptions.value("benchmarks")
    study = dossier.frames["event_study"].filter(
        ticker=NVIDIA, model="market_model", return_kind="simple", window_start=0, window_end=0
    )
    key = dict(ticker=NVIDIA, model="market_model", return_kind="simple", window_start=0, window_end=0)
    what = "Nvidia's abnormal return of the day"
    row = dossier.need_mart(
        "event_study", what, *EVENT_KEY, needs="abnormal_return", event_date=claim["event_date"],
        benchmark=benchmarks[0], **key,
    )  # fmt: skip
    over_benchmarks = study.filter(event_date=claim["event_date"]).get_column("abnormal_return").drop_nulls()
    releases = study.filter(
        pl.col("event_date") < claim["event_date"],
        pl.col("benchmark") == benchmarks[0],
        pl.col("abnormal_return").is_not_null(),
    ).sort("event_date")
    for release in releases.to_dicts():
        dossier.used(f"marts.event_study {' '.join(str(release[c]) for c in EVENT_KEY)}", release.get("grade"))
    found, low, high = row["abnormal_return"], over_benchmarks.min(), over_benchmarks.max()
    if row["p_value"] is None or row["p_value"] >= dossier.assumptions.number("q4_significance") or found >= 0:
        reason = f"The abnormal return of {percent(found)} is not a fall beyond chance, so there is nothing to explain."
        return Found("wrong", reason, found, low, high)
    quiet = ", ".join(f"{percent(r['abnormal_return'])} on {r['event_date']}" for r in releases.to_dicts())
    reason = (
        f"Right is the timing: {percent(found)} beyond the market on that day (p = {row['p_value']:.1g}). "
        "An abnormal return shows when and not why"
        + (f", and the days of the models' release themselves had {quiet}." if quiet else ".")
    )
    return Found("cannot_check", reason, found, low, high)


def technology_fell(claim: Row, dossier: Dossier) -> Found:
    """SC13: the technology sector's fund, between the chip fund and the Nasdaq 100; listed in the US only."""
    day = claim["event_date"]
    found = {ticker: day_return(dossier, ticker, day) for ticker in (TECHNOLOGY, NASDAQ, CHIPS)}
    abroad = {}
    for ticker in FOREIGN:
        with suppress(NotKnown):
            abroad[ticker] = day_return(dossier, ticker, day)
    sector = found[TECHNOLOGY]
    finding = by_closeness(float(claim["value_claimed"]), sector, dossier)
    reason = (
        f"US technology fell {percent(-sector)} ({TECHNOLOGY}), chips {percent(-found[CHIPS])}, "
        f"the Nasdaq 100 {percent(-found[NASDAQ])}. "
        "Around the world is not shown: the facts hold US listings only"
        + (f", among them {' and '.join(f'{t} at {percent(r)}' for t, r in abroad.items())}." if abroad else ".")
    )
    # The part about the world cannot be confirmed from US listings, however close the number is.
    return Found(
        "approximately_right" if finding == "confirmed" else finding,
        reason,
        sector,
        min(found.values()),
        max(found.values()),
    )


def names_down(claim: Row, dossier: Dossier) -> Found:
    """SC22: share of the panel's technology names that fell that day, and which did not."""
    roles = dossier.rows("companies").filter(pl.col("role").is_in(BUYS_OR_SELLS_TECHNOLOGY)).select("ticker", "role")
    returns = day_returns(dossier, claim["event_date"]).join(roles, on="ticker")
    if returns.is_empty():
        raise dossier.missing("Any return of the panel")
    share = (returns["adj_return"] < 0).mean()
    by_role = returns.group_by("role").agg(down=(pl.col("adj_return") < 0).mean()).sort("role")
    part = dict(by_role.iter_rows())
    spared = max(part.get(role, 0.0) for role in USERS) < min(part.get(role, 1.0) for role in SELLERS)
    spread = ", ".join(f"{percent(down, 0)} of the {role}s" for role, down in by_role.iter_rows())
    finding = by_closeness(float(claim["value_claimed"]), share, dossier)
    reason = (
        f"{(returns['adj_return'] < 0).sum()} of {returns.height} technology names of the panel fell: {spread}. "
        "Many fell"
        + (", but a smaller part of those who use or buy computing, which the sentence hides." if spared else ".")
    )
    many = share > 1 / 2
    return Found(
        "approximately_right" if finding == "wrong" and many else finding,
        reason,
        share,
        by_role["down"].min(),
        by_role["down"].max(),
    )


def turmoil_next_day(claim: Row, dossier: Dossier) -> Found:
    """SC37: the market's return on the day after, with the funds that fell most."""
    day = claim["event_date"]
    funds = {ticker: day_return(dossier, ticker, day) for ticker in (MARKET, NASDAQ, TECHNOLOGY, CHIPS)}
    nvidia = day_return(dossier, NVIDIA, day)
    found = funds[MARKET]
    finding = by_closeness(float(claim["value_claimed"]), found, dossier)
    reason = f"On {day} the market returned {percent(found, 2)} and Nvidia {percent(nvidia)}: " + (
        "by the close the fall had stopped. Right is that Nvidia had won back only part of it."
        if found >= 0
        else "the fall went on."
    )
    return Found(finding, reason, found, min(funds.values()), max(funds.values()))


# ---- What it cost --------------------------------------------------------------------------------------------------


def _cost(dossier: Dossier, run_id: str) -> Row:
    return dossier.need_mart(
        "training_cost", f"The recomputed cost of {run_id}", "run_id", needs="cost_low_usd", run_id=run_id
    )


def r1_cost(claim: Row, dossier: Dossier) -> Found:
    """SC11: the final run of V3 and, once known, R1's increment, at observed rental prices (method 3)."""
    parts = [_cost(dossier, V3_RUN)]
    with suppress(NotKnown):
        parts.append(_cost(dossier, R1_INCREMENT))
    low, mid, high = (sum(part[f"cost_{end}_usd"] for part in parts) for end in ("low", "mid", "high"))
    stated = sum(part["claimed_cost_usd"] or 0.0 for part in parts)
    claimed = float(claim["value_claimed"])
    what = "V3's final run with R1's increment" if len(parts) > 1 else "V3's final run (R1's own was not yet known)"
    reason = (
        f"For {what} the developer's {usd(stated)} are below {usd(claimed)}, and offers of the time give {usd(low)} to "
        f"{usd(high)}. It is the rental of final runs: research, failed runs and hardware are not in it."
    )
    within = low <= dossier.assumptions.number("q1_factor") * claimed
    return Found("right_but_misleading" if within else "wrong", reason, mid, low, high)


def _programme(dossier: Dossier) -> tuple[float, float, float, float]:
    """V3's research programme S3 (method 2): low, middle and high in USD, and the cost of the final run at the low end.

    The final run at the developer's figure or the lowest offer, whichever is less, over the largest share that final
    runs take; at the middle of both; at the highest offer over the smallest share.
    """
    run = _cost(dossier, V3_RUN)
    share = dossier.assumptions.distribution("share_final")
    least = min(run["claimed_cost_usd"] or run["cost_low_usd"], run["cost_low_usd"])
    middle = run["cost_mid_usd"] / ((share.low + share.high) / 2)
    return least / share.high, middle, run["cost_high_usd"] / share.low, least


def cost_ratio(claim: Row, dossier: Dossier) -> Found:
    """SC12: research programme (final run over share_final) over a US lab's research computing of a year, one rung.

    Before that is known, the group's capex of four quarters stands below the line and the row says so. The article's own
    ratio crosses rungs (method 2) and is given beside it, with the ratio of final runs at rental prices.
    """
    low, middle, high, final_run = _programme(dossier)
    lab = dossier.find("evidence", evidence_id="CC016")
    if lab is not None:
        crossed = "two"  # from the final run (S1) to the programme (S3)
        spent, whose = lab["value"], f"{lab['entity']}'s research computing of a year ({usd(lab['value'])})"
    else:
        group = dossier.frames["capex_group"].filter(pl.col("capex_ttm_usd").is_not_null()).sort("calendar_quarter")
        if group.is_empty():
            raise dossier.missing("What US companies spend")
        row = group.row(-1, named=True)
        dossier.used(f"marts.capex_group {row['calendar_quarter']}", row.get("grade"))
        spent, crossed = row["capex_ttm_usd"], "four"  # from the final run (S1) to capex (S5)
        whose = f"the group's capex of four quarters ({usd(spent)}, a higher rung, the nearest known)"
    claimed, factor = float(claim["value_claimed"]), dossier.assumptions.number("q1_factor")
    beside = ""
    with suppress(NotKnown):
        other = _cost(dossier, LLAMA_RUN)["cost_mid_usd"]
        ratio = _cost(dossier, V3_RUN)["cost_mid_usd"] / other
        beside = f" Run against run at rental prices it is {two_digits(ratio)} of Llama 3.1 405B."
    reason = (
        f"DeepSeek's research programme over {whose} is {two_digits(middle / spent)} ({two_digits(low / spent)} to "
        f"{two_digits(high / spent)})."
        f"{beside} A final run over billions ({two_digits(final_run / spent)}) crosses {crossed} rungs of the scope ladder. "
        "Right is that it is cheap, by less than the sentence makes it."
    )
    if lab is not None and middle / spent <= factor * claimed:
        finding = "approximately_right"
    else:
        finding = "right_but_misleading" if final_run / spent <= factor * claimed else "wrong"
    return Found(finding, reason, middle / spent, low / spent, high / spent)


def programme_cost(claim: Row, dossier: Dossier) -> Found:
    """SC24: research programme S3 = final run / share_final (method 2); the claim names a final run as the whole."""
    low, middle, high, _ = _programme(dossier)
    share = dossier.assumptions.distribution("share_final")
    run = dossier.need("training_runs", "V3's final run", run_id=V3_RUN)
    claimed = float(claim["value_claimed"])
    stated = dossier.find("evidence", evidence_id="CC013")
    reason = (
        f"Building it means the research programme: {usd(low)} to {usd(high)}, as final runs take "
        f"{percent(share.low, 0)} to {percent(share.high, 0)} of research computing. Right is that the developer puts "
        f"the final run alone at {usd(run['claimed_cost_usd'])}"
        + ("; the paper itself leaves earlier research out." if stated else ".")
    )
    return Found("wrong" if low > claimed else "right_but_misleading", reason, middle, low, high)


def build_time(claim: Row, dossier: Dossier) -> Found:
    """SC23: length of the final run (GPU-hours over GPUs, method 3), which is what the cost quoted beside it pays for.

    The high end is the time from the developer's first listed model to R1: the work cannot be dated further back.
    """
    run = dossier.need_mart("training_cost", "The length of V3's final run", "run_id", needs="wall_days", run_id=V3_RUN)
    found = run["wall_days"] / DAYS_A_MONTH
    claimed, high, span = float(claim["value_claimed"]), found, ""
    models = dossier.rows("ai_models")
    models = models.filter(pl.col("vintage") == pl.col("vintage").max(), pl.col("organization").str.contains(DEVELOPER))
    first, r1 = models.sort("published", "model").head(1), models.filter(model=R1)
    if first.height and r1.height:
        for row in (first.row(0, named=True), r1.row(0, named=True)):
            dossier.used(f"core.ai_models {row['model']} {row['vintage']}", row["grade"])
        high = max(found, (r1.item(0, "published") - first.item(0, "published")).days / DAYS_A_MONTH)
        span = f": {high:.1f} months lie between its first listed model and R1"
    reason = (
        f"The developer's own figures give {run['wall_days']:.0f} days, {found:.1f} months, for the run that the cost "
        f"quoted beside it pays for. Right is that the work before it took longer{span}; no fact dates its start."
    )
    return Found(by_closeness(claimed, found, dossier), reason, found, found, high, f"{run['wall_days']:.0f} days")


def hopper_value(claim: Row, dossier: Dossier) -> Found:
    """SC30: the hearsay's count times the price of the chip it names; the cheapest chip of the family as low end."""
    count = dossier.need("evidence", "The count", hearsay=True, evidence_id="CC005")
    named = dossier.need("gpu_specs", "A price of the H100", gpu_model=H100)
    if named["list_price_usd"] is None:
        raise dossier.missing("A price of the H100")
    family = dossier.rows("gpu_specs").filter(
        pl.col("gpu_model").str.contains(r"^H\d+"), pl.col("list_price_usd").is_not_null()
    )
    cheapest = family.sort("list_price_usd", "gpu_model").row(0, named=True)
    dossier.used(f"core.gpu_specs {cheapest['gpu_model']}", cheapest["grade"])
    value, low = count["value"] * named["list_price_usd"], count["value"] * cheapest["list_price_usd"]
    press = dossier.find("evidence", evidence_id="CC001")
    reason = (
        f"The count is hearsay, so its value is too: at {named['list_price_usd']:,.0f} USD a chip {usd(value)} if all were "
        f"{H100}, {usd(low)} if all were {cheapest['gpu_model']} at {cheapest['list_price_usd']:,.0f}."
        + (f" Press estimates of the fleet that was bought are {usd(press['value_low'])} to {usd(press['value_high'])}."
           if press else "")
    )  # fmt: skip
    return Found("cannot_check", reason, value, low, value)


def prior_research(claim: Row, dossier: Dossier) -> Found:
    """SC34: research computing before the final run, S3 less S1 (method 2), beside what the press puts on that rung."""
    run = dossier.need("training_runs", "V3's final run", run_id=V3_RUN)
    cluster = dossier.need("evidence", "The earlier cluster", evidence_id="CC009")
    share = dossier.assumptions.distribution("share_final")
    ends = zip(_programme(dossier)[:3], (share.high, (share.low + share.high) / 2, share.low), strict=True)
    low, middle, high = (whole * (1 - final) for whole, final in ends)
    computed = f"{usd(low)} to {usd(high)}"
    press = dossier.find("training_runs", run_id=PROGRAMME_RUN)
    hardware = dossier.find("evidence", evidence_id="CC001")
    claimed = float(claim["value_claimed"])
    top = max(high, (press or {}).get("claimed_cost_usd") or high)
    beside = f", while the press puts the programme's operation at {usd(top)}" if press and top > high else ""
    owned = f" The hardware, another rung, is put at {usd(hardware['value'])}." if hardware else ""
    verb = "are not ruled out" if claimed <= top else "are not shown"
    reason = (
        f"Right is the cluster: {cluster['value']:,.0f} A100 before it, against {run['gpu_count']:,} H800 for the run. "
        f"Hundreds of millions {verb}: usual shares give {computed} of research computing{beside}.{owned}"
    )
    return Found("cannot_check", reason, middle, low, top)


def rental_price(claim: Row, dossier: Dossier) -> Found:
    """SC43: the assumed price against the offers that price the run (method 3)."""
    run = dossier.need_mart(
        "training_cost", "Any offer near the run", "run_id", needs="price_mid_usd_per_gpu_hour", run_id=V3_RUN
    )
    low, mid, high = (run[f"price_{end}_usd_per_gpu_hour"] for end in ("low", "mid", "high"))
    claimed = float(claim["value_claimed"])
    finding = by_closeness(claimed, mid, dossier)
    if finding == "wrong" and low <= claimed <= high:
        finding = "approximately_right"
    elif finding == "wrong" and low <= dossier.assumptions.number("q1_factor") * claimed:
        finding = "right_but_misleading"
    side = "inside them" if low <= claimed <= high else f"{percent(abs(1 - claimed / low), 0)} below the lowest"
    if claimed > high:
        side = f"{percent(claimed / high - 1, 0)} above the highest"
    whose = f" for the {run['priced_as']}, which stands in for the chip," if run["is_stand_in"] else ""
    reason = (
        f"Right is that the paper assumes {claimed:.2f} USD and says so. Specialists' offers around the run{whose} stood "
        f"at {low:.2f} to {high:.2f} (middle {mid:.2f}), so the assumption lies {side}. "
        "No offer inside China is among the facts."
    )
    return Found(finding, reason, mid, low, high)


# ---- The chips -----------------------------------------------------------------------------------------------------


def hardware_named(claim: Row, dossier: Dossier) -> Found:
    """SC25: the chip that the paper names, against the name in the article."""
    run = dossier.need("training_runs", "The hardware of V3's run", run_id=V3_RUN)
    chip = run["hardware"]
    known = dossier.find("gpu_specs", gpu_model=chip)
    same = claim["value_claimed"].casefold() in (chip.casefold(), chip.split()[0].casefold())
    reason = (
        f"Right is that the paper names the {chip.split()[0]}; no chip is called {claim['value_claimed']}, which garbles "
        "that name." + (f" The chip is Nvidia's, released {known['release_date']}." if known else "")
    )
    return Found("confirmed" if same else "wrong", reason, text=chip)


def downgraded_chip(claim: Row, dossier: Dossier) -> Found:
    """SC26: dense BF16 peak and chip-to-chip link of the H800 over those of the H100."""
    h800 = dossier.need("gpu_specs", "The H800's data", gpu_model=H800)
    h100 = dossier.need("gpu_specs", "The H100's data", gpu_model=H100)
    peak = h800["bf16_dense_tflops"] / h100["bf16_dense_tflops"]
    if h800["interconnect_gb_per_s"] is None or h100["interconnect_gb_per_s"] is None:
        raise dossier.missing("The link of both chips")
    link = h800["interconnect_gb_per_s"] / h100["interconnect_gb_per_s"]
    near = dossier.assumptions.number("claim_confirmed_within")
    cut_link, cut_peak = link < 1 - near, peak < 1 - near
    since = h800["export_restricted_since"]
    reason = (
        "Right is that it was made for export: what was cut is the link between chips, "
        f"{h800['interconnect_gb_per_s']:.0f} against {h100['interconnect_gb_per_s']:.0f} GB/s; "
        f"the dense BF16 peak is {percent(peak, 0)} of the H100's. "
        + (f"It met the rule of 2022 only until it needed a licence too, from {since}." if since else "")
    )
    finding = "confirmed" if cut_peak else "right_but_misleading" if cut_link else "wrong"
    return Found(finding, reason, peak, min(peak, link), max(peak, link))


def most_advanced_chip(claim: Row, dossier: Dossier) -> Found:
    """SC27: the run's chip over the best dense BF16 peak on the market when the run began."""
    run = dossier.need("training_runs", "The hardware of V3's run", run_id=V3_RUN)
    length = dossier.need_mart(
        "training_cost", "The length of V3's final run", "run_id", needs="wall_days", run_id=V3_RUN
    )
    began: date = run["published"] - timedelta(days=ceil(length["wall_days"]))  # had it ended on the day of its paper
    chip = dossier.need("gpu_specs", "The chip's data", gpu_model=run["hardware"])
    market = dossier.rows("gpu_specs").filter(pl.col("release_date") <= began)
    ranked = market.sort("bf16_dense_tflops", "gpu_model", descending=[True, False])
    best = ranked.row(0, named=True)
    own = ranked.filter(vendor=chip["vendor"]).row(0, named=True)
    for row in (best, own):
        dossier.used(f"core.gpu_specs {row['gpu_model']}", row["grade"])
    of_best, of_own = (chip["bf16_dense_tflops"] / row["bf16_dense_tflops"] for row in (best, own))
    near = 1 - dossier.assumptions.number("claim_confirmed_within")
    finding = "wrong" if of_best >= near else "right_but_misleading" if of_own >= near else "confirmed"
    reason = (
        f"When the run began, on {began} at the latest, the fastest chip on sale was the {best['gpu_model']}, and the "
        f"{chip['gpu_model']} reached {percent(of_best, 0)} of its peak. "
        f"Of {chip['vendor']}'s own best, the {own['gpu_model']}, it had {percent(of_own, 0)}, with a slower link."
    )
    return Found(finding, reason, of_best, of_best, of_own, chip["gpu_model"])


def cluster_size(claim: Row, dossier: Dossier) -> Found:
    """SC35: the paper's count of A100."""
    fact = dossier.need("evidence", "The paper's count", evidence_id="CC009")
    claimed, found = float(claim["value_claimed"]), fact["value"]
    finding = by_closeness(claimed, found, dossier)
    reason = (
        f"The paper has {found:,.0f} A100, so the article's number is {claimed / found:.3g} times too many. "
        "Right is that an earlier paper describes such a cluster, larger than the one of the final run."
    )
    return Found(finding, reason if finding == "wrong" else f"The paper has {found:,.0f} A100.", found, found, found)


# ---- How good it is, and how fast things get cheaper ---------------------------------------------------------------


def _models(dossier: Dossier) -> pl.DataFrame:
    return efficiency_trend.one_a_release(dossier.rows("model_capability"))


def _gap(dossier: Dossier, left: Row, right: Row) -> tuple[float, float, float]:
    """`left` less `right` in index points, with an interval (errors taken as independent, so added in quadrature)."""
    for row in (left, right):
        dossier.used(f"core.model_capability {row['model']} {row['released']}", row["grade"])
    gap = left["eci"] - right["eci"]
    if None in (left["eci_low"], left["eci_high"], right["eci_low"], right["eci_high"]):
        return gap, gap, gap
    down = hypot(left["eci"] - left["eci_low"], right["eci_high"] - right["eci"])
    up = hypot(left["eci_high"] - left["eci"], right["eci"] - right["eci_low"])
    return gap, gap - down, gap + up


def _ahead(gap: float, low: float, high: float) -> str:
    """Is the left one ahead? Plain yes or no only where the interval leaves zero out."""
    if low > 0:
        return "confirmed"
    if high < 0:
        return "wrong"
    return "approximately_right" if gap >= 0 else "cannot_check"


def r1_against_o1(claim: Row, dossier: Dossier) -> Found:
    """SC10: R1 less o1, in points of the Epoch Capabilities Index."""
    models = _models(dossier)
    r1, o1 = models.filter(base_name=R1).sort("released"), models.filter(base_name=O1).sort("released")
    if r1.is_empty() or o1.is_empty():
        raise dossier.missing("A capability index that holds R1 and o1")
    left, right = r1.row(0, named=True), o1.row(0, named=True)
    gap, low, high = _gap(dossier, left, right)
    older = (left["released"] - right["released"]).days
    reason = (
        f"On the Epoch Capabilities Index R1 stands at {left['eci']:.1f} and o1, {older} days older, at "
        f"{right['eci']:.1f}: {gap:+.1f} points ({low:+.1f} to {high:+.1f}). "
        "Right is that it came close to the best US model of the day."
    )
    return Found(_ahead(gap, low, high), reason, gap, low, high)


def open_against_closed(claim: Row, dossier: Dossier) -> Found:
    """SC15: best open-weight model less best closed one among those released by the day, and the lag in months."""
    models = _models(dossier).filter(pl.col("accessibility").is_not_null())
    is_open = pl.col("accessibility").str.starts_with("Open weights")

    def best(day: date) -> tuple[Row, Row]:
        """The best open and the best closed model released by `day`."""
        ranked = models.filter(pl.col("released") <= day).sort("eci", "released", descending=[True, False])
        opened, closed = ranked.filter(is_open), ranked.filter(~is_open)
        if opened.is_empty() or closed.is_empty():
            raise dossier.missing("A capability index of open and closed models")
        return opened.row(0, named=True), closed.row(0, named=True)

    opened, closed = best(claim["statement_date"])
    gap, low, high = _gap(dossier, opened, closed)
    matched = models.filter(~is_open, pl.col("eci") >= opened["eci"]).sort("released").head(1)
    lag = ""
    if matched.height and matched.item(0, "released") < opened["released"]:
        months = (opened["released"] - matched.item(0, "released")).days / DAYS_A_MONTH
        lag = f", {months:.1f} months after a closed model of that level"
    open_now, closed_now = best(dossier.as_of)
    now = _gap(dossier, open_now, closed_now)[0]
    reason = (
        f"On that day the best open model was {opened['base_name']} and the best closed one {closed['base_name']}: "
        f"{gap:+.1f} index points ({low:+.1f} to {high:+.1f}){lag}. By {dossier.as_of} it is "
        f"{now:+.1f} ({open_now['base_name']} against {closed_now['base_name']}). "
        "Right is that open models follow closely."
    )
    return Found(_ahead(gap, low, high), reason, gap, low, high)


def cost_decline(claim: Row, dossier: Dossier) -> Found:
    """SC21: times less compute a year for the same capability, and whether V3 breaks the trend (method 3).

    The trend is `efficiency_trend`'s. Before the index is known, the latest estimate stands in.
    """
    models = _models(dossier).filter(pl.col("training_flop").is_not_null())
    trend = efficiency_trend.fit(models)
    if trend is None:
        return _published_decline(dossier)
    dossier.used("core.model_capability all", select_current.weakest_of(models))
    rate, low, high = trend.times, trend.low, trend.high
    mine = models.with_columns(residual=pl.Series(trend.scaled)).filter(base_name=V3).sort("released")
    place = ""
    if mine.height:
        residual = mine.item(0, "residual")
        place = f" {V3} lies {residual:+.1f} standard deviations from the trend, which is " + (
            "a break." if residual < dossier.assumptions.number("claim_trend_break") else "no break."
        )
    reason = (
        f"The same capability takes {rate:.1f} times less training compute each year (95 % interval {low:.1f} to "
        f"{high:.1f}, {models.height} models with known compute), so similar results at lower cost are what the trend brings."
    )
    return Found("confirmed" if low > 1 else "cannot_check", reason + place, rate, low, high)


def _published_decline(dossier: Dossier) -> Found:
    """Estimates of others, while no index of capability is known."""
    published = dossier.rows("evidence").filter(pl.col("evidence_id").is_in(("CC027", "CC029")))
    if published.is_empty():
        raise dossier.missing("An estimate of how fast training gets cheaper")
    for row in published.sort("evidence_id").to_dicts():
        dossier.used(f"core.evidence {row['evidence_id']}", row["grade"])
    latest = published.sort("known_on", "evidence_id").row(-1, named=True)
    low, high = published["value"].min(), published["value"].max()
    span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    reason = (
        f"Published estimates put the decline of training cost at {span} times a year; "
        f"no index of capability was known by {dossier.as_of} to recompute it."
    )
    return Found("approximately_right" if low > 1 else "cannot_check", reason, latest["value"], low, high)


# ---- What came of it -----------------------------------------------------------------------------------------------


def nvidia_revenue_after(claim: Row, dossier: Dossier) -> Found:
    """SC17: Nvidia's quarterly revenue after the statement, against the last quarter that ended before it."""
    quarters = (
        dossier.frames["capex_quarterly"]
        .filter(pl.col("ticker") == NVIDIA, pl.col("revenue_usd").is_not_null())
        .sort("period_end")
    )
    before = quarters.filter(pl.col("period_end") < claim["statement_date"])
    after = quarters.filter(pl.col("period_end") >= claim["statement_date"])
    if before.is_empty() or after.is_empty():
        raise dossier.missing("Nvidia's revenue of a quarter after the statement")
    for row in (before.row(-1, named=True), after.row(0, named=True), after.row(-1, named=True)):
        dossier.used(f"marts.capex_quarterly {NVIDIA} {row['period_end']}", row.get("grade"))
    was, now = before.item(-1, "revenue_usd"), after.item(-1, "revenue_usd")
    reason = (
        f"Revenue went from {usd(was)} in the quarter to {before.item(-1, 'period_end')} to {usd(now)} in the one to "
        f"{after.item(-1, 'period_end')}, with {usd(float(after['revenue_usd'].min()))} the least between. It is total "
        "revenue, as the facts hold no data-centre figure; it fits the reading but does not show that inference was the "
        "reason, and no source names the experts."
    )
    return Found(
        "approximately_right" if now > was else "wrong",
        reason if now > was else f"{reason} Right is that Nvidia said so.",
        now,
        float(after["revenue_usd"].min()),
        float(after["revenue_usd"].max()),
    )


# Metric of the evidence -> what inference's share is a share of.
PART_OF = {"inference_share_of_compute": "AI computing", "inference_share_of_dc_revenue": "its data-centre revenue"}


def inference_share(claim: Row, dossier: Dossier) -> Found:
    """SC18: share of AI compute that goes to inference, by the estimate known last."""
    facts = dossier.rows("evidence").filter(pl.col("evidence_id").is_in(("CC087", "CC088"))).sort("known_on")
    if facts.is_empty():
        raise dossier.missing("An estimate of inference's share")
    for row in facts.to_dicts():
        dossier.used(f"core.evidence {row['evidence_id']}", row["grade"])
    last = facts.row(-1, named=True)
    value = last["value"]
    low, high = last["value_low"] or value, last["value_high"] or value
    enough = low >= dossier.assumptions.number("claim_large_share")
    span = f" (between {percent(low, 0)} and {percent(high, 0)} over the years that it looks at)" if low < high else ""
    reason = (
        f"{last['entity']} puts inference at {percent(value, 0)} of {PART_OF[last['metric']]}{span}, so it does need very many "
        "GPUs. The sentence has no number, and it comes from the company that sells them."
    )
    return Found("approximately_right" if enough else "cannot_check", reason, value, low, high)


def is_it_wasted(claim: Row, dossier: Dossier) -> Found:
    """SC20: the overall verdict for the group is the answer to the analysts' question."""
    row = dossier.need_mart("verdict", "A verdict", "scope", "question", scope="ALL", question="overall")
    findings = {"looks_wasteful": "confirmed", "not_shown_wasteful": "right_but_misleading"}
    parts = dossier.frames["verdict"].filter(pl.col("scope") == "ALL", pl.col("question") != "overall")
    each = ", ".join(f"{q} {v}" for q, v in parts.sort("question").select("question", "verdict").iter_rows())
    reason = (
        f"A question rather than a claim; this project's answer for the group is {row['verdict']}"
        + (f" ({each}). " if each else ". ")
        + "Right is to ask it; a cheap final run alone cannot show waste."
    )
    return Found(findings.get(row["verdict"], "cannot_check"), reason, text=row["verdict"])


# ---- Not for a figure to decide ------------------------------------------------------------------------------------


def hearsay_count(claim: Row, dossier: Dossier) -> Found:
    """SC28: the hearsay itself, shown as such; nothing better is known."""
    dossier.find("evidence", hearsay=True, evidence_id="CC005")
    mix = dossier.find("evidence", hearsay=True, evidence_id="CC004")
    reason = claim["curated_reason"] or "Hearsay: no filing, paper or record shows the count."
    if mix is not None:
        reason += (
            f" Other hearsay ({mix['known_on']}) has {mix['value']:,.0f} chips of the family, not of the H100 alone."
        )
    return Found("cannot_check", reason)


FORMULAS: dict[str, Formula] = {
    "SC01": nvidia_value_lost,
    "SC02": nvidia_return,
    "SC03": largest_loss,
    "SC04": caused_by_model,
    "SC10": r1_against_o1,
    "SC11": r1_cost,
    "SC12": cost_ratio,
    "SC13": technology_fell,
    "SC15": open_against_closed,
    "SC17": nvidia_revenue_after,
    "SC18": inference_share,
    "SC20": is_it_wasted,
    "SC21": cost_decline,
    "SC22": names_down,
    "SC23": build_time,
    "SC24": programme_cost,
    "SC25": hardware_named,
    "SC26": downgraded_chip,
    "SC27": most_advanced_chip,
    "SC28": hearsay_count,
    "SC30": hopper_value,
    "SC34": prior_research,
    "SC35": cluster_size,
    "SC37": turmoil_next_day,
    "SC43": rental_price,
}
