"""Tables for a person: no value is broken, what does not fit is counted, nothing steers the terminal."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.cli.layout import LINE, columns_of, laid_out, shown

DAY = date(2025, 1, 27)
ROW = ["MSFT", DAY, 400_000_000.0, None, float("nan"), "Microsoft Corporation", "a long sentence " * 9, 0.1 + 0.2, 2025]
NAMES = ["ticker", "date", "capex_usd", "nothing", "nan", "company", "statement", "sum", "year"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (400_000_000.0, "400,000,000"),
        (400_000_000, "400,000,000"),
        (0.1 + 0.2, "0.3"),
        (118.42, "118.42"),
        (12_345.678, "12,345.68"),
        (2.5e-7, "2.5e-07"),
        (1e20, "1e+20"),
        (2025, "2025"),
        (Decimal("1.50"), "1.5"),
        (True, "true"),
        (DAY, "2025-01-27"),
        (datetime(2025, 1, 27, 14, 30, tzinfo=UTC), "2025-01-27 14:30:00"),
        ([1, None, "a"], "[1, NULL, a]"),
        ({"a": 1.0}, "{a: 1}"),
        (b"\x00\xff", "\\x00ff"),
        ("\x1b[31mred\x07\x9b", "\\x1b[31mred\\x07\\x9b"),
    ],
)
def test_a_value_as_a_person_reads_it(value, text):
    assert shown(value) == text


def test_columns_in_the_middle_are_left_out_and_counted():
    laid = laid_out(NAMES, [ROW] * 3, 80)
    assert laid.left_out
    header = laid.lines[0].split()
    assert (header[0], header[-1], "…" in header) == ("ticker", "year", True)
    assert sorted([*header, *laid.left_out]) == sorted([*NAMES, "…"])
    assert max(map(columns_of, laid.lines)) <= 80


WIDE = ["ticker", "company", "capex_usd", "year", "reason", "citation"]
COMPANY = "Taiwan Semiconductor Manufacturing Co"
WIDE_ROW = ["TSM", COMPANY, 400_000_000.0, 2025, "a filing gives it for the year alone " * 3, "https://" + "a" * 60]


def test_long_texts_are_left_out_before_figures():
    assert laid_out(WIDE, [WIDE_ROW] * 3, 95).left_out == ("citation",)
    assert laid_out(WIDE, [WIDE_ROW] * 3, 70).left_out == ("reason", "citation")
    assert laid_out(WIDE, [WIDE_ROW] * 3, 64).left_out == ("year", "reason", "citation")


def test_the_key_and_the_first_figure_stay():
    names = ["ticker", "day", *(f"note_{place}" for place in range(8)), "close_usd", "grade"]
    row = ["MSFT", DAY, *["a dozen signs"] * 8, 421.5, "A"]
    kept = laid_out(names, [row] * 3, 60).lines[0].split()
    assert [name for name in kept if name in ("ticker", "day", "close_usd")] == ["ticker", "day", "close_usd"]


def test_columns_that_a_reader_named_are_left_out_last():
    def kept(width, *asked):
        return laid_out(WIDE, [WIDE_ROW] * 3, width, asked=asked).lines[0].split()

    assert kept(64) == ["ticker", "company", "capex_usd", "…"]
    assert kept(64, "year", "company") == ["ticker", "company", "…", "year"]
    assert kept(70, "reason") == ["ticker", "…", "capex_usd", "year", "reason"]
    assert kept(70, "reason", "company", "year", "capex_usd") == ["ticker", "company", "capex_usd", "year", "…"]


def test_a_text_at_the_beginning_is_what_a_row_is_about():
    names = ["claim_id", "statement", "speaker", "value", "unit", "citation"]
    row = ["SC01", "Nvidia lost 600 billion dollars of value in a single day", "CNBC", 1.5, "usd", "word " * 20]
    assert laid_out(names, [row] * 3, 70).left_out == ("citation",)


def test_running_text_is_wrapped_between_words_and_names_are_not():
    laid = laid_out(["company", "statement"], [["Taiwan Semiconductor Manufacturing", "word " * 40]], 70)
    assert any("Taiwan Semiconductor Manufacturing" in line for line in laid.lines)
    assert laid.left_out == ()
    assert max(map(columns_of, laid.lines)) <= 70
    assert " ".join(" ".join(laid.lines[2:]).split()).count("word") == 40


@pytest.mark.parametrize("width", [1, 20, 36])
def test_a_narrow_terminal_gets_a_block_for_each_row(width):
    laid = laid_out(NAMES, [ROW, ROW], width)
    assert laid.left_out == ()
    assert sum(line.startswith("── ") for line in laid.lines) == 2
    said = [line.strip() for line in laid.lines]
    assert any(line.endswith("400,000,000") for line in said)
    assert any(line.endswith("Microsoft Corporation") for line in said)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_all_columns_that_do_not_fit_are_blocks(rows):
    laid = laid_out(NAMES, [ROW] * rows, 80, everything=rows > 2)
    assert laid.left_out == ()
    assert [name for name in NAMES if not any(line.startswith(name) for line in laid.lines)] == []


def test_numbers_stand_to_the_right_and_wide_characters_take_two_columns():
    lines = laid_out(["n", "名前"], [[1, "値"], [20_000, "x"]], 80).lines
    assert lines[2].startswith("     1  値")
    assert columns_of("値") == 2


VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=LINE),
)


@given(st.lists(st.lists(VALUES, min_size=6, max_size=6), max_size=5), st.integers(1, 250), st.booleans())
def test_no_value_that_is_shown_is_ever_broken(rows, width, everything):
    laid = laid_out([f"c{place}" for place in range(6)], rows, width, everything=everything, null="NULL")
    text = "\n".join(laid.lines)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    places = range(6) if not laid.left_out else (0,)
    for row in rows:
        for place in places:
            for line in shown(row[place]).split("\n"):
                assert line.rstrip() in text
