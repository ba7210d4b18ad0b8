"""Q4: what did informed prices say (method 6)?

"Compute is wasted" predicts that those who sell it fall and stay down, and that those who buy it plan to spend less. So
two things decide: the abnormal return of the suppliers' portfolio, on the event day and long after, and the buyers'
guidance after the event against the last before it. A company's own return and guidance are shown beside them. Prices
say what others believed and not what is true: this question corroborates and decides nothing on waste.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import NAMES, listed, money, per_cent
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import CODE, read, reason
from warehouse.marts.common.scopes import COMPANIES, GROUP, SCOPES
from warehouse.marts.verdict.question import (
    Case,
    Condition,
    Conditions,
    Evidence,
    Figure,
    Frames,
    Narrowing,
    Question,
    Remedy,
    Row,
    Verdict,
)

WINDOWS = ((0, 1), (0, 60))
SUPPLIERS, BUYERS = "portfolio:supplier", "portfolio:buyer"
BELOW, SIGNIFICANT = "suppliers_car_below_zero", "suppliers_car_significant"
LOWER, OWN_LOWER, OWN_RETURN = "buyers_guidance_lower", "own_guidance_lower", "own_car"
Window = tuple[int, int]

# ---- Conditions ------------------------------------------------------------------------------------------------------


def conditions(
    event_study: pl.DataFrame,
    event_study_tests: pl.DataFrame,
    capex_guidance_change: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> Conditions:
    """The suppliers' portfolio over two windows and the buyers' guidance, the same for every scope; and each one's own."""
    event: date = assumptions.value("main_event")
    same = (
        (pl.col("event_date") == event)
        & (pl.col("benchmark") == assumptions.value("benchmarks")[0])
        & (pl.col("model") == "market_model")
        & (pl.col("return_kind") == "simple")
    )
    shown = event_study.filter(same & pl.col("ticker").is_in([SUPPLIERS, BUYERS, *COMPANIES]))
    study = {(row["ticker"], row["window_start"], row["window_end"]): row for row in shown.to_dicts()}
    decisive = event_study_tests.filter(same & (pl.col("grouping") == "supplier") & (pl.col("test") == "portfolio"))
    tests = {(row["window_start"], row["window_end"]): row for row in decisive.to_dicts()}
    of_event = capex_guidance_change.filter(pl.col("event_date") == event)
    guidance = {row["ticker"]: row for row in of_event.to_dicts()}
    deciding = [
        each
        for window in WINDOWS
        for each in _suppliers(window, study.get((SUPPLIERS, *window), {}), tests.get(window, {}), assumptions)
    ]
    deciding.append(_guidance(LOWER, GROUP, guidance.get(GROUP, {}), assumptions))
    found: dict[str, list[Condition]] = {}
    for scope in SCOPES:
        whose = BUYERS if scope == GROUP else scope
        beside = [_own_return(whose, window, study.get((whose, *window), {})) for window in WINDOWS]
        if scope != GROUP:
            beside.append(_guidance(OWN_LOWER, scope, guidance.get(scope, {}), assumptions))
        found[scope] = [*deciding, *beside]
    return found


def _suppliers(window: Window, returns: Row, test: Row, assumptions: Assumptions) -> list[Condition]:
    missing = [reason("window_without_returns", window_start=window[0], window_end=window[1])]
    why = [each for each in returns.get("reasons") or () if read(each)[CODE] != "market_value_not_computed"] or missing
    lost, p_value = returns.get("abnormal_return"), test.get("p_value")
    same: dict[str, Any] = {
        "window": window,
        "ticker": SUPPLIERS,
        "comparison": "<",
        "evidence": Evidence.of(returns, test),
    }
    return [
        Condition(
            kind=BELOW,
            quantity="abnormal_return",
            value=lost,
            threshold=0.0,
            unit="share",
            reasons=None if lost is not None else why,
            **same,
        ),
        Condition(
            kind=SIGNIFICANT,
            quantity="p_value",
            value=p_value,
            threshold=assumptions.number("q4_significance"),
            unit="probability",
            reasons=None if p_value is not None else test.get("reasons") or why,
            **same,
        ),
    ]


def _guidance(kind: str, ticker: str, row: Row, assumptions: Assumptions) -> Condition:
    """Change of guidance, with those whose it is: a buyer without guidance at both dates is not in the sum."""
    change = row.get("change_usd")
    return Condition(
        kind=kind,
        quantity="guidance_change_usd",
        value=change,
        comparison="<",
        threshold=0.0,
        unit="USD",
        decides=kind == LOWER,
        ticker=ticker,
        entities=(row["companies"] or "").split(", ") if change is not None else (),
        details={"months": assumptions.integer("guidance_months")},
        evidence=Evidence.of(row),
        reasons=row["reasons"] if row else [reason("no_guidance")],
    )


def _own_return(whose: str, window: Window, row: Row) -> Condition:
    value = row.get("abnormal_return")
    return Condition(
        kind=OWN_RETURN,
        window=window,
        ticker=whose,
        quantity="abnormal_return",
        value=value,
        comparison="<",
        threshold=0.0,
        unit="share",
        decides=False,
        evidence=Evidence.of(row),
        reasons=row.get("reasons") if value is None else None,
    )


# ---- Words -----------------------------------------------------------------------------------------------------------


def _window(row: Row) -> str:
    return f"[{row['window_start']}, {row['window_end']}]"


def _quarters(months: int) -> str:
    """How long after an event guidance is compared with that before it: `two quarters`."""
    named = {3: "one quarter", 6: "two quarters", 9: "three quarters", 12: "four quarters"}
    return named.get(months, f"{months} month{'s' * (months != 1)}")


def _change_of(whose: str, row: Row) -> str:
    return f"the change of {whose} for the running year in the {_quarters(row['months'])} after the event"


def _buyers_change(row: Row) -> str:
    if not row["entities"]:
        return _change_of("the buyers' capex guidance", row)
    return _change_of(f"the capex guidance of {listed(row['entities'])}, the buyers with any at both dates,", row)


def _headline(case: Case) -> str:
    said = {
        "market_said_waste": "The market said waste: suppliers fell and stayed down, and buyers guided lower.",
        "market_did_not_say_waste": "The market did not say waste.",
    }
    return said.get(case.verdict, "What the market said cannot be told yet.")


def _statement(case: Case) -> str:
    """What the suppliers lost beyond the market, and where the buyers' guidance went; of a company its own."""
    if case.group:
        own = case.conditions.get(f"{OWN_RETURN}_0_1")
        if own is None or own["value"] is None:
            return "The answer is the group's; nothing of its own is known."
        did = "lost" if own["value"] < 0 else "gained"
        return f"The answer is the group's; its own shares {did} {per_cent(abs(own['value']))} beyond the market."
    windows = [_abnormal(last, case[f"{BELOW}_{first}_{last}"], case[f"{SIGNIFICANT}_{first}_{last}"])
               for first, last in WINDOWS]  # fmt: skip
    guidance = case[LOWER]
    said = ""
    if guidance["value"] is not None:
        whose = listed(NAMES.get(each, each) for each in guidance["entities"])
        said = f"Guidance of {whose} for the year {_moved(guidance['value'])}."
    return " ".join(filter(None, (*windows, said))) or "Neither prices nor guidance are known."


def _abnormal(last: int, returns: Row, test: Row) -> str:
    """A window of the suppliers' portfolio: what it lost beyond the market, and whether that is beyond chance."""
    if returns["value"] is None or test["value"] is None:
        return ""
    did = "lost" if returns["value"] < 0 else "gained"
    chance = "" if test["holds"] else ", which may be chance"
    when = "in two days" if last == WINDOWS[0][1] else f"in {last} trading days"
    return f"Suppliers {did} {per_cent(abs(returns['value']))} beyond the market {when}{chance}."


def _moved(change_usd: float) -> str:
    if change_usd == 0:
        return "did not change"
    return f"{'rose' if change_usd > 0 else 'fell'} by {money(abs(change_usd))}"


def _remedies(case: Case) -> list[Remedy]:
    waste = dict.fromkeys((*case.question.verdicts["market_said_waste"].when[0],), True)
    if case.verdict == "market_said_waste":
        return [Remedy("guidance that is kept, with prices that recover", {f"{SIGNIFICANT}_0_60": False, LOWER: False})]
    if case.verdict == "market_did_not_say_waste":
        return [Remedy("only corrected prices and guidance", waste)]
    return [Remedy("prices and guidance that point one way", waste)]


def _own(row: Row) -> str:
    whose = "the buyers' portfolio" if row["ticker"] == BUYERS else f"{row['ticker']}'s own share"
    return f"the cumulative abnormal return of {whose} over {_window(row)}"


def _between(case: Case) -> str:
    first, last = WINDOWS[-1]
    lasted = case[f"{SIGNIFICANT}_{first}_{last}"]["holds"]
    return reason("loss_lasted_without_guidance" if lasted else "guidance_without_lasting_loss")


# ---- What the timeline leaves out ------------------------------------------------------------------------------------


def _until_last_window(frames: Frames, assumptions: Assumptions) -> Frames:
    """Prices to the end of the main event's last window, and the shares that were known on its day."""
    main: date = assumptions.value("main_event")
    after = frames["sessions"].filter(pl.col("session") >= main).sort("session")["session"]
    last = after[min(max(end for _, end in WINDOWS), len(after) - 1)] if len(after) else main
    return {
        "stock_prices": frames["stock_prices"].filter(pl.col("date") <= last),
        "shares_outstanding": frames["shares_outstanding"].filter(pl.col("known_on") <= main),
    }


def _main_event(assumptions: Assumptions) -> Mapping[str, Any]:
    """One event, one benchmark and the two windows that decide."""
    main: date = assumptions.value("main_event")
    events = {day: what for day, what in assumptions.value("events").items() if day == main.isoformat()}
    return {
        "events": {"value": events or assumptions.value("events")},
        "benchmarks": assumptions.value("benchmarks")[:1],
        "windows": [list(window) for window in WINDOWS],
    }


_STUDY = Narrowing(facts=_until_last_window, assumed=_main_event)


def _assumed(key: str, path: str) -> str:
    """SQL: what the assumptions that made these marts hold."""
    return f"(select a.value->>'{path}' from marts.assumptions a where a.key = '{key}')"


_DAY = f"{_assumed('main_event', '$')}::date"
_EVENT = f"t.event_date = {_DAY}"
_SAME = (
    f"{_EVENT} and t.benchmark = {_assumed('benchmarks', '$[0]')} and t.model = 'market_model' "
    "and t.return_kind = 'simple' and t.window_start = m.window_start and t.window_end = m.window_end"
)

QUESTION = Question(
    name="Q4",
    asks="What did the market say?",
    verdicts={
        "market_said_waste": Verdict(
            "the suppliers' portfolio lost significantly over both windows, and the buyers guided lower",
            ((f"{BELOW}_0_1", f"{SIGNIFICANT}_0_1", f"{BELOW}_0_60", f"{SIGNIFICANT}_0_60", LOWER),),
        ),
        "market_did_not_say_waste": Verdict(
            "the suppliers' portfolio did not lose significantly, or the loss did not last and guidance was not lower",
            (
                (f"not {BELOW}_0_1",),
                (f"not {SIGNIFICANT}_0_1",),
                (f"not {BELOW}_0_60", f"not {LOWER}"),
                (f"not {SIGNIFICANT}_0_60", f"not {LOWER}"),
            ),
        ),
    },
    assumes=("other_news",),
    conditions=conditions,
    figures={
        BELOW: Figure(lambda row: f"the cumulative abnormal return of the suppliers' portfolio over {_window(row)}"),
        SIGNIFICANT: Figure(lambda row: f"the p-value of the suppliers' portfolio test over {_window(row)}"),
        LOWER: Figure(_buyers_change, subject=lambda row: listed(row["entities"]) if row["entities"] else "the buyers"),
        OWN_LOWER: Figure(
            lambda row: _change_of("its own capex guidance", row),
            subject=lambda row: listed(row["entities"]) if row["entities"] else "the company",
        ),
        OWN_RETURN: Figure(_own),
    },
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    silent="Prices say what others believed and not what is true, so they only corroborate.",
    between=_between,
    words={
        "window_without_returns": "the window [{window_start}, {window_end}] is not over, or prices are missing",
        "no_guidance": "no guidance is known",
        "loss_lasted_without_guidance": "the suppliers' loss lasted, but the buyers did not guide lower",
        "guidance_without_lasting_loss": "the suppliers' loss did not last, but the buyers guided lower",
    },
    traces=(
        Trace(
            "marts.event_study",
            f"m.quantity in ('abnormal_return', 'p_value') and t.ticker = m.ticker and {_SAME}",
        ),
        Trace(
            "marts.event_study_tests",
            f"m.quantity = 'p_value' and t.test = 'portfolio' and t.\"grouping\" = 'supplier' and {_SAME}",
        ),
        Trace(
            "marts.capex_guidance_change",
            f"m.quantity = 'guidance_change_usd' and t.ticker = m.ticker and {_EVENT}",
        ),
    ),
    facts=(
        Trace("core.capex_guidance", "true"),
        # The suppliers' bars of the main event's estimation window and of its windows, as far as they were over.
        Trace(
            "core.stock_prices",
            f"t.date between {_DAY} - interval 13 months and {_DAY} + interval 3 months "
            f"and (t.ticker = {_assumed('benchmarks', '$[0]')} "
            "or t.ticker in (select c.ticker from core.companies c where c.role = 'supplier'))",
        ),
    ),
    narrowed={
        "event_study": _STUDY,
        "event_study_tests": _STUDY,
        "capex_guidance_change": Narrowing(assumed=_main_event),
    },
)
