"""Documents become typed rows; whatever cannot is named with file, line and field."""

import gzip
from datetime import date

import polars as pl
import pytest

from tests.sources.said import unread
from warehouse.errors import DocumentError
from warehouse.sources.common import reasons
from warehouse.sources.common.parsing import figures, read_csv, text_of, typed
from warehouse.sources.common.wording import sentences
from warehouse.tables.table import Column, Table

BARS = Table(
    "core",
    "bars",
    "a table for these tests",
    (
        Column("ticker", "text", "ticker", required=True),
        Column("date", "date", "day", required=True),
        Column("close", "real", "close", required=True),
        Column("volume", "integer", "shares"),
        Column("final", "flag", "whether it is final"),
    ),
    key=("ticker", "date"),
)
NAMES = BARS.names


def parsed(text: str) -> pl.DataFrame:
    return read_csv(text, "bars.csv", NAMES)


def test_types_and_the_line_of_each_row():
    text = (
        "ticker,date,close,volume,final\n"
        'NVDA,2025-01-27,118.42,818830900,true\n"A\nB",2025-01-28,1,,\nC,2025-01-29,2,3.0,false\n'
    )
    read = typed(parsed(text), BARS)
    assert read.unreadable.is_empty()
    assert read.frame.select(NAMES).rows() == [
        ("NVDA", date(2025, 1, 27), 118.42, 818830900, True),
        ("A\nB", date(2025, 1, 28), 1.0, None, None),
        ("C", date(2025, 1, 29), 2.0, 3, False),
    ]
    # the second row spans two lines, so the third one stands on line 5
    assert read.frame.get_column("locator").to_list() == ["line 2", "line 3", "line 5"]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("X,2025-01-27,n/a,1,", "close: 'n/a' is not a number"),
        ("X,2025-01-27,,1,", "close: is empty"),
        ("X,2025-01-27,nan,1,", "close: 'nan' is not a number"),
        ("X,2025-01-27,inf,1,", "close: 'inf' is not a number"),
        ("X,27.01.2025,1,1,", "date: '27.01.2025' is not a date (YYYY-MM-DD)"),
        ("X,2025-02-30,1,1,", "date: '2025-02-30' is not a date (YYYY-MM-DD)"),
        ("X,2025-01-27,1,1.5,", "volume: '1.5' is not a whole number"),
        ("X,2025-01-27,1,1,maybe", "final: 'maybe' is not true or false"),
    ],
)
def test_a_field_that_cannot_be_read_quarantines_its_row_and_keeps_the_others(row, complaint):
    read = typed(parsed(f"{','.join(NAMES)}\nNVDA,2025-01-27,118.42,1,\n{row}\n"), BARS)
    assert read.frame.height == 1
    assert unread(read.unreadable) == [(complaint, "line 3")]
    assert read.unreadable.get_column("row").item().startswith('{"ticker":"X"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ticker,date,close,volume\nA,2025-01-27,1,1\n", "column final is missing"),
        ("", "no header"),
        ("ticker,date,close,volume,final,surprise\n", "column surprise not expected"),
        ("ticker,date,close,volume,final\nA,2025-01-27,1\n", "line 2: 3 fields where 5 belong"),
        ('ticker,date,close,volume,final\n"A,2025-01-27,1\n', "line 2"),
    ],
)
def test_a_document_that_is_not_what_it_claims_is_refused_whole(text, message):
    with pytest.raises(DocumentError, match=message) as caught:
        parsed(text)
    assert "bars.csv" in str(caught.value)


def test_a_compressed_file_that_was_cut_short_is_refused():
    body = gzip.compress(b"ticker\n" * 1000)
    assert text_of(body, "bars.csv.gz").startswith("ticker")
    with pytest.raises(DocumentError, match=r"bars\.csv\.gz: the compressed file is cut short"):
        text_of(body[: len(body) // 2], "bars.csv.gz")


def test_text_in_another_encoding_names_the_line():
    with pytest.raises(DocumentError, match="line 2: byte 0xe9"):
        text_of(b"ticker\ncaf\xe9\n", "bars.csv")


# -- figures that arrive as numbers -----------------------------------------------------------------------------------


def test_a_number_stays_the_number_that_it_is():
    read = figures({"close": [118.42, 0.1 + 0.2], "volume": [818830900, 2**62 + 1]}, BARS)
    assert read.columns["close"].to_list() == [118.42, 0.1 + 0.2]
    assert read.columns["volume"].to_list() == [818830900, 2**62 + 1]
    assert read.reasons == [[], []]


@pytest.mark.parametrize(
    ("value", "close", "volume"),
    [
        (7, 7.0, 7),
        (3.0, 3.0, 3),
        (" 12.0 ", 12.0, 12),
        ("1e3", 1000.0, "volume: '1e3' is not a whole number"),
        (1.5, 1.5, "volume: '1.5' is not a whole number"),
        ("", "close: is empty", None),
        (None, "close: is empty", None),
        ("n/a", "close: 'n/a' is not a number", "volume: 'n/a' is not a whole number"),
        ("1_000", "close: '1_000' is not a number", "volume: '1_000' is not a whole number"),
        (True, "close: 'True' is not a number", "volume: 'True' is not a whole number"),
        (float("nan"), "close: 'nan' is not a number", "volume: 'nan' is not a whole number"),
        ("inf", "close: 'inf' is not a number", "volume: 'inf' is not a whole number"),
        (2**63, 2.0**63, f"volume: '{2**63}' is not a whole number"),
        ([1], "close: '[1]' is not a number", "volume: '[1]' is not a whole number"),
    ],
)
def test_a_value_is_a_number_of_the_columns_type_or_named(value, close, volume):
    for name, expected in (("close", close), ("volume", volume)):
        read = figures({name: [value]}, BARS)
        said = expected if isinstance(expected, str) else ""
        assert (read.columns[name].to_list(), sentences(read.reasons[0])) == ([None if said else expected], said)


@pytest.mark.parametrize("value", [7, 3.5, " 12.0 ", "1e3", "", "n/a", "12.50", "-0", "+5", ".5", "5."])
def test_text_is_read_alike_in_a_csv_file_and_in_a_json_body(value):
    row = {"ticker": "A", "date": "2025-01-27", "close": str(value), "volume": str(value), "final": ""}
    frame = pl.DataFrame([row]).with_columns(locator=pl.lit("line 2"))
    as_text = typed(frame, BARS)
    as_value = figures({"close": [value], "volume": [value]}, BARS)
    assert as_value.reasons == ([list(map(reasons.read, each)) for each in as_text.unreadable["reasons"]] or [[]])
    if as_text.frame.height:
        for name in ("close", "volume"):
            assert as_value.columns[name].to_list() == as_text.frame[name].to_list()
