"""Every source with a small document in its real form, and ways to spoil one: for tests and for the long harness.

A host may send anything. Whatever it sends, a source reads rows from it, quarantines rows with a reason, or refuses the
document. Nothing else may happen: no other error, no endless reading, no figure that is none.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from tests.conftest import EXCERPTS
from warehouse.errors import DocumentError
from warehouse.settings import Settings
from warehouse.sources import (
    aws,
    azure,
    epoch,
    gpurentalprices,
    lambda_labs,
    oracle,
    reference,
    runpod,
    sec,
    sec_filers,
    sec_inline_xbrl,
    skypilot,
    tiingo,
    vast,
    yahoo,
)
from warehouse.sources.common import company_bodies, unpacking
from warehouse.sources.common.source import Batch, Document, Received
from warehouse.tables import CORE

AT = datetime(2026, 10, 9, 7, 30, tzinfo=UTC)
DEEP = 100_000
VINTAGE = {"vintage": "2026-08-19"}
RAW = "\x00raw {}"
MANY_DIGITS = '"' + "9" * 5_000 + '"'
LITERALS = (
    "0", "-0.0", "-1", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "9" * 400, "9" * 5_000, MANY_DIGITS, "9223372036854775808",
    "0.1e1", "true", "false", "null", "[]", "{}", '""', '" "', '"0"', '"-"', '"1e400"', '"NaN"', '"١٢"', '"\\ud800"',
    '"\\u0000"', '"2026-13-45"', '"9999-12-31"', '"<b>"', '"=1+1"', '"' + "x" * 5_000 + '"', "[[]]", "[null]", "[{}]",
    '{"": null}', '{"a": 1, "a": 2}', "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "1 2", "", ",",
)  # fmt: skip
"""JSON to put in the place of any value; some is none."""
CELLS = ("", " ", "0", "-0", "-1", "0.0", "1e400", "1e-400", "9" * 400, "9" * 30, "NaN", "inf", "٣", "1,000", "1.000,5", "0x10",
         "1_000", "+1", "1e3", "true", "null", "2026-13-45", "0000-00-00", "9999-12-31", "20260101", "=1+1", '"', "\n", "\r",
         "\x00", "x" * 200_000, "H100", "0x_a10", "gpu_0x_a10", "gpu_9999999999x_a10", "[]", "{}")  # fmt: skip
"""Text to put into a cell, an attribute or the text of markup."""
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


ARCHIVE, BOUND = "sec_filers", "epoch_bound"
REFERENCE_ROWS = 6


def reference_files() -> Iterator[tuple[str, str]]:
    """The tables of the packaged snapshot and their files."""
    for table, listed in sorted(reference.manifest(reference.folder(Settings())).items()):
        if table in CORE:
            yield table, str(listed["file"])


def _reference(file: str, table: str) -> Seed:
    """The first rows of a file of the packaged snapshot."""
    body = (reference.folder(Settings()) / file).read_bytes()
    lines = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()
    rows = list(csv.reader(io.StringIO(lines)))[: REFERENCE_ROWS + 1]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    context = {"table": table, "rows": "1"}
    document = Document("0" * 64, file, f"snapshot:{file}", b"", AT, context)
    return Seed(f"reference_{table}", reference.SOURCES[0].parse, written.getvalue().encode(), document)


def _epoch_pair(as_it_is_kept: bool = False) -> Seed:
    """Two lists of Epoch AI, each spoiled before the source binds them together, or both as they are kept then."""
    files = [Received(name, f"{epoch.HOST}/data/{name}", "text/csv", (EXCERPTS / f"epoch_{name}").read_bytes(), AT)
             for name in (epoch.NOTABLE, epoch.LARGE_SCALE)]  # fmt: skip
    if as_it_is_kept:
        kept = epoch.bound(files, AT.date()).document("0" * 64)

        def parse_kept(document: Document) -> Iterator[Batch]:
            body = unpacking.unpacked(document.body, document.name)
            yield from epoch.SOURCES[0].parse(replace(kept, content=body))

        return Seed(BOUND, parse_kept, kept.body, kept)
    mark = b"\n-- the other list --\n"

    def parse(document: Document) -> Iterator[Batch]:
        halves = unpacking.unpacked(document.body, document.name).partition(mark)[::2]
        both = [replace(file, content=half, sha256="0" * 64) for file, half in zip(files, halves, strict=True)]
        yield from epoch.SOURCES[0].parse(epoch.bound(both, AT.date()).document("0" * 64))

    body = mark.join(file.document().body for file in files)
    return Seed("epoch_models", parse, body, Document("0" * 64, epoch.PAIR, "bound:", body, AT, VINTAGE))


class _Filers:
    """What `sec_filers` asks for: its archive, and a list of tickers that is empty."""

    settings = Settings(tickers=())

    def __init__(self, archive: bytes) -> None:
        self.archive = archive

    def get(self, url: str, *, name: str, **_: Any) -> Received:
        return Received(name, url, "application/zip", self.archive if url == sec_filers.URL else b"{}", AT)

    def rows(self, *_: str) -> list[tuple[Any, ...]]:
        return []

    def failed(self, name: str, why: str, url: str) -> None:
        """A damaged member costs itself."""


def _archive() -> Seed:
    """An archive of three bodies, two packed and one as it is; each is a document of its own, and may be refused alone."""
    body, written = (EXCERPTS / "sec_companyfacts_NVDA.json").read_bytes(), io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for cik, kind in (
            (1045811, zipfile.ZIP_DEFLATED),
            (1045812, zipfile.ZIP_STORED),
            (1045813, zipfile.ZIP_DEFLATED),
        ):
            file.writestr(
                zipfile.ZipInfo(f"CIK{cik:010}.json"), body.replace(b"1045810", str(cik).encode()), compress_type=kind
            )
    (source,) = sec_filers.SOURCES

    def parse(document: Document) -> Iterator[Batch]:
        refused = found = None
        for received in source.fetch(_Filers(unpacking.unpacked(document.body, document.name))):  # type: ignore[arg-type]
            try:
                for found in source.parse(received.document("0" * 64)):
                    yield found
            except DocumentError as error:
                refused = error
        if found is None and refused is not None:
            raise refused

    return Seed(ARCHIVE, parse, written.getvalue(), Document("0" * 64, ARCHIVE, sec_filers.URL, b"", AT, {}))


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
    _seed("sec", "sec_companyfacts_NVDA.json", sec.SOURCES[0].parse, company_bodies.FACTS_URL.format(cik=1045810),
          context={"ticker": "NVDA"}),
    _filing("msft_filing", "sec_inline_10k_MSFT.htm", 789019, "MSFT", "6"),
    _filing("amzn_filing", "sec_inline_10q_AMZN.htm", 1018724, "AMZN", "12"),
    _seed("yahoo_running", "yahoo_chart_NVDA_running_session.json", yahoo.SOURCES[0].parse, _CHART, called="NVDA"),
    *(_reference(file, table) for table, file in reference_files()),
    _epoch_pair(),
    _seed("epoch_hardware", "epoch_ml_hardware.csv", epoch.SOURCES[0].parse, called="ml_hardware.csv", context=VINTAGE),
    _seed("epoch_capabilities", "epoch_benchmarked_models.csv", epoch.SOURCES[0].parse, called="benchmarked_models.csv",
          context=VINTAGE),
    _archive(),
    _epoch_pair(as_it_is_kept=True),
)  # fmt: skip


def outcome(seed: Seed, body: bytes) -> str:
    """`rows`, `empty` or `refused`. Any other error comes through; so does a figure that is none, as AssertionError."""
    rows = 0
    try:
        for batch in seed.parse(seed.with_body(body)):
            rows += batch.frame.height
            _hold(batch, checked_later=seed.name.startswith("reference_"))
    except DocumentError:
        return "refused"
    return "rows" if rows else "empty"


def _hold(batch: Batch, checked_later: bool) -> None:
    batch.table.conform(batch.frame)
    for name, kind in batch.frame.schema.items():
        if kind.is_float():
            values = batch.frame.get_column(name).drop_nulls()
            assert all(map(math.isfinite, values)), f"{batch.table.name}.{name} holds a figure that is none"
    if "usd_per_gpu_hour" in batch.frame.columns and not checked_later:
        assert batch.frame.filter(pl.col("usd_per_gpu_hour") <= 0).is_empty()
    assert batch.unreadable.filter(pl.col("reasons").list.len() == 0).is_empty()


# -- ways to spoil a document -----------------------------------------------------------------------------------------


def spoiled(seed: Seed, chance: random.Random) -> bytes:
    """The seed's body, spoiled in one of many ways; the same `chance` spoils it in the same way."""
    body = spoiled_body(seed.body, chance)
    return gzip.compress(body, mtime=0) if chance.random() < 0.05 else body


def spoiled_body(body: bytes, chance: random.Random) -> bytes:
    """A body spoiled as what it is (JSON, markup, a table), or as bytes."""
    start = body.lstrip()[:1]
    if chance.random() < 0.8 and body[:2] not in (b"PK", b"\x1f\x8b"):
        if start in (b"{", b"["):
            return _json_spoiled(json.loads(body), chance)
        return _markup_spoiled(body, chance) if start == b"<" else _table_spoiled(body, chance)
    return bytes_spoiled(body, chance)


def bytes_spoiled(body: bytes, chance: random.Random) -> bytes:
    """A body with one to three pieces of it cut out, put in, doubled or changed, whatever it is."""
    for _ in range(chance.randint(1, 3)):
        body = _bytes_spoiled(body, chance)
    return body


def _table_spoiled(body: bytes, chance: random.Random) -> bytes:
    """A CSV file with one to three of its cells, columns or lines replaced, exchanged, taken out, or written twice."""
    rows = list(csv.reader(io.StringIO(body.decode())))
    for _ in range(chance.randint(1, 3)):
        row, column = chance.choice(rows), chance.randrange(len(rows[0]))
        match chance.randint(0, 9):
            case 0:
                rows.append(list(row))
            case 1 if len(rows) > 1:
                rows.remove(row)
            case 2:
                for each in rows:
                    del each[column : column + 1]
            case 3:
                rows[0].append(rows[0][min(column, len(rows[0]) - 1)])
            case 4:
                row.insert(column, chance.choice(CELLS))
            case _ if column < len(row):
                row[column] = chance.choice(
                    (*CELLS, chance.choice(chance.choice(rows) or [""]), _other_digit(row[column], chance))
                )
        if not rows[0]:
            break
    written = io.StringIO()
    csv.writer(written, lineterminator=chance.choice(("\n", "\r\n")), quoting=chance.choice((0, 1))).writerows(rows)
    return written.getvalue().encode()


def _markup_spoiled(body: bytes, chance: random.Random) -> bytes:
    """Markup with one to three of its attributes or texts replaced, or a tag renamed."""
    text = body.decode()
    for _ in range(chance.randint(1, 3)):
        found = chance.choice(list(re.finditer(chance.choice((r'"[^"<>]*"', r">[^<>]+<", r"</?[\w:-]+")), text)))
        cell = chance.choice((*CELLS, _other_digit(found[0][1:-1], chance))).replace("\0", "&#0;")
        new = f"<{cell[:20]}" if found[0][0] == "<" else found[0][0] + cell.replace('"', "&quot;") + found[0][-1]
        text = text[: found.start()] + new + text[found.end() :]
    return text.encode("utf-8", "surrogatepass")


def _other_digit(text: str, chance: random.Random) -> str:
    places = [at for at, letter in enumerate(text) if letter.isascii() and letter.isdigit()]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + chance.choice("0123456789") + text[at + 1 :]


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
