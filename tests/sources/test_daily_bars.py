"""Whenever and however often a history is fetched, it is one series on one basis, as of every date."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import with_provenance
from tests.examples import examples
from tests.sources.prices import CLOSES, SESSIONS, Share, Shop, after_close, emptied, opened_at, shop, walk
from warehouse.database import views
from warehouse.errors import DocumentError, StoppedError
from warehouse.marts.common.select_current import select_current
from warehouse.settings import Settings
from warehouse.sources import tiingo, yahoo
from warehouse.sources.common import daily_bars
from warehouse.sources.common.source import Source
from warehouse.tables import CORE

YAHOO, TIINGO = yahoo.SOURCES[0], tiingo.SOURCES[0]
PRICES = CORE["stock_prices"]
DAYS = SESSIONS[SESSIONS.index(date(2025, 1, 2)) :][:30]


def share(**what: dict[date, float]) -> Share:
    """A share whose traded price halves where it splits in two, and falls by what it pays."""
    splits, dividends = what.get("splits", {}), what.get("dividends", {})
    level, fallen, closes, paid = 1.0, 0.0, {}, {}
    for day, close in walk(DAYS).items():
        level /= splits.get(day, 1.0)
        if day in dividends:
            paid[day] = dividends[day] * level
            fallen += dividends[day]
        closes[day] = (close - fallen) * level
    return Share(closes, splits, paid)


def returns_as_of(bars: pl.DataFrame, as_of: date) -> dict[date, float]:
    current = select_current(bars.filter(pl.col("known_on") <= as_of), PRICES).sort("date")
    change = current.with_columns(change=pl.col("adj_close") / pl.col("adj_close").shift(1))
    return dict(change.select("date", "change").drop_nulls().iter_rows())


def true_returns(what: Share) -> dict[date, float]:
    end = DAYS[-1]
    adjusted = {day: what.adj_close(day, end) for day in what.closes}
    days = sorted(adjusted)
    return {day: adjusted[day] / adjusted[before] for before, day in pairwise(days)}


def assert_one_basis(bars: pl.DataFrame, what: Share) -> None:
    """Every return of every as-of date is the true one: no two bases meet anywhere, at no time."""
    truth = true_returns(what)
    for as_of in sorted({*bars["known_on"].to_list()}):
        found = returns_as_of(bars, as_of)
        assert found.keys() <= truth.keys()
        for day, change in found.items():
            assert change == pytest.approx(truth[day], rel=1e-5), (as_of, day)


@pytest.fixture
def plain(tmp_path: Path):
    with shop(tmp_path, {"NVDA": share()}) as made:
        yield made


# -- what is asked for ------------------------------------------------------------------------------------------------


def test_the_first_time_the_whole_history_then_only_what_is_missing(plain: Shop) -> None:
    assert plain.run(YAHOO, after_close(DAYS[9])) == 10
    first = plain.vendor.asked[-1]
    assert f"period1={daily_bars.midnight(daily_bars.HISTORY_START)}&" in first
    assert plain.run(YAHOO, after_close(DAYS[12])) == 3
    assert f"period1={daily_bars.midnight(DAYS[9])}&" in plain.vendor.asked[-1]
    assert len(plain.vendor.asked) == 2
    bars = plain.core()
    assert bars["date"].to_list() == bars["known_on"].to_list() == DAYS[:13]


def test_nothing_is_asked_where_nothing_is_missing(plain: Shop) -> None:
    plain.run(YAHOO, after_close(DAYS[9]))
    asked = len(plain.vendor.asked)
    assert plain.run(YAHOO, after_close(DAYS[9]) + timedelta(hours=3)) == 0
    assert plain.run(YAHOO, opened_at(DAYS[10]) + timedelta(hours=1)) == 0
    assert len(plain.vendor.asked) == asked


def test_the_same_day_is_the_same_address_so_that_it_can_come_out_of_the_archive(plain: Shop) -> None:
    friday = date(2025, 1, 10)
    addresses = set()
    for at in (after_close(friday), datetime(2025, 1, 11, 12, tzinfo=UTC), datetime(2025, 1, 13, 13, tzinfo=UTC)):
        plain.now, plain.source = at, YAHOO.name
        list(YAHOO.fetch(plain))
        addresses.add(plain.vendor.asked[-1])
    assert len(addresses) == 1


def test_user_added_tickers_are_asked_for_too(plain: Shop) -> None:
    plain.settings = Settings(tickers=("amd",))
    plain.vendor.shares["AMD"] = share()
    plain.values = lambda table, column: ["NVDA"] if table == "companies" else []  # type: ignore[method-assign]
    plain.run(YAHOO, after_close(DAYS[3]))
    assert set(plain.core()["ticker"]) == {"AMD", "NVDA"}


def test_without_a_panel_the_source_says_so(plain: Shop) -> None:
    plain.vendor.shares.clear()
    with pytest.raises(StoppedError, match=r"no ticker is known.*OVERBUILD_TICKERS"):
        plain.run(YAHOO, after_close(DAYS[3]))


def test_a_symbol_that_fails_leaves_the_others_unharmed(plain: Shop) -> None:
    plain.vendor.shares |= {"AAA": share(), "ZZZ": share()}
    plain.vendor.broken["AAA"] = None
    plain.run(YAHOO, after_close(DAYS[3]))
    assert set(plain.core()["ticker"]) == {"NVDA", "ZZZ"}


# -- no bar before its session has closed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "closes"),
    [
        (date(2025, 1, 27), "21:00"),
        (date(2025, 7, 3), "17:00"),
        (date(2025, 11, 28), "18:00"),
        (date(2025, 7, 7), "20:00"),
    ],
)
def test_a_bar_counts_once_its_session_has_closed_on_half_days_too(tmp_path: Path, day: date, closes: str) -> None:
    days = SESSIONS[SESSIONS.index(day) - 3 : SESSIONS.index(day) + 1]
    close = datetime.fromisoformat(f"{day}T{closes}:00+00:00")
    assert CLOSES[day] == close
    with shop(tmp_path, {"NVDA": Share(walk(days))}) as made:
        made.run(YAHOO, close - timedelta(seconds=1))
        assert made.core()["date"].max() == days[-2]
        made.run(YAHOO, close)
        assert made.core()["date"].max() == day


# -- splits and dividends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [YAHOO, TIINGO], ids=lambda source: source.name)
@pytest.mark.parametrize(
    "what", [{"splits": {DAYS[10]: 10.0}}, {"dividends": {DAYS[10]: 0.5}}], ids=["split", "dividend"]
)
def test_a_new_action_rewrites_the_history_known_from_its_day(tmp_path: Path, source: Source, what: dict) -> None:
    happened = share(**what)
    with shop(tmp_path, {"NVDA": happened}) as made:
        made.run(source, after_close(DAYS[9]))
        made.run(source, after_close(DAYS[10]))
        bars = made.core()
        assert bars.height == 10 + 11
        rewritten = bars.filter(pl.col("known_on") == DAYS[10])
        assert rewritten["date"].to_list() == DAYS[:11]
        assert_one_basis(bars, happened)
        asked = len(made.vendor.asked)
        assert made.run(source, after_close(DAYS[11])) == 1
        assert len(made.vendor.asked) == asked + 1
        kinds = made.core("corporate_actions").select("date", "kind", "value", "known_on").rows()
        [(kind, values)] = what.items()
        assert kinds == [(DAYS[10], kind[:-1], values[DAYS[10]], DAYS[10])]


def test_an_action_on_the_morning_of_its_day_already_counts(tmp_path: Path) -> None:
    happened = share(splits={DAYS[10]: 4.0})
    with shop(tmp_path, {"NVDA": happened}) as made:
        made.run(YAHOO, after_close(DAYS[8]))
        made.run(YAHOO, opened_at(DAYS[10]) + timedelta(hours=1))  # the bar of the day before is on the new basis
        assert_one_basis(made.core(), happened)
        made.run(YAHOO, after_close(DAYS[10]))
        assert_one_basis(made.core(), happened)


def test_a_part_on_a_new_basis_is_not_loaded_without_the_rest(tmp_path: Path) -> None:
    happened = share(splits={DAYS[10]: 4.0})
    with shop(tmp_path, {"NVDA": happened}) as made:
        made.run(YAHOO, after_close(DAYS[9]))
        answer, asked = made.vendor.answer, made.vendor.asked
        made.vendor.answer = lambda url, now: answer(url, now) if "#" not in url and len(asked) < 2 else None  # type: ignore
        made.run(YAHOO, after_close(DAYS[10]))
        assert made.core()["date"].max() == DAYS[9]
        made.vendor.answer = answer  # type: ignore[method-assign]
        made.run(YAHOO, after_close(DAYS[11]))
        assert made.core()["date"].max() == DAYS[11]
        assert_one_basis(made.core(), happened)


def test_a_history_that_changes_without_a_word_is_fetched_again(tmp_path: Path) -> None:
    with shop(tmp_path, {"NVDA": share()}) as made:
        made.run(YAHOO, after_close(DAYS[9]))
        divided = made.vendor.shares["NVDA"]
        made.vendor.shares["NVDA"] = Share({day: close / 3 for day, close in divided.closes.items()})
        made.run(YAHOO, after_close(DAYS[12]))
        bars = made.core()
        assert set(bars.filter(pl.col("date") <= DAYS[9], pl.col("known_on") > DAYS[9])["known_on"]) == {DAYS[12]}
        assert_one_basis(bars, made.vendor.shares["NVDA"])


def test_a_corrected_close_is_a_row_of_its_own_known_from_the_day_it_was_seen(tmp_path: Path) -> None:
    with shop(tmp_path, {"NVDA": share()}) as made:
        made.run(YAHOO, after_close(DAYS[9]))
        before = made.vendor.shares["NVDA"].closes[DAYS[9]]
        made.vendor.shares["NVDA"].closes[DAYS[9]] = before * 1.01
        assert made.run(YAHOO, after_close(DAYS[10])) == 2
        rows = made.core().filter(pl.col("date") == DAYS[9]).sort("known_on").select("known_on", "close").rows()
        assert rows == [(DAYS[9], before), (DAYS[10], pytest.approx(before * 1.01))]


def test_a_backfill_is_safe_to_run_twice_and_reaches_further_back(plain: Shop) -> None:
    plain.run(YAHOO, after_close(DAYS[9]))
    at = after_close(DAYS[9]) + timedelta(hours=1)
    assert plain.run(YAHOO, at, span=(DAYS[0], DAYS[5])) == 0
    older = SESSIONS[SESSIONS.index(date(2023, 3, 1)) :][:5]
    plain.vendor.shares["NVDA"].closes |= walk(older)
    assert plain.run(YAHOO, at, span=(older[0], older[-1])) == 5
    assert plain.run(YAHOO, at, span=(older[0], older[-1])) == 0
    # Seen later than its day, and never between bars of another basis: it counts from the day it was fetched.
    assert set(plain.core().filter(pl.col("date") < DAYS[0])["known_on"]) == {DAYS[9]}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(tmp_path_factory.mktemp("warehouse"), {}) as made:
        yield made


days_of_30 = st.integers(0, 29)


@given(
    splits=st.dictionaries(st.integers(1, 29), st.sampled_from([2.0, 3.0, 10.0, 0.1, 1.5]), max_size=2),
    dividends=st.dictionaries(st.integers(1, 29), st.sampled_from([0.01, 0.25, 2.0]), max_size=3),
    runs=st.lists(st.tuples(days_of_30, st.sampled_from(["evening", "morning", "backfill"])), max_size=6),
    source=st.sampled_from([YAHOO, TIINGO]),
    seed=st.integers(0, 1000),
)
# A cent a share, seen before the close of its ex-day: the bars before it move by a ten-thousandth only after the close.
@example(splits={}, dividends={20: 0.01}, runs=[(0, "evening"), (20, "morning")], source=TIINGO, seed=0)
@settings(max_examples=examples(0.06), suppress_health_check=[HealthCheck.too_slow])  # a second each
def test_any_fetches_in_any_order_give_the_same_series(warehouse, splits, dividends, runs, source, seed) -> None:
    happened = share(
        splits={DAYS[at]: ratio for at, ratio in splits.items()},
        dividends={DAYS[at]: paid for at, paid in dividends.items() if at not in splits},
    )
    made = emptied(warehouse.store, {"NVDA": happened})
    for at, when in sorted(runs):
        now = after_close(DAYS[at]) if when != "morning" else opened_at(DAYS[at]) + timedelta(minutes=30)
        made.run(source, now, span=(DAYS[0], DAYS[at]) if when == "backfill" else None)
    made.run(source, after_close(DAYS[-1]))
    bars = made.core()
    assert_one_basis(bars, happened)
    current = select_current(bars, PRICES).sort("date")
    assert current["date"].to_list() == DAYS
    for day, close, adj_close in current.select("date", "close", "adj_close").iter_rows():
        assert close == pytest.approx(happened.close(day, DAYS[-1]), rel=2e-6)
        assert adj_close == pytest.approx(happened.adj_close(day, DAYS[-1]), rel=2e-6)
    identity = bars.select(PRICES.identity)
    assert identity.n_unique() == identity.height
    # From the archive alone, in any order and twice, the same current series.
    again = [*made.documents, *made.documents]
    random.Random(seed).shuffle(again)
    other = emptied(warehouse.store, {})
    for of, received in again:
        other.load(of, received)
    rebuilt = select_current(other.core(), PRICES).sort("date")
    for name in ("close", "adj_close"):
        assert rebuilt[name].to_list() == pytest.approx(current[name].to_list(), rel=2e-6)


# -- one source for a series ------------------------------------------------------------------------------------------


def series(source: str, days: list[date], factor: float = 1.0, *, known_on: date | None = None, grade: str = "A"):
    closes = walk(DAYS)
    frame = pl.DataFrame(
        [
            {
                "ticker": "NVDA",
                "date": day,
                **dict.fromkeys(("open", "high", "low", "close", "adj_close"), closes[day] * factor),
                "volume": 1,
                "known_on": known_on or day,
                "source": source,
                "grade": grade,
            }
            for day in days
        ]
    )
    return with_provenance(PRICES, frame)


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([series("yahoo", DAYS[:10]), series("tiingo", DAYS[:10], 0.5)], "yahoo"),
        ([series("tiingo", DAYS[:10]), series("reference_prices", DAYS[:10], 0.5)], "tiingo"),
        ([series("yahoo", DAYS[:9]), series("tiingo", DAYS[:10], 0.5)], "tiingo"),
        ([series("reference_prices", DAYS[:20]), series("yahoo", DAYS[5:21], 0.5)], "yahoo"),
        ([series("yahoo", DAYS[:10]), series("tiingo", DAYS[:8], 0.5, known_on=DAYS[20])], "yahoo"),
        ([series("yahoo", DAYS[:10], grade="B"), series("reference_prices", DAYS[:8], 0.5)], "reference_prices"),
    ],
)
def test_a_series_comes_from_one_source_in_marts_and_views_alike(tmp_path: Path, rows, chosen: str) -> None:
    frame = pl.concat(rows)
    current = select_current(frame, PRICES)
    assert set(current["source"]) == {chosen}
    with shop(tmp_path, {}) as made:
        made.store.append(PRICES, frame)
        views.create(made.store, DAYS[-1])
        view = made.store.frame("SELECT source, date, close FROM stock_prices ORDER BY date")
    assert view.rows() == current.sort("date").select("source", "date", "close").rows()


# -- steps that are no news -------------------------------------------------------------------------------------------


def bars_of(closes: list[float], volumes: list[int]) -> pl.DataFrame:
    prices = {name: closes for name in ("open", "high", "low", "close", "adj_close")}
    return pl.DataFrame({"date": DAYS[: len(closes)], **prices, "volume": volumes})


NO_ACTIONS = pl.DataFrame(schema={"date": pl.Date, "kind": pl.String, "value": pl.Float64})


@pytest.mark.parametrize("ratio", [2, 3, 4, 10, 20, 1 / 5, 1 / 8, 1 / 10, 1 / 25])
@pytest.mark.parametrize("volume_too", [True, False])
@pytest.mark.parametrize("own_move", [0.85, 1.0, 1.12])
def test_a_split_on_one_side_is_refused(ratio: float, volume_too: bool, own_move: float) -> None:
    closes = [100.0 + i for i in range(12)] + [112.0 * own_move / ratio] * 3
    volumes = [1_000_000] * 12 + [round(1_400_000 * (ratio if volume_too else 1))] * 3
    with pytest.raises(DocumentError, match=rf"on {DAYS[12]} .*split was applied to one part"):
        daily_bars.refuse_one_sided("NVDA", bars_of(closes, volumes), NO_ACTIONS)


@pytest.mark.parametrize("change", [0.055, 0.3, 0.633, 1.359, 1.479, 1.548, 3.0])
def test_news_is_not_a_split(change: float) -> None:
    closes = [100.0 + i for i in range(12)] + [111.0 * change] * 3
    surge = 8 if change > 1 else 8 / change
    daily_bars.refuse_one_sided("NVDA", bars_of(closes, [1_000_000] * 12 + [round(1e6 * surge)] * 3), NO_ACTIONS)


def test_a_split_that_was_recorded_and_not_applied_is_refused_whatever_was_traded() -> None:
    closes = [100.0] * 12 + [68.0] * 3
    recorded = pl.DataFrame({"date": [DAYS[12]], "kind": ["split"], "value": [1.5]})
    with pytest.raises(DocumentError, match="one part"):
        daily_bars.refuse_one_sided("NVDA", bars_of(closes, [1_000_000] * 12 + [9_000_000] * 3), recorded)


def test_a_large_dividend_explains_a_step() -> None:
    closes = [100.0] * 12 + [55.0] * 3
    paid = pl.DataFrame({"date": [DAYS[12]], "kind": ["dividend"], "value": [44.0]})
    bars = bars_of(closes, [1_000_000] * 15)
    daily_bars.refuse_one_sided("NVDA", bars, paid)
    with pytest.raises(DocumentError):
        daily_bars.refuse_one_sided("NVDA", bars, NO_ACTIONS)


def test_a_step_in_adj_close_alone_is_refused() -> None:
    bars = bars_of([100.0] * 15, [1_000_000] * 15)
    adjusted = bars.with_columns(adj_close=pl.Series([10.0] * 12 + [100.0] * 3))
    with pytest.raises(DocumentError, match=str(DAYS[12])):
        daily_bars.refuse_one_sided("NVDA", adjusted, NO_ACTIONS)
