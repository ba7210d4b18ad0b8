"""What the live sources once sent, played by a server on this machine, for the runs that are compared.

Two runs can be compared only if both read the same bytes, so every body here is fixed: a recorded one
(`../shared/recorded`) where there is one, else one made to form from recorded figures. Prices come from recorded daily
bars, adjusted as of the last bar that is sent. So on the next day the bars before a dividend come back on another
basis, as they do from a vendor. The program has to notice.

Nothing is imported from the program: these bodies are for any state of it.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import json
import socketserver
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
RECORDED = SHARED / "recorded"
PRICES = RECORDED / "prices" / "yahoo_daily_2019-05_2026-05"
SAMPLES = RECORDED / "gpu" / "api_samples"
NEW_YORK = ZoneInfo("America/New_York")

CIKS = {
    "AAPL": 320193, "AMD": 2488, "AMZN": 1018724, "AVGO": 1730168, "CRWV": 1769628, "GOOGL": 1652044, "META": 1326801,
    "MSFT": 789019, "NVDA": 1045810, "ORCL": 1341439,
}  # fmt: skip
FILINGS = {
    "AMZN": ("0001018724-25-000086", "2025-08-01", "10-Q", "amzn-20250630.htm", "sec_inline_10q_AMZN.htm"),
    "MSFT": ("0001193125-26-323660", "2026-07-29", "10-K", "msft-20260630.htm", "sec_inline_10k_MSFT.htm"),
}
FACTS = {
    "AAPL": "aapl_companyfacts_full_2026", "GOOGL": "googl_companyfacts_trimmed_2026-08",
    "META": "meta_companyfacts_trimmed_2026-08", "MSFT": "msft_companyfacts_trimmed_2026-08",
    "NVDA": "nvda_companyfacts_full_2026",
}  # fmt: skip
SPLITS = {
    "ANET": (date(2024, 12, 4), 4), "AVGO": (date(2024, 7, 15), 10), "ETR": (date(2024, 12, 13), 2),
    "LRCX": (date(2024, 10, 3), 10), "NVDA": (date(2024, 6, 10), 10), "SMCI": (date(2024, 10, 1), 10),
}  # fmt: skip
AZURE_REGIONS = ("eastus", "eastus2", "southcentralus", "westus3", "westeurope", "swedencentral")
SKYPILOT_CLOUDS = ("aws", "azure", "cudo", "do", "fluidstack", "gcp", "hyperstack", "ibm", "nebius", "oci", "paperspace",
                   "scaleway")  # fmt: skip
SKYPILOT_COLUMNS = (
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,AvailabilityZone,GpuInfo,SpotPrice"
)
FIRST_DAY_BARS, NEXT_DAY_BARS = date(2026, 5, 1), date(2026, 5, 15)
SMALLEST_DIVIDEND = 2e-5
"""Of the price: a smaller step of the adjustment is the rounding of single-precision figures."""


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(unpacked(path).decode(), newline="")))


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@dataclass(frozen=True)
class Bar:
    day: date
    open: float
    high: float
    low: float
    close: float
    adj_close: float
    volume: int
    dividend: float


@cache
def history(ticker: str, last: date) -> tuple[Bar, ...]:
    """The recorded bars until a day, adjusted as of that day, with the dividends that the adjustment implies."""
    path = PRICES / f"{ticker}.csv.gz"
    if not path.exists():
        return ()
    rows = [row for row in rows_of(path) if row["Close"] and date.fromisoformat(row["Date"]) <= last]
    if not rows:
        return ()
    basis = float(rows[-1]["Close"]) / float(rows[-1]["Adj Close"])
    bars: list[Bar] = []
    for row in rows:
        close, adjusted = float(row["Close"]), float(row["Adj Close"]) * basis
        paid = 0.0
        if bars:
            step = (bars[-1].adj_close / bars[-1].close) / (adjusted / close)
            paid = round(bars[-1].close * (1 - step), 4) if 1 - step > SMALLEST_DIVIDEND else 0.0
        opened, high, low = (float(row[name]) for name in ("Open", "High", "Low"))
        day, volume = date.fromisoformat(row["Date"]), int(float(row["Volume"]))
        bars.append(Bar(day, opened, high, low, close, adjusted, volume, max(paid, 0.0)))
    return tuple(bars)


def single(value: float) -> float:
    """As the chart endpoint sends it: in single precision, widened."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def opens(day: date) -> int:
    return int(datetime.combine(day, time_of_day(9, 30), NEW_YORK).timestamp())


def yahoo_chart(last: date, reply: Any, request: Any) -> Any:
    """Yahoo's answer about a ticker for the span that is asked for; 404 where no bars were recorded."""
    ticker = request.path.rpartition("/")[2]
    first, end = (int(request.query[name]) for name in ("period1", "period2"))
    if not history(ticker, last):
        missing = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return reply({"chart": {"result": None, "error": missing}}, 404)
    bars = [bar for bar in history(ticker, last) if first <= opens(bar.day) < end]
    meta = {"currency": "USD", "symbol": ticker, "exchangeTimezoneName": "America/New_York", "dataGranularity": "1d"}
    result: dict[str, Any] = {"meta": meta, "indicators": {"quote": [{}]}}
    if bars:
        quotes = {name: [single(getattr(bar, name)) for bar in bars] for name in ("open", "high", "low", "close")}
        result["timestamp"] = [opens(bar.day) for bar in bars]
        result["indicators"] = {
            "quote": [{**quotes, "volume": [bar.volume for bar in bars]}],
            "adjclose": [{"adjclose": [single(bar.adj_close) for bar in bars]}],
        }
    events: dict[str, Any] = {}
    for bar in bars:
        if bar.dividend:
            stamp = opens(bar.day)
            events.setdefault("dividends", {})[str(stamp)] = {"amount": bar.dividend, "date": stamp}
    on, ratio = SPLITS.get(ticker, (date.min, 1))
    if ratio > 1 and first <= opens(on) < end:
        events["splits"] = {str(opens(on)): {"date": opens(on), "numerator": ratio, "denominator": 1}}
    return reply({"chart": {"result": [result | ({"events": events} if events else {})], "error": None}})


def tiingo_prices(last: date, reply: Any, request: Any) -> Any:
    """Tiingo's answer: prices as they were traded beside adjusted ones."""
    ticker = request.path.split("/")[-2]
    first, end = (date.fromisoformat(request.query[name]) for name in ("startDate", "endDate"))
    bars = [bar for bar in history(ticker, last) if first <= bar.day <= end]
    if not bars:
        return reply({"detail": "Not found."}, 404)
    on, new = SPLITS.get(ticker, (date.min, 1))
    body = []
    for bar in bars:
        ratio = new if bar.day < on else 1
        prices = {name: round(getattr(bar, name) * ratio, 4) for name in ("open", "high", "low", "close")}
        adjusted = {"adjClose": bar.adj_close, "divCash": round(bar.dividend * ratio, 4)}
        split = {"splitFactor": float(new) if bar.day == on else 1.0, "volume": bar.volume // ratio}
        body.append({"date": f"{bar.day}T00:00:00.000Z", **prices, **adjusted, **split})
    return reply(body)


def made_facts(ticker: str, whole: bool) -> dict[str, Any]:
    """A companyfacts body of the figures that were collected with their tags; without the newest filing if not `whole`."""
    rows = [row for row in rows_of(SHARED / "facts" / "company_facts.csv") if row["ticker"] == ticker]
    rows = [row for row in rows if row["tag"].startswith("us-gaap:") and row["accession"]]
    newest = max((row["filed"] for row in rows), default="")
    found: dict[str, Any] = {}
    for row in rows:
        if not whole and row["filed"] == newest:
            continue
        entry: dict[str, Any] = {
            "end": row["period_end"],
            "val": int(float(row["value_usd"])),
            "accn": row["accession"],
        }
        entry |= {"fy": int(row["filing_fiscal_year"]), "fp": row["filing_fiscal_period"], "form": row["form"]}
        entry |= {"filed": row["filed"], **({"start": row["period_start"]} if row["period_start"] else {})}
        tag = row["tag"].partition(":")[2]
        found.setdefault(tag, {"units": {"USD": []}})["units"]["USD"].append(entry)
    if not found:  # nothing was collected of it: one quarter of round figures
        quarter: dict[str, Any] = {
            "start": "2026-04-01",
            "end": "2026-06-30",
            "accn": "0000-26-000001",
            "fy": 2026,
            "fp": "Q2",
        }
        quarter |= {"form": "10-Q", "filed": "2026-07-30"}
        for tag, value in (("PaymentsToAcquirePropertyPlantAndEquipment", 10**9), ("Revenues", 9 * 10**9)):
            found[tag] = {"units": {"USD": [{**quarter, "val": value}]}}
    return {"cik": CIKS[ticker], "entityName": ticker, "facts": {"us-gaap": found}}


def play_sec(server: Any, whole: bool) -> None:
    for ticker, cik in CIKS.items():
        recorded = FACTS.get(ticker)
        body = RECORDED / "sec" / f"{recorded}.json.gz" if recorded else made_facts(ticker, whole)
        version = ticker if recorded else f"{ticker}-{whole}"
        server.body(f"/api/xbrl/companyfacts/CIK{cik:010}.json", body, etag=f'"{version}"')
    play_filings(server)


def play_filings(server: Any) -> None:
    """One report of each company whose filings are read, in excerpts made by hand."""
    for ticker, (accession, filed, form, page, excerpt) in FILINGS.items():
        fields = {
            "accessionNumber": accession,
            "filingDate": filed,
            "form": form,
            "primaryDocument": page,
            "isInlineXBRL": 1,
        }
        recent = {name: [value] for name, value in fields.items()}
        server.body(f"/submissions/CIK{CIKS[ticker]:010}.json", {"filings": {"recent": recent, "files": []}})
        folder = f"/Archives/edgar/data/{CIKS[ticker]}/{accession.replace('-', '')}"
        server.body(f"{folder}/{page}", (ROOT / "tests" / "excerpts" / excerpt).read_bytes())


def play_odd_filers(server: Any) -> str:
    """Made-up filers that each show one situation; gives their tickers."""
    play_sec(server, whole=True)
    listed: dict[str, dict[str, Any]] = {}
    for path in sorted((RECORDED / "cases").glob("*/companyfacts_*.json")):
        ticker, cik = path.stem.partition("_")[2], int(json.loads(path.read_text())["cik"])
        listed[str(len(listed))] = {"cik_str": cik, "ticker": ticker, "title": ticker}
        server.body(f"/api/xbrl/companyfacts/CIK{cik:010}.json", path, etag=f'"{ticker}"')
    server.body("/files/company_tickers.json", listed)
    odd = RECORDED / "cases" / "07-nine-months-under-the-quarter" / "meta1_body.json"
    server.body(f"/api/xbrl/companyfacts/CIK{CIKS['META']:010}.json", odd, etag='"META-odd"')
    return ",".join(entry["ticker"] for entry in listed.values())


def play_azure(server: Any) -> None:
    """The recorded page, then one of the newest recorded list prices in the same form."""
    page = json.loads((SAMPLES / "azure_retail_prices_h100_2026-09-16.json").read_text())
    sample = page["Items"][0]
    rows = rows_of(RECORDED / "gpu" / "azure_on_demand_gpu_2023-10_2026-06.csv.gz")
    newest = max(row["generated_on"] for row in rows)
    items = []
    for number, row in enumerate(rows):
        if row["generated_on"] == newest and row["region"] in AZURE_REGIONS:
            size, price = row["vm_size"], float(row["usd_per_hour"])
            names = {"armSkuName": size, "armRegionName": row["region"], "meterName": size.removeprefix("Standard_")}
            items.append({**sample, **names, "skuName": names["meterName"], "skuId": f"made/{number}",
                          "retailPrice": price, "unitPrice": price})  # fmt: skip
    path = "/api/retail/prices"
    server.body(path, page | {"NextPageLink": f"https://prices.azure.com{path}?page=2"})
    server.body(f"{path}?page=2", page | {"Items": items, "NextPageLink": None, "Count": len(items)})


def play_aws(server: Any) -> None:
    """The recorded list in the form of the offer file, with the newest recorded list prices added to it."""
    offer = json.loads((SAMPLES / "aws_price_list_p5_made-to-form.json").read_text())
    sample = offer["products"]["AAAAAAAAAAAAAAAA"]
    rows = rows_of(RECORDED / "gpu" / "aws_us-east-1_on_demand_2022-06_2026-07.csv")
    newest = max(row["generated_on"] for row in rows)
    for number, row in enumerate(row for row in rows if row["generated_on"] == newest):
        if row["instance_type"] == sample["attributes"]["instanceType"]:
            continue
        sku = f"MADE{number:012}"
        attributes = sample["attributes"] | {"instanceType": row["instance_type"], "gpu": "0"}
        offer["products"][sku] = sample | {"sku": sku, "attributes": attributes}
        price = {"unit": "Hrs", "pricePerUnit": {"USD": row["usd_per_hour"]}, "appliesTo": []}
        term = {"sku": sku, "priceDimensions": {f"{sku}.JRTCKXETXF.6YS6EN2CT7": price}, "termAttributes": {}}
        offer["terms"]["OnDemand"][sku] = {f"{sku}.JRTCKXETXF": term}
    server.body("/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.json", offer, etag='"aws"')


def play_skypilot(server: Any) -> None:
    """Version 8 of the catalogue: Lambda's file as recorded, other clouds' from a collection in other columns."""
    folder = "/skypilot-org/skypilot-catalog/master/catalogs/v8"
    server.body(f"{folder}/lambda/vms.csv", RECORDED / "gpu" / "skypilot" / "lambda_v8_2026_rows.csv")
    rows = rows_of(RECORDED / "gpu" / "skypilot" / "skypilot_v6_all_clouds_stamped_2026-03-21.csv.gz")
    for cloud in SKYPILOT_CLOUDS:
        out = io.StringIO()
        out.write(f"{SKYPILOT_COLUMNS}\n")
        writer = csv.writer(out, lineterminator="\n")
        for row in rows:
            if row["provider"] == cloud and row["pricing_type"] in ("on_demand", "spot"):
                # That collection keeps the catalogue's own name of some chips in the column of the memory.
                kept = row["gpu_memory_gb"]
                chip = kept if kept and not kept.startswith("{") else row["gpu_name"]
                price = (
                    (row["price_per_hour"], "") if row["pricing_type"] == "on_demand" else ("", row["price_per_hour"])
                )
                writer.writerow([row["instance_type"], chip, row["gpu_count"], 1, 1, price[0], row["region"],
                                 row["zone"], "", price[1]])  # fmt: skip
        server.body(f"{folder}/{cloud}/vms.csv", out.getvalue())


def play_epoch(server: Any, lists: str, modified: str) -> None:
    for name in ("notable_ai_models", "large_scale_ai_models"):
        path = RECORDED / "training" / f"epoch_{name}_{lists}.csv.gz"
        server.body(f"/data/{name}.csv", path, last_modified=modified)
    for name, day, stamp in (
        ("ml_hardware", "2026-04-22", "Wed, 22 Apr 2026 09:00:00 GMT"),
        ("benchmarked_models", "2026-08-22", "Sat, 22 Aug 2026 09:00:00 GMT"),
    ):
        server.body(f"/data/{name}.csv", RECORDED / "training" / f"epoch_{name}_{day}.csv", last_modified=stamp)


def play_gpu_lists(server: Any, day: str) -> None:
    play_azure(server)
    play_aws(server)
    play_skypilot(server)
    server.body("/pls/apex/cetools/api/v1/products/", SAMPLES / "oracle_products_usd_2026-08-14.json")
    offers = RECORDED / "gpu" / "gpurentalprices_2026" / f"{day}.json.gz"
    server.body("/adriannutiu/gpu-rental-prices/main/data/latest.json", offers, etag=f'"{day}"')


def first_day(server: Any, reply: Any) -> dict[str, str]:
    play_sec(server, whole=False)
    play_gpu_lists(server, "2026-08-21")
    play_epoch(server, "2025-12-02", "Tue, 02 Dec 2025 09:00:00 GMT")
    server.answer("/v8/finance/chart/", partial(yahoo_chart, FIRST_DAY_BARS, reply))
    return {}


def next_day(server: Any, reply: Any) -> dict[str, str]:
    """More bars, some of them after a dividend, so on another basis; a new filing; a new list of models; new offers."""
    play_sec(server, whole=True)
    play_gpu_lists(server, "2026-08-22")
    play_epoch(server, "2026-08-19", "Wed, 19 Aug 2026 09:00:00 GMT")
    server.answer("/v8/finance/chart/", partial(yahoo_chart, NEXT_DAY_BARS, reply))
    return {}


def odd_cases(server: Any, reply: Any) -> dict[str, str]:
    """Situations from public bug reports, rows that must be quarantined, and the sources that need a key or a licence."""
    tickers = play_odd_filers(server)
    server.body("/api/retail/prices", RECORDED / "cases" / "13-azure-two-price-periods" / "minimal.json")
    play_epoch(server, "2026-08-19", "Wed, 19 Aug 2026 09:00:00 GMT")
    odd = RECORDED / "cases" / "32-epoch-dated-updates" / "epoch_odd_odd_rows.csv"
    server.body("/data/notable_ai_models.csv", odd, last_modified="Wed, 19 Aug 2026 09:00:00 GMT")
    server.answer("/tiingo/daily/", partial(tiingo_prices, NEXT_DAY_BARS, reply))
    server.body("/api/v1/instance-types", SAMPLES / "lambda_instance_types_2026-06.json")
    server.body("/graphql", SAMPLES / "runpod_graphql_gputypes_2026-08.json")
    server.body("/api/v0/bundles/", SAMPLES / "vast_bundles_h100_sxm_2026-08_trimmed.json")
    return {"OVERBUILD_TICKERS": tickers}


PLAYS: dict[str, Callable[[Any, Any], dict[str, str]]] = {
    "first day": first_day,
    "next day": next_day,
    "odd cases": odd_cases,
}
ADDRESSES = ("SEC", "YAHOO", "AZURE_PRICES", "AWS_PRICES", "SKYPILOT", "ORACLE_PRICES", "GPURENTALPRICES", "EPOCH",
             "TIINGO", "LAMBDA", "VAST", "RUNPOD")  # fmt: skip
NOBODY = "http://127.0.0.1:9"


def live_server_module() -> Any:
    """The local server of this checkout's tests; loaded from its file, since the folders of the tests may move."""
    found = sorted((ROOT / "tests").rglob("live_server.py"))
    if not found:
        sys.exit(f"{ROOT / 'tests'}: there is no live_server.py.")
    spec = importlib.util.spec_from_file_location("live_server_of_the_tests", found[0])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    # The server would print a trace for each client that ends with its connection open.
    socketserver.BaseServer.handle_error = lambda *_: None  # type: ignore[method-assign]
    return module
