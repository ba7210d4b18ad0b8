"""An export is whole, valid to the library of its standard, the same for the same facts, and passes on what it may."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date

import frictionless
import polars as pl
import pytest

from tests.reports.made_warehouses import CONDITION, EVIDENCE, QUARTER, VERDICT, publish
from tests.runs import command
from warehouse.database.releases import reading
from warehouse.errors import StorageError
from warehouse.paths import WAREHOUSE
from warehouse.reports.export import package, terms, write
from warehouse.spreadsheet import neutral_text
from warehouse.tables import CORE

RUN = "20251101T000000-aaaa"
FORMULA = '=HYPERLINK("http://example.com","<b>a, b</b>")'
BAR = {"ticker": "MSFT", "date": date(2025, 10, 30), "open": 520.0, "high": 525.0, "low": 515.0, "close": 522.0,
       "adj_close": 522.0, "volume": 20_000_000}  # fmt: skip
OFFER = {"observation_id": "o1", "provider": "Vast.ai", "instance": "1x", "gpu_count": 1, "region": "",
         "gpu_model": "H100 SXM", "usd_per_gpu_hour": 1.9, "provider_class": "marketplace",
         "pricing_kind": "marketplace", "observed_on": date(2026, 10, 1)}  # fmt: skip
MARTS = {
    "verdict": [VERDICT],
    "verdict_conditions": [CONDITION | {"comparison": "==", "statement": FORMULA}],
    "capex_quarterly": [QUARTER | {"reasons": ['{"reason_code": "x"}', "שלום, עולם"], "fact_ids": ["f1", "f2"]}],
}
FACTS = {"evidence": [EVIDENCE | {"note": FORMULA}, EVIDENCE | {"evidence_id": "EV2", "note": "-0.5"}]}

BARS = {"stock_prices": [BAR | {"source": "yahoo"}, BAR | {"ticker": "SPY"}]}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("export") / "home"
    publish(home, RUN, MARTS, FACTS | BARS)
    return home


@pytest.fixture(scope="module")
def exported(home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "taken away"
    with reading(home / "current" / WAREHOUSE) as connection:
        write.write(folder, connection)
    return folder


def rows(folder, table):
    with (folder / f"{table.replace('.', '/')}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_frictionless_finds_nothing_wrong(exported):
    report = frictionless.Package(str(exported / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "type", "message"])
    assert report.stats["errors"] == 0


def test_frictionless_would_find_what_is_wrong(exported, tmp_path):
    """A value that is not allowed, a number below its bound and a key that is there twice are seen with this package."""
    described = json.loads((exported / "datapackage.json").read_text())
    schemas = {each["name"]: each["schema"] for each in described["resources"] if each["type"] == "table"}
    verdict = rows(exported, "marts.verdict")[0]
    wrong = [verdict | {"verdict": "perhaps"}, verdict | {"leaning_probability": "1.5"}]
    path = tmp_path / "verdict.csv"
    pl.DataFrame(wrong).write_csv(path)
    found = frictionless.Resource(
        path=path.name, basepath=str(tmp_path), schema=frictionless.Schema.from_descriptor(schemas["marts.verdict"])
    ).validate()
    assert {"constraint-error", "primary-key"} <= set(
        found.flatten(["type"])[i][0] for i in range(found.stats["errors"])
    )


def test_every_mart_and_table_of_facts_is_there_twice(exported):
    described = json.loads((exported / "datapackage.json").read_text())
    paths = {each["path"] for each in described["resources"]}
    assert {f"core/{name}.{kind}" for name in CORE for kind in ("csv", "parquet")} <= paths
    assert {"marts/verdict.csv", "marts/verdict.parquet", "provenance/documents.csv"} <= paths
    on_disk = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert on_disk == paths | {"datapackage.json", "index.html", "LICENSE.txt", "CITATION.cff"}


def test_columns_have_their_type_unit_and_allowed_values(exported):
    described = json.loads((exported / "datapackage.json").read_text())
    schemas = {each["name"]: each["schema"] for each in described["resources"] if each["type"] == "table"}
    fields = {each["name"]: each for each in schemas["marts.capex_quarterly"]["fields"]}
    assert (fields["capex_usd"]["type"], fields["capex_usd"]["unit"]) == ("number", "USD")
    assert fields["period_end"]["type"] == "date"
    assert fields["grade"]["constraints"]["enum"] == ["A", "B", "C", "D"]
    assert schemas["marts.capex_quarterly"]["primaryKey"] == ["ticker", "period_end"]
    assert schemas["core.evidence"]["primaryKey"] == ["fact_id"]


def test_parquet_and_csv_hold_what_the_warehouse_holds(exported):
    (capex,) = pl.read_parquet(exported / "marts/capex_quarterly.parquet").to_dicts()
    assert (capex["capex_usd"], capex["fact_ids"], capex["reasons"][1]) == (19.4e9, ["f1", "f2"], "שלום, עולם")
    (line,) = rows(exported, "marts.capex_quarterly")
    assert float(line["capex_usd"]) == 19.4e9
    assert json.loads(line["reasons"])[1] == "שלום, עולם"
    assert line["revenue_usd"] == "", "what is unknown is empty"


def test_no_cell_of_csv_is_run_as_a_formula(exported, home, tmp_path):
    notes = {line["evidence_id"]: line["note"] for line in rows(exported, "core.evidence")}
    assert notes == {"EV1": f"'{FORMULA}", "EV2": "-0.5"}, "a plain number is none"
    assert rows(exported, "marts.verdict_conditions")[0]["comparison"] == "'=="
    assert pl.read_parquet(exported / "core/evidence.parquet")["note"][0] == FORMULA
    assert command(home, "export", str(tmp_path / "raw"), "--raw").returncode == 0
    assert rows(tmp_path / "raw", "core.evidence")[0]["note"] == FORMULA
    assert frictionless.Package(str(tmp_path / "raw" / "datapackage.json")).validate().valid


@pytest.mark.parametrize(
    ("text", "neutral"),
    [("=1+1", "'=1+1"), ("+175% y/y", "'+175% y/y"), ("@SUM(A1)", "'@SUM(A1)"), ("-2+3", "'-2+3"), ("\t=1", "'\t=1"),
     ("-600000000000", "-600000000000"), ("+1.5e-3", "+1.5e-3"), ("a=b", "a=b"), ("", "")],
)  # fmt: skip
def test_what_counts_as_a_formula(text, neutral):
    assert neutral_text(text) == neutral


def test_the_page_of_the_schema_escapes_and_leads_nowhere_else(exported):
    page = (exported / "index.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert 'href="marts/verdict.csv"' in page


def test_rows_that_may_not_be_passed_on_are_left_out_and_said_to_be(exported, home, tmp_path):
    assert [line["ticker"] for line in rows(exported, "core.stock_prices")] == ["SPY"]
    described = json.loads((exported / "datapackage.json").read_text())
    bars = next(each for each in described["resources"] if each["name"] == "core.stock_prices")
    assert (bars["rows"], bars["withheld_rows"]) == (1, 1)
    assert "core.stock_prices: 1" in (exported / "LICENSE.txt").read_text()
    assert "not passed on" in (exported / "LICENSE.txt").read_text(), "the source's own terms"

    done = command(home, "export", str(tmp_path / "all"), OVERBUILD_LICENSED_SOURCES="vast")
    assert "left out: 1 rows of core.stock_prices" in done.stderr
    done = command(home, "export", str(tmp_path / "own"), "--own-use", "--gzip")
    with gzip.open(tmp_path / "own/core/stock_prices.csv.gz", "rt") as file:
        assert len(list(csv.DictReader(file))) == 2
    assert "must not be passed on" in (tmp_path / "own" / "LICENSE.txt").read_text()
    assert frictionless.Package(str(tmp_path / "own" / "datapackage.json")).validate().valid


def test_an_index_of_licensed_offers_is_left_out_with_them(tmp_path):
    listed = {name: OFFER[name] for name in ("provider", "gpu_model", "provider_class", "pricing_kind", "observed_on",
                                             "usd_per_gpu_hour")}  # fmt: skip
    listed["grade"] = "A"
    other = {"provider": "Lambda", "provider_class": "specialist", "pricing_kind": "on_demand"}
    gpu = {"offers": [listed, listed | other], "gpu_price_index": [], "gpu_price_chain": [], "gpu_price_trend": [],
           "gpu_price_comparison": []}  # fmt: skip
    facts = {"gpu_prices": [OFFER | {"source": "vast"}, OFFER | other | {"observation_id": "o2", "source": "skypilot"}]}
    paths = publish(tmp_path / "home", RUN, gpu, facts)
    with reading(paths.current / WAREHOUSE) as connection:
        found = terms.withheld(connection)
        left = connection.execute("SELECT rowid FROM marts.offers WHERE provider = 'Vast.ai'").fetchone()
    assert found.count("core.gpu_prices") == 1
    assert found.rows["marts.offers"] == set(left)


def test_the_version_is_that_of_the_contents(home, exported, tmp_path):
    version = json.loads((exported / "datapackage.json").read_text())["version"]
    assert version.startswith("2025-10-31+")
    publish(tmp_path / "other", "20251115T101010-cccc", MARTS, FACTS | BARS)
    command(tmp_path / "other", "export", str(tmp_path / "again"))
    assert json.loads((tmp_path / "again" / "datapackage.json").read_text())["version"] == version
    publish(tmp_path / "third", RUN, MARTS | {"capex_quarterly": [QUARTER | {"capex_usd": 19.5e9}]}, FACTS)
    command(tmp_path / "third", "export", str(tmp_path / "changed"))
    assert json.loads((tmp_path / "changed" / "datapackage.json").read_text())["version"] != version
    with reading(home / "current" / WAREHOUSE) as connection:
        write.write(tmp_path / "twice", connection)
    for path in exported.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "twice" / path.relative_to(exported)).read_bytes(), path.name


def test_a_folder_that_holds_other_files_is_refused_and_left_alone(home, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    done = command(home, "export", str(folder))
    assert done.returncode == 2
    assert "thesis.txt" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    (tmp_path / "a file").write_text("")
    assert command(home, "export", str(tmp_path / "a file")).returncode == 2


def test_an_earlier_export_is_replaced_unless_something_was_added_to_it(home, tmp_path):
    folder = tmp_path / "export"
    assert command(home, "export", str(folder)).returncode == 0
    (folder / "marts" / "verdict.csv").write_text("changed")
    assert command(home, "export", str(folder)).returncode == 0
    assert rows(folder, "marts.verdict")[0]["verdict"] == "cannot_tell"
    (folder / "marts" / "notes.txt").write_text("my notes")
    assert "notes.txt" in command(home, "export", str(folder)).stderr


def test_a_half_export_never_stays(home, tmp_path, monkeypatch):
    earlier = tmp_path / "export"
    command(home, "export", str(earlier))
    before = sorted(path.name for path in tmp_path.iterdir())
    real = write.csv_bytes

    def full(rows, lists, *, raw):
        if "headline" in rows.columns:
            raise OSError(28, "No space left on device")
        return real(rows, lists, raw=raw)

    monkeypatch.setattr(write, "csv_bytes", full)
    with reading(home / "current" / WAREHOUSE) as connection, pytest.raises(StorageError, match="No space left"):
        write.write(earlier, connection)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (earlier / "datapackage.json").exists()


def test_every_declared_table_makes_a_valid_schema():
    for table in write.tables():
        described = package.schema(table)
        assert not list(frictionless.Schema.metadata_validate(described)), table.full_name
