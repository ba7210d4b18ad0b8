"""Every source with a small document in its real form, and ways to spoil one: for tests and for the long harness.

A host may send anything. Whatever it sends, a source reads rows from it, quarantines rows with a reason, or refuses the
document. Nothing else may happen: no other error, no endless reading, no figure that is none.
"""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from tests.conftest import EXCERPTS
from warehouse.errors import DocumentError
from warehouse.sources import (
    aws,
    azure,
    epoch,
    gpurentalprices,
    lambda_labs,
    oracle,
    runpod,
    sec,
    sec_inline_xbrl,
    skypilot,
    tiingo,
    vast,
    yahoo,
)
from warehouse.sources.common.source import Batch, Document

AT = datetime(2026, 10, 9, 7, 30, tzinfo=UTC)
DEEP = 100_000
VINTAGE = {"vintage": "2026-08-19"}
RAW = "\x00raw {}"
LITERALS = (
    "0", "-0.0", "-1", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "9" * 400, "9" * 5_000, "9223372036854775808",
    "0.1e1", "true", "false", "null", "[]", "{}", '""', '" "', '"0"', '"-"', '"1e400"', '"NaN"', '"١٢"', '"\\ud800"',
    '"\\u0000"', '"2026-13-45"', '"9999-12-31"', '"<b>"', '"=1+1"', '"' + "x" * 5_000 + '"', "[[]]", "[null]", "[{}]",
    '{"": null}', '{"a": 1, "a": 2}', "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "1 2", "", ",",
)  # fmt: skip
"""JSON to put in the place of any value; some is none."""
PIECES = (b"", b"\xef\xbb\xbf", b"\x00", b"\xff", b'"', b",", b"\n", b"<", b">", b"&", b"9" * 30, b"-", b"e999", b"{", b"]",
          b"0", b"<!ENTITY a 'b'>", b"\x1f\x8b\x08\x00")  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """A source's document that gives rows."""

    name: str
    parse: Callable[[Document], Iterator[Batch]]
    body: bytes = field(repr=False)
    document: Document = field(repr=False)

    @property
    def is_json(self) -> bool:
        return self.body.lstrip()[:1] in (b"{", b"[")

    def with_body(self, body: bytes) -> Document:
        return replace(self.document, content=body)


def _seed(name: str, file: str, parse: Any, url: str = "https://example.invalid/list", **more: Any) -> Seed:
    body = (EXCERPTS / file).read_bytes()
    given = {"context": {}, "called": name} | more
    return Seed(name, parse, body, Document("0" * 64, given["called"], url, body, AT, given["context"]))


def _filing(name: str, file: str, cik: int, ticker: str, month: str) -> Seed:
    about = {"ticker": ticker, "form": "10-Q", "accession": "0001018724-25-000086", "filed": "2025-08-01",
             "fiscal_year_end_month": month}  # fmt: skip
    url = f"https://www.sec.gov/Archives/edgar/data/{cik}/000101872425000086/filing.htm"
    return _seed(name, file, sec_inline_xbrl.SOURCES[0].parse, url, context=about)


_CHART = f"https://{yahoo.HOST}/v8/finance/chart/NVDA?period1=1&period2=2&interval=1d&events=div%2Csplits"
_TIINGO = f"https://{tiingo.HOST}/tiingo/daily/NVDA/prices?startDate=2018-01-01&endDate=2018-02-01&format=json"
SEEDS = (
    _seed("aws", "aws_price_list_p4d.json", aws.parse),
    _seed("azure", "azure_retail_prices_A100.json", azure.parse),
    _seed("oracle", "oracle_products_usd.json", oracle.parse),
    _seed("gpurentalprices", "gpurentalprices_day.json", gpurentalprices.parse),
    _seed("lambda", "lambda_instance_types.json", lambda_labs.parse),
    _seed("vast", "vast_bundles_H100_SXM.json", vast.parse),
    _seed("runpod", "runpod_gpu_types.json", runpod.parse),
    _seed("skypilot", "skypilot_lambda_vms.csv", skypilot.parse, called="skypilot v8 lambda",
          url=skypilot.ADDRESS.format(version=8, cloud="lambda")),
    _seed("yahoo", "yahoo_chart_NVDA.json", yahoo.SOURCES[0].parse, _CHART, called="NVDA"),
    _seed("tiingo", "tiingo_prices_NVDA.json", tiingo.SOURCES[0].parse, _TIINGO, called="NVDA"),
    _seed("sec", "sec_companyfacts_NVDA.json", sec.SOURCES[0].parse, sec.FACTS_URL.format(cik=1045810),
          context={"ticker": "NVDA"}),
    _filing("msft_filing", "sec_inline_10k_MSFT.htm", 789019, "MSFT", "6"),
    _filing("amzn_filing", "sec_inline_10q_AMZN.htm", 1018724, "AMZN", "12"),
    _seed("epoch_hardware", "epoch_ml_hardware.csv", epoch.SOURCES[0].parse, called="ml_hardware.csv", context=VINTAGE),
    _seed("epoch_capabilities", "epoch_benchmarked_models.csv", epoch.SOURCES[0].parse, called="benchmarked_models.csv",
          context=VINTAGE),
)  # fmt: skip


def outcome(seed: Seed, body: bytes) -> str:
    """`rows`, `empty` or `refused`. Any other error comes through; so does a figure that is none, as AssertionError."""
    rows = 0
    try:
        for batch in seed.parse(seed.with_body(body)):
            rows += batch.frame.height
            _hold(batch)
    except DocumentError:
        return "refused"
    return "rows" if rows else "empty"


def _hold(batch: Batch) -> None:
    batch.table.conform(batch.frame)
    for name, kind in batch.frame.schema.items():
        if kind.is_float():
            values = batch.frame.get_column(name).drop_nulls()
            assert all(map(math.isfinite, values)), f"{batch.table.name}.{name} holds a figure that is none"
    if "usd_per_gpu_hour" in batch.frame.columns:
        assert batch.frame.filter(pl.col("usd_per_gpu_hour") <= 0).is_empty()
    assert batch.unreadable.filter(pl.col("reasons").list.len() == 0).is_empty()


# -- ways to spoil a document -----------------------------------------------------------------------------------------


def spoiled(seed: Seed, chance: random.Random) -> bytes:
    """The seed's body, spoiled in one of many ways; the same `chance` spoils it in the same way."""
    if seed.is_json and chance.random() < 0.8:
        body = _json_spoiled(json.loads(seed.body), chance)
    else:
        body = seed.body
        for _ in range(chance.randint(1, 3)):
            body = _bytes_spoiled(body, chance)
    return gzip.compress(body, mtime=0) if chance.random() < 0.05 else body


def _json_spoiled(tree: Any, chance: random.Random) -> bytes:
    """A tree with one to three of its values replaced, taken out, or written twice."""
    raw: dict[str, str] = {}
    for _ in range(chance.randint(1, 3)):
        places = list(_places(tree))
        if not places:
            break
        holder, key = chance.choice(places)
        way = chance.random()
        if way < 0.15:
            del holder[key]
        elif way < 0.25:
            holder[key] = [holder[key]]
        elif way < 0.35 and isinstance(holder, dict):
            holder[chance.choice(list(holder))] = holder[key]
        else:
            mark = RAW.format(len(raw))
            raw[json.dumps(mark)] = chance.choice(LITERALS)
            holder[key] = mark
    text = json.dumps(tree)
    for mark, literal in raw.items():
        text = text.replace(mark, literal)
    return text.encode("utf-8", "surrogatepass")


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            yield holder, key
            if isinstance(value, (dict, list)):
                waiting.append(value)


def _bytes_spoiled(body: bytes, chance: random.Random) -> bytes:
    at, to = sorted(chance.randint(0, len(body)) for _ in range(2))
    match chance.randint(0, 4):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + chance.choice(PIECES) + body[at:]
        case 2:
            return body[:at] + body[min(to, at + 40) :]
        case 3:
            return body[:at] + bytes([chance.randint(0, 255)]) + body[at + 1 :]
        case _:
            return body[:at] + body[at : min(to, at + 400)] + body[at:]
