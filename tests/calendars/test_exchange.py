"""The exchange's days, not weekdays."""

from datetime import date

from warehouse.calendars.exchange import sessions


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
    assert spy == set(sessions(date(2023, 6, 1), date(2026, 5, 15)).get_column("session"))
