"""Ways to corrupt a live body that gives rows of `stock_prices`."""

from __future__ import annotations

from tests.quality.corruptions.changes import PRICES, RANGE, Kind, P, chart, replaced_in

KINDS: tuple[Kind, ...] = (
    Kind(
        "Yahoo: a consent page",
        P,
        "reading",
        "left_out",
        live=lambda: (*chart()[:2], b"<!doctype html><title>Consent</title>"),
    ),
    Kind("Yahoo: cut short", P, "reading", "left_out", live=lambda: (*chart()[:2], chart()[2][:200])),
    Kind(
        "Yahoo: prices in pence", P, "reading", "left_out", live=lambda: chart(meta={"currency": "GBp"}), names=("GBp",)
    ),
    Kind(
        "Yahoo: another symbol than asked",
        P,
        "reading",
        "left_out",
        live=lambda: chart(meta={"symbol": "NVDL"}),
        names=("NVDL",),
    ),
    Kind(
        "Yahoo: fewer closes than days",
        P,
        "reading",
        "left_out",
        live=lambda: chart(quote={"close": [142.0]}),
        names=("close",),
    ),
    Kind(
        "Yahoo: weekly bars",
        P,
        "reading",
        "left_out",
        live=lambda: chart(meta={"dataGranularity": "1wk"}),
        names=("1wk",),
    ),
    Kind(
        "Yahoo: a close above its high",
        P,
        "ohlc_consistent",
        "quarantined",
        live=lambda: chart(quote={"close": [142.0, 160.0]}),
        names=("high",),
    ),
    Kind(
        "Yahoo: times in milliseconds",
        P,
        "reading",
        "left_out",
        live=lambda: replaced_in(chart(), b"1737642600", b"1737642600000"),
        names=("timestamp[0]",),
    ),
    Kind(
        "Yahoo: a negative low",
        P,
        RANGE,
        "quarantined",
        live=lambda: chart(quote={"low": [-1.0, 141.0]}),
        names=("low=-1.0", "timestamp[0]"),
    ),
    Kind(
        "Yahoo: a close that is not a number",
        P,
        "reading",
        "quarantined",
        live=lambda: chart(quote={"close": [float("nan"), 147.0]}),
        names=("close", "timestamp[0]"),
    ),
    Kind(
        "Yahoo: prices in hundreds of dollars",
        P,
        "adjustment_lowers_price",
        "quarantined",
        live=lambda: chart(quote={n: [1.42, 1.47] for n in PRICES[:4]}),
        names=("adj_close", "timestamp[1]"),
    ),
)
