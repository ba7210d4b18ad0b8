"""The end of the way from a check that failed: what stands at a place in an archived document."""

from __future__ import annotations

import gzip
import json

import pytest

from warehouse.fetching.places import Place, read

FACTS = {"cik": 1, "facts": {"us-gaap": {"Revenues": {"label": "x", "units": {"USD": [{"val": 7}, {"val": 8}]}}}}}
CHART = {"chart": {"result": [{"meta": {}, "timestamp": [11, 12, 13]}], "error": None}}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_line_of_a_table_with_the_names_of_its_columns(tmp_path, pack):
    (tmp_path / "d").write_bytes(pack("ticker,close\nNVDA,118.42\nMETA,é\n".encode()))
    assert read(tmp_path / "d", "line 2") == Place("ticker,close", "NVDA,118.42")
    assert read(tmp_path / "d", "line 3") == Place("ticker,close", "META,é")
    assert read(tmp_path / "d", "line 9") == Place("ticker,close", "")


@pytest.mark.parametrize(
    ("document", "place", "found"),
    [
        (FACTS, "us-gaap/Revenues/USD[1]", '{"val": 8}'),
        (CHART, "timestamp[2]", "13"),
        ([{"close": 1.5}, {"close": 2.5}], "[1].close", "2.5"),
        (FACTS, "us-gaap/Nothing/USD[1]", ""),
        (FACTS, "us-gaap/Revenues/USD[9]", ""),
        (FACTS, "offer 7", ""),
    ],
)
def test_a_place_in_json(tmp_path, document, place, found):
    (tmp_path / "d").write_text(json.dumps(document))
    assert read(tmp_path / "d", place) == Place("", found)


def test_what_is_no_json_or_is_gone_shows_nothing(tmp_path):
    (tmp_path / "d").write_bytes(b"\xff\x00<html>")
    assert read(tmp_path / "d", "a/b[0]") == Place("", "")
    assert read(tmp_path / "nothing", "line 1") == Place("", "")


def test_a_damaged_table_has_no_line(tmp_path):
    (tmp_path / "cut").write_bytes(gzip.compress(b"a,b\n1,2\n" * 999)[:30])
    assert read(tmp_path / "cut", "line 500") == Place("", "")
