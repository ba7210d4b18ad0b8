"""Q4: what did informed prices say (method 6)?

"Compute is wasted" predicts that those who sell it fall and stay down, and that those who buy it plan to spend less. So
three things decide: the abnormal return of the suppliers' portfolio in the first two days, whether it lasted over the
eleven trading days from the event ([0, 10]) or came back in the last nine of them ([2, 10]), and the buyers' first
guidance after the event.

A test can only say that a loss did not last where it could have seen one that did. So the smallest CAR that a window's
test finds in four of five cases stands beside it, and a window where that exceeds the first day's loss is not read
(`loss_would_be_seen`). The first day's loss is what the suppliers' portfolio lost beyond the market on the event day
itself: its abnormal return over [0, 0]. It is not the fall of its prices, nor a loss in dollars, nor one firm's. Only so
are the two of one kind: both are abnormal returns of one portfolio, and a share of the same value.

On the snapshot the portfolio lost 10.9 % beyond the market that day. The test over [0, 10] finds 14.9 % or more in four
of five cases and the one over [2, 10] 13.4 %. So neither could have seen the loss last or come back, and the question is
open, although the suppliers gained 10.8 % over [2, 10]. The figures stay in view. [0, 60] is shown and decides nothing: it
holds the tariffs of April 2025, and its test sees even less.

A company's own return and guidance are shown beside them. Prices say what others believed and not what is true: this
question corroborates and decides nothing on waste.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from math import floor
from typing import Any

import polars as pl
from scipy.special import stdtr, stdtrit

from warehouse.asked import ASKED, SILENT
from warehouse.assumptions import Assumptions
from warehouse.marts.capex.capex_guidance_change import LAST_YEAR
from warehouse.marts.common.in_words import NAMES, capital, listed, money, per_cent, percent
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import CODE, read, reason
from warehouse.marts.common.scopes import COMPANIES, GROUP, SCOPES
from warehouse.marts.market.panel import tickers_looked_at
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

Window = tuple[int, int]
DAY_0, FIRST, LASTED, RECOVERED, SHOWN = (0, 0), (0, 1), (0, 10), (2, 10), (0, 60)
PERSISTENCE = (LASTED, RECOVERED)
SUPPLIERS, BUYERS = "portfolio:supplier", "portfolio:buyer"
BELOW, ABOVE = "suppliers_car_below_zero", "suppliers_car_above_zero"
SIGNIFICANT, SEEN, LATER = "suppliers_car_significant", "loss_would_be_seen", "suppliers_car_later"
LOWER, OWN_LOWER, OWN_RETURN = "buyers_guidance_lower", "own_guidance_lower", "own_car"
# Reasons of a portfolio's row that say nothing of its return.
REMARKS = ("market_value_not_computed", "window_holds_other_news", "some_firms_have_every_return")

# ---- Conditions ------------------------------------------------------------------------------------------------------


def conditions(
    event_study: pl.DataFrame,
    event_study_tests: pl.DataFrame,
    capex_guidance_change: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> Conditions:
    """The suppliers' portfolio by window and the buyers' guidance, the same for every scope; and each one's own."""
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

    def of(whose: str, window: Window) -> Row:
        return study.get((whose, *window), {})

    day_0, level = of(SUPPLIERS, DAY_0), assumptions.number("q4_significance")
    deciding = [
        each
        for window in (FIRST, *PERSISTENCE)
        for each in _suppliers(window, of(SUPPLIERS, window), tests.get(window, {}), level)
    ]
    deciding += [_seen(window, of(SUPPLIERS, window), day_0, level) for window in PERSISTENCE]
    deciding.append(_guidance(LOWER, GROUP, guidance.get(GROUP, {})))
    later = _return(LATER, SHOWN, SUPPLIERS, of(SUPPLIERS, SHOWN))
    found: dict[str, list[Condition]] = {}
    for scope in SCOPES:
        whose = BUYERS if scope == GROUP else scope
        beside = [_return(OWN_RETURN, window, whose, of(whose, window)) for window in (FIRST, LASTED)]
        if scope != GROUP:
            beside.append(_guidance(OWN_LOWER, scope, guidance.get(scope, {})))
        found[scope] = [*deciding, later, *beside]
    return found


def _suppliers(window: Window, returns: Row, test: Row, level: float) -> list[Condition]:
    """Which way the suppliers' portfolio went in a window, and whether beyond chance."""
    why = _missing(window, returns)
    value, p_value = returns.get("abnormal_return"), test.get("p_value")
    same: dict[str, Any] = {"window": window, "ticker": SUPPLIERS, "evidence": Evidence.of(returns, test)}
    return [
        Condition(
            kind=ABOVE if window == RECOVERED else BELOW,
            quantity="abnormal_return",
            value=value,
            comparison=">" if window == RECOVERED else "<",
            threshold=0.0,
            unit="share",
            reasons=None if value is not None else why,
            **same,
        ),
        Condition(
            kind=SIGNIFICANT,
            quantity="p_value",
            value=p_value,
            comparison="<",
            threshold=level,
            unit="probability",
            reasons=None if p_value is not None else test.get("reasons") or why,
            **same,
        ),
    ]


def _seen(window: Window, returns: Row, day_0: Row, level: float) -> Condition:
    """Whether the window's test would see a loss as large as the first day's, if it lasted (or came back) in full.

    Both are abnormal returns: the smallest detectable CAR of the window, and the loss of [0, 0]. `power_to_read` is the
    share of cases in which the window's test finds such a loss; a reader content with that may read it.
    """
    smallest, error, first = (row.get(name) for row, name in (
        (returns, "smallest_detectable_car"), (returns, "standard_error"), (day_0, "abnormal_return")))  # fmt: skip
    loss = None if first is None else max(-first, 0.0)
    power = None
    if loss and error:
        degrees = returns["degrees_of_freedom"]
        power = float(stdtr(degrees, loss / error - stdtrit(degrees, 1 - level / 2)))
    return Condition(
        kind=SEEN,
        window=window,
        ticker=SUPPLIERS,
        quantity="smallest_detectable_car",
        value=smallest,
        comparison="<=",
        threshold=loss,
        unit="share",
        details={} if power is None else {"power_to_read": power},
        evidence=Evidence.of(returns, day_0),
        reasons=_missing(window, returns) if smallest is None else None if loss is not None else _missing(DAY_0, day_0),
    )


def _missing(window: Window, returns: Row) -> Sequence[str]:
    """Why a window's return is unknown."""
    given = [each for each in returns.get("reasons") or () if read(each)[CODE] not in REMARKS]
    return given or [reason("window_without_returns", window_start=window[0], window_end=window[1])]


def _guidance(kind: str, ticker: str, row: Row) -> Condition:
    """Change of guidance, with those whose it is: a buyer without a figure to compare is not in the sum."""
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
        entities=row["companies"] or () if change is not None else (),
        details={"held_against": row.get("held_against")},
        evidence=Evidence.of(row),
        reasons=row["reasons"] if row else [reason("no_guidance")],
    )


def _return(kind: str, window: Window, whose: str, row: Row) -> Condition:
    """A return that is shown and decides nothing, with what to know of it."""
    value = row.get("abnormal_return")
    remarks = [each for each in row.get("reasons") or () if read(each)[CODE] == "window_holds_other_news"]
    return Condition(
        kind=kind,
        window=window,
        ticker=whose,
        quantity="abnormal_return",
        value=value,
        comparison="<",
        threshold=0.0,
        unit="share",
        decides=False,
        evidence=Evidence.of(row),
        reasons=_missing(window, row) if value is None else remarks or None,
    )


# ---- Words -----------------------------------------------------------------------------------------------------------


def _named(kind: str, window: Window) -> str:
    return f"{kind}_{window[0]}_{window[1]}"


def _window(row: Row) -> str:
    return f"[{row['window_start']}, {row['window_end']}]"


def _change_of(whose: str) -> str:
    return f"the change of {whose} for the running year, first after the event against the last before it or last year,"


def _buyers_change(row: Row) -> str:
    whose = f"the capex guidance of {listed(row['entities'])}" if row["entities"] else "the buyers' capex guidance"
    return _change_of(whose)


def _holds(case: Case, kind: str, window: Window) -> bool | None:
    found: bool | None = case[_named(kind, window)]["holds"]
    return found


def _fell(case: Case) -> bool | None:
    """Whether suppliers lost beyond chance in the first two days; None where unknown."""
    parts = (_holds(case, BELOW, FIRST), _holds(case, SIGNIFICANT, FIRST))
    return False if False in parts else None if None in parts else True


def _headline(case: Case) -> str:
    return f"As for the four, {_answer(case)}." if case.group else f"{capital(_answer(case))}."


def _answer(case: Case) -> str:
    """The answer as one clause."""
    if case.verdict == "market_said_waste":
        return "the market said waste, as suppliers stayed down and buyers guided lower"
    if case.verdict == "market_did_not_say_waste":
        why = (
            "suppliers recovered and buyers guided no lower" if _fell(case) else "suppliers lost nothing beyond chance"
        )
        return f"the market did not say waste, as {why}"
    if not _fell(case):
        return "what the market said cannot be told yet"
    if None in [_holds(case, kind, window) for kind, window in ((SEEN, LASTED), (SEEN, RECOVERED))]:
        return "suppliers fell at once, and whether the loss lasted is not known yet"
    if not (_holds(case, SEEN, LASTED) and _holds(case, SEEN, RECOVERED)):
        return "suppliers fell at once, and no test could see whether the loss lasted"
    return "suppliers fell at once, but later prices and guidance do not decide"


def _statement(case: Case) -> str:
    """What the suppliers lost beyond the market and whether it lasted, and the buyers' guidance; of a company its own."""
    if case.group:
        return " ".join(("The answer is the group's.", *filter(None, (_own_return(case), _own_guidance(case)))))
    parts = (_first_days(case), _afterwards(case), _guided(case))
    return " ".join(filter(None, parts)) or "Neither prices nor guidance are known."


def _moved(value: float) -> str:
    return f"{'lost' if value < 0 else 'gained'} {per_cent(abs(value))}"


def _chance(row: Row) -> str:
    return "" if row["holds"] else ", which may be chance"


def _first_days(case: Case) -> str:
    value, test = case.value(_named(BELOW, FIRST)), case[_named(SIGNIFICANT, FIRST)]
    if value is None or test["value"] is None:
        return ""
    return f"Suppliers' shares {_moved(value)} beyond the market in two days{_chance(test)}."


def _afterwards(case: Case) -> str:
    """The window that says more: the eleven days where the loss lasted, else the nine in which it may have come back."""
    lasted = _holds(case, BELOW, LASTED) and _holds(case, SIGNIFICANT, LASTED)
    window, kind, when = (
        (LASTED, BELOW, "In eleven trading days") if lasted else (RECOVERED, ABOVE, "On days three to eleven")
    )
    value, test, seen = case.value(_named(kind, window)), case[_named(SIGNIFICANT, window)], case[_named(SEEN, window)]
    if value is None or test["value"] is None:
        return ""
    said = f"{when} they {_moved(value)}{_chance(test)}"
    if seen["value"] is None or seen["holds"] is None:
        return f"{said}."
    joined = "; a" if not test["holds"] else ", and a" if seen["holds"] else ", but a"
    only = "" if seen["holds"] else "only "
    return f"{said}{joined} test there reliably finds {only}{per_cent(seen['value'], seen['threshold'])} or more."


def _guided(case: Case) -> str:
    row = case[LOWER]
    if row["value"] is None:
        return ""
    whose = listed(NAMES.get(each, each) for each in row["entities"])
    return f"First guidance after it, of {whose}, {_against(row['value'])} earlier guidance or last year's spend."


def _against(change_usd: float) -> str:
    if change_usd == 0:
        return "was equal to"
    return f"was {money(abs(change_usd))} {'above' if change_usd > 0 else 'below'}"


def _own_return(case: Case) -> str:
    value = case.value(_named(OWN_RETURN, FIRST))
    return "" if value is None else f"Its own shares {_moved(value)} beyond the market in two days."


def _own_guidance(case: Case) -> str:
    row = case.conditions.get(OWN_LOWER)
    if row is None or row["value"] is None:
        return ""
    base = "what it had spent the year before" if row.get("held_against") == LAST_YEAR else "its last before it"
    return f"Its first guidance after the event {_against(row['value'])} {base}."


def _remedies(case: Case) -> list[Remedy]:
    """What would change the answer. The event is past, so prices and guidance can only be corrected, or read with less
    certainty; where a window is not over, they can still come."""
    no_waste = {
        name.removeprefix("not "): not name.startswith("not ")
        for name in case.question.verdicts["market_did_not_say_waste"].when[-1]
    }
    found = _with_less_power(case)
    if _is_over(case):
        found += [Remedy(BUYERS_GUIDED.format(how), {LOWER: lower}, tries={"guidance_lower": lower})
                  for how, lower in (("lower", True), ("no lower", False))
                  if case[LOWER]["holds"] is not lower]  # fmt: skip
    else:
        found.append(Remedy("buyers' guidance and the suppliers' prices of eleven trading days", no_waste))
    fell = {_named(BELOW, FIRST): True, _named(SIGNIFICANT, FIRST): True}
    return [*found, Remedy("corrected prices by which suppliers fell beyond chance in two days", fell)]


BUYERS_GUIDED = "a finding that buyers first guided {} after the event"


def _is_over(case: Case) -> bool:
    """Whether the last window that decides has all its prices."""
    return all(case.value(_named(kind, window)) is not None for window, kind in ((LASTED, BELOW), (RECOVERED, ABOVE)))


def _with_less_power(case: Case) -> list[Remedy]:
    """Where a window is not read though all else is met: a test that misses such a loss more often than was asked for.

    Nobody can make the test of a past window sharper. Whoever is content with the share of cases in which it does find a
    loss as large as the first day's may read the window (`q4_power`); one below the entry's range is no test at all.
    """
    entry = case.assumptions["q4_power"]
    wanted = ((LASTED, BELOW, True, "a lasting loss"), (RECOVERED, ABOVE, False, "a full recovery"))
    found = []
    for window, kind, lower, sought in wanted:
        met = _holds(case, kind, window) and _holds(case, SIGNIFICANT, window) and case[LOWER]["holds"] is lower
        seen = case[_named(SEEN, window)]
        power = floor(100 * seen.get("power_to_read", 0.0)) / 100
        if met and seen["holds"] is False and power >= entry["minimum"]:
            found.append(
                Remedy(
                    f"accepting a test that finds {sought} in {per_cent(power)} of cases, not {per_cent(entry['value'])},",
                    {_named(SEEN, window): True},
                    tries={"assumptions": {"q4_power": power}},
                )
            )
    return found


def _own(row: Row) -> str:
    whose = "the buyers' portfolio" if row["ticker"] == BUYERS else f"{row['ticker']}'s own share"
    return f"the cumulative abnormal return of {whose} over {_window(row)}"


def _could_not_be_seen(fields: Mapping[str, Any]) -> str:
    smallest, loss = fields["smallest_detectable_car"], fields["first_day_loss"]
    return (
        f"the test over [{fields['window_start']}, {fields['window_end']}] finds {percent(smallest, loss)} or more reliably, "
        f"and the first day's loss was {percent(loss)}: the window is not read"
    )


def _between(case: Case) -> str:
    """Why known figures decide nothing: a window that could not be read, or prices and guidance that differ."""
    unread = [case[_named(SEEN, window)] for window in PERSISTENCE if _holds(case, SEEN, window) is False]
    lower = case[LOWER]["holds"]
    of_lower = case[_named(SEEN, LASTED if lower else RECOVERED)]
    if unread and of_lower["holds"] is False:
        return reason(
            "loss_could_not_be_seen",
            window_start=of_lower["window_start"],
            window_end=of_lower["window_end"],
            smallest_detectable_car=of_lower["value"],
            first_day_loss=of_lower["threshold"],
        )
    lasted = _holds(case, BELOW, LASTED) and _holds(case, SIGNIFICANT, LASTED)
    if lasted and not lower:
        return reason("loss_lasted_without_guidance")
    return reason("guidance_without_lasting_loss" if lower else "loss_did_not_come_back_beyond_chance")


# ---- What the timeline leaves out ------------------------------------------------------------------------------------


def _until_last_window(frames: Frames, assumptions: Assumptions) -> Frames:
    """Prices and sessions to the end of the main event's last window, and the shares that were known on its day.

    Prices of the panel and of the benchmarks alone: a market of ten thousand shares changes no answer, and a replay holds
    and compares what it is given once for each date.
    """
    main: date = assumptions.value("main_event")
    after = frames["sessions"].filter(pl.col("session") >= main).sort("session")["session"]
    last = after[min(max(end for _, end in PERSISTENCE), len(after) - 1)] if len(after) else main
    looked_at = tickers_looked_at(frames["companies"], assumptions)
    return {
        "sessions": frames["sessions"].filter(pl.col("session") <= last),
        "stock_prices": frames["stock_prices"].filter(pl.col("date") <= last, pl.col("ticker").is_in(looked_at)),
        "shares_outstanding": frames["shares_outstanding"].filter(pl.col("known_on") <= main),
    }


def _main_event(assumptions: Assumptions) -> Mapping[str, Any]:
    """One event, one benchmark and the windows that decide."""
    main: date = assumptions.value("main_event")
    events = {day: what for day, what in assumptions.value("events").items() if day == main.isoformat()}
    return {
        "events": {"value": events or assumptions.value("events")},
        "benchmarks": assumptions.value("benchmarks")[:1],
        "windows": [list(window) for window in (DAY_0, FIRST, *PERSISTENCE)],
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
    asks=ASKED["Q4"],
    verdicts={
        "market_said_waste": Verdict(
            "the suppliers' portfolio lost significantly over two days and over eleven, and the buyers guided lower",
            (
                (
                    f"{BELOW}_0_1",
                    f"{SIGNIFICANT}_0_1",
                    f"{BELOW}_0_10",
                    f"{SIGNIFICANT}_0_10",
                    f"{SEEN}_0_10",
                    LOWER,
                ),
            ),
        ),
        "market_did_not_say_waste": Verdict(
            "the suppliers' portfolio did not lose significantly over two days, or gained significantly over [2, 10] and "
            "guidance was not lower",
            (
                (f"not {BELOW}_0_1",),
                (f"not {SIGNIFICANT}_0_1",),
                (f"{ABOVE}_2_10", f"{SIGNIFICANT}_2_10", f"{SEEN}_2_10", f"not {LOWER}"),
            ),
        ),
    },
    assumes=("other_news",),
    conditions=conditions,
    figures={
        BELOW: Figure(lambda row: f"the cumulative abnormal return of the suppliers' portfolio over {_window(row)}"),
        ABOVE: Figure(lambda row: f"the cumulative abnormal return of the suppliers' portfolio over {_window(row)}"),
        SIGNIFICANT: Figure(lambda row: f"the p-value of the suppliers' portfolio test over {_window(row)}"),
        SEEN: Figure(
            lambda row: (
                f"the smallest abnormal return that the test over {_window(row)} finds reliably, against the first day's loss,"
            )
        ),
        LATER: Figure(lambda row: f"the cumulative abnormal return of the suppliers' portfolio over {_window(row)}"),
        LOWER: Figure(_buyers_change, subject=lambda row: listed(row["entities"]) if row["entities"] else "the buyers"),
        OWN_LOWER: Figure(
            lambda row: _change_of("its own capex guidance"),
            subject=lambda row: listed(row["entities"]) if row["entities"] else "the company",
        ),
        OWN_RETURN: Figure(_own),
    },
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    silent=SILENT["Q4"],
    between=_between,
    words={
        "window_without_returns": "the window [{window_start}, {window_end}] is not over, or prices are missing",
        "no_guidance": "no guidance is known",
        "loss_lasted_without_guidance": "the suppliers' loss lasted, but the buyers did not guide lower",
        "loss_did_not_come_back_beyond_chance": (
            "the suppliers' loss neither lasted nor came back beyond chance, and the buyers did not guide lower"
        ),
        "loss_could_not_be_seen": _could_not_be_seen,
        "guidance_without_lasting_loss": "the suppliers' loss did not last, but the buyers guided lower",
    },
    traces=(
        Trace(
            "marts.event_study",
            "m.quantity in ('abnormal_return', 'p_value', 'smallest_detectable_car') "
            f"and t.ticker = m.ticker and {_SAME}",
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
