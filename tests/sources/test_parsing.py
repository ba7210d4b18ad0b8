"""Documents become typed rows; whatever cannot is named with file, line and field."""

import gzip
from datetime import date

import polars as pl
import pytest

from warehouse.errors import DocumentError
from warehouse.sources.common.parsing import read_csv, text_of, typed
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
def test_a_field_that_cannot_be_read_puts_its_row_aside_and_keeps_the_others(row, complaint):
    read = typed(parsed(f"{','.join(NAMES)}\nNVDA,2025-01-27,118.42,1,\n{row}\n"), BARS)
    assert read.frame.height == 1
    assert read.unreadable.select("reason", "locator").rows() == [(complaint, "line 3")]
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
