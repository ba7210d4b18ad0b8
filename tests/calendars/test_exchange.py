"""The exchange's days, not weekdays."""

from datetime import date

import polars as pl

from warehouse.calendars.exchange import HELD_UNTIL, as_traded, closures_unknown, sessions


def test_holidays_are_no_sessions():
    days = set(sessions(date(2024, 12, 1), date(2025, 2, 28)).get_column("session"))
    # Christmas, New Year, the day of mourning for President Carter, Martin Luther King Day, Presidents' Day
    closed = [date(2024, 12, 25), date(2025, 1, 1), date(2025, 1, 9), date(2025, 1, 20), date(2025, 2, 17)]
    assert not days & set(closed)
    assert {date(2024, 12, 24), date(2025, 1, 24), date(2025, 1, 27), date(2025, 1, 28)} <= days
    assert len(days) == 60  # 21 in December, 20 in January, 19 in February


def test_the_snapshot_has_a_bar_for_each_session_and_no_other(facts):
    bars = facts["stock_prices"]
    spy = set(bars.filter(ticker="SPY").get_column("date"))
    assert spy == set(sessions(date(2023, 6, 1), HELD_UNTIL).get_column("session"))


def test_a_closure_later_than_the_library_could_know_of_is_no_session():
    known = sessions(date(2026, 1, 2), date(2026, 9, 30))
    days = known.get_column("session").to_list()
    mourning = date(2026, 8, 12)
    bars = pl.DataFrame({"date": [day for day in days if day != mourning and day <= date(2026, 8, 20)]})
    assert closures_unknown(known, bars["date"]) == [mourning]
    assert set(days) - set(as_traded(known, bars)["session"]) == {mourning}, "what is still to come stays"


def test_a_day_that_the_library_knows_about_is_lost_and_not_closed():
    known = sessions(date(2025, 1, 2), date(2025, 9, 30))
    bars = known.filter(pl.col("session") != date(2025, 3, 12)).rename({"session": "date"})
    assert closures_unknown(known, bars["date"]) == []
    assert as_traded(known, bars) is known
    assert closures_unknown(known, []) == []
