"""Epoch AI's lists: known answers from recorded files, whole vintages or none, and lists that changed their shape."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl
import pytest

from tests.by_sql import checks_as_sql  # noqa: F401  (for the whole file)
from tests.conftest import EXCERPTS, SHARED, recorded
from tests.sources import said
from warehouse.database.store import opened
from warehouse.errors import DocumentError
from warehouse.paths import create_folders, paths_of
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.ingest import ingest, load
from warehouse.pipeline.quarantine import quarantine
from warehouse.settings import Settings
from warehouse.sources import epoch
from warehouse.sources.common.source import Batch, Received
from warehouse.sources.epoch import CAPABILITIES, HARDWARE, LARGE_SCALE, NOTABLE, PAIR

RECORDED = {
    NOTABLE: "epoch_notable_ai_models_2026-08-19.csv.gz",
    LARGE_SCALE: "epoch_large_scale_ai_models_2026-08-19.csv.gz",
    HARDWARE: "epoch_ml_hardware_2026-04-22.csv",
    CAPABILITIES: "epoch_benchmarked_models_2026-08-22.csv",
}
MODELS = list(epoch.MODELS)
SOURCE = epoch.SOURCES[0]


def excerpt(name: str) -> bytes:
    """A list of a few rows, made by hand in the form of the real one."""
    return (EXCERPTS / f"epoch_{name}").read_bytes()


def body(name: str) -> bytes:
    """A whole list as recorded."""
    raw = recorded("training", RECORDED[name]).read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


@dataclass
class Site:
    """What the source fetches from: its files, when each was received, and what is loaded already."""

    files: Mapping[str, bytes | None]
    now: datetime = datetime(2026, 8, 19, 12, tzinfo=UTC)
    received: dict[str, datetime] = field(default_factory=dict)
    modified: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, list[tuple[date, str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    span: None = None

    def get(self, url: str, *, name: str, expect: str) -> Received | None:
        assert url == f"https://epoch.ai/data/{name}"
        assert expect == "csv"
        self.asked.append(name)
        content = self.files.get(name)
        if content is None:
            return None
        received_at, modified = self.received.get(name, self.now), self.modified.get(name)
        return Received(name, url, "text/csv", content, received_at, last_modified=modified)

    def newest(self, table: str, by: str, day: str) -> dict[str, date]:
        return {}

    def rows(self, table: str, *columns: str) -> list[tuple[date, str, str]]:
        assert columns == ("known_on", "document_sha256", "source")
        return self.loaded.get(table, [])

    def values(self, table: str, column: str) -> list[str]:
        return []


def fetched(site: Site) -> dict[str, Received]:
    received = SOURCE.fetch(site)  # type: ignore[arg-type]  # the source asks for no more than a Site has
    return {one.name: one for one in received}


def parsed(received: Received) -> list[Batch]:
    assert received.fetched_at is not None
    return list(SOURCE.parse(received.document("0" * 64)))


def table_of(site: Site, name: str) -> pl.DataFrame:
    [batch] = parsed(fetched(site)[name])
    assert batch.unreadable.is_empty()
    return batch.frame


def edited(name: str, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> bytes:
    rows = change(list(csv.DictReader(io.StringIO(excerpt(name).decode("utf-8-sig"), newline=""))))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def models(*names: str, **fields: str) -> bytes:
    """A small list of models."""
    rows = [dict.fromkeys(MODELS, "") | {"Model": name, "Publication date": "2025-01-20"} | fields for name in names]
    out = io.StringIO()
    writer = csv.DictWriter(out, MODELS)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


# -- known answers ----------------------------------------------------------------------------------------------------


def test_an_excerpt_of_both_lists_of_models():
    [batch] = parsed(fetched(Site({NOTABLE: excerpt(NOTABLE), LARGE_SCALE: excerpt(LARGE_SCALE)}))[PAIR])
    assert batch.unreadable.is_empty()
    columns = ["model", "organization", "published", "training_flop", "hardware_quantity", "base_model", "confidence"]
    assert batch.frame.sort("model").select(columns).rows() == [
        ("Closed-Net", "Lab A,Lab B", date(2025, 3, 1), None, None, None, "Confident"),
        ("DeepSeek-R1", "DeepSeek", date(2025, 1, 20), 3.5e24, None, "DeepSeek-V3", "Confident"),
        ("DeepSeek-V3", "DeepSeek", date(2024, 12, 24), 3.4e24, 2048.0, None, "Confident"),
        ("Deep_Net 2 Pro", "Lab A", date(2025, 6, 1), 9e24, None, None, "Unverified"),
        ("GPT-4o", "OpenAI", date(2024, 5, 13), None, None, None, "Speculative"),
    ]
    assert batch.frame.select("vintage", "known_on").unique().rows() == [(date(2026, 8, 19), date(2026, 8, 19))]


def test_an_excerpt_of_the_chips_has_our_names_and_dense_figures():
    found = table_of(Site({HARDWARE: excerpt(HARDWARE)}), HARDWARE)
    columns = ["gpu_model", "bf16_dense_tflops", "fp8_dense_tflops", "memory_gb", "interconnect_gb_per_s"]
    assert found.sort("gpu_model").select(columns).rows() == [
        ("B200", 2250.0, 4500.0, 180.0, 1800.0),
        ("H100 SXM", 989.4, 1979.0, 80.0, 900.0),
        ("H800 SXM", 989.0, 1979.0, 80.0, 400.0),
        ("RTX 4090", 165.2, 330.3, 24.0, None),
        ("TPU v5p", 459.0, None, 95.0, None),
    ]
    since = dict(found.select("gpu_model", "export_restricted_since").iter_rows())
    assert (since["H800 SXM"], since["TPU v5p"]) == (date(2023, 10, 23), None)
    rtx = found.row(by_predicate=pl.col("gpu_model") == "RTX 4090", named=True)
    assert (rtx["list_price_usd"], "330 is with sparsity" in rtx["note"]) == (1599.0, True)


def test_an_excerpt_of_the_capabilities_keeps_the_best_score_of_a_name():
    found = table_of(Site({CAPABILITIES: excerpt(CAPABILITIES)}), CAPABILITIES)
    columns = ["model", "base_name", "variant", "released", "eci", "eci_low", "eci_high", "training_flop"]
    assert found.sort("model").select(columns).rows() == [
        ("DeepSeek-R1", "DeepSeek-R1", "", date(2025, 1, 20), 139.56, 136.82, 140.78, 3.5e24),
        ("o1 (high)", "o1", "o1 (high)", date(2024, 12, 17), 142.57, 140.56, 143.67, None),
        ("o1 (low)", "o1", "o1 (low)", date(2024, 12, 17), 139.5, 138.0, 141.0, None),
    ]


def test_the_union_of_both_lists_is_the_vintage_that_the_team_compiled():
    found = table_of(Site({NOTABLE: body(NOTABLE), LARGE_SCALE: body(LARGE_SCALE)}), PAIR)
    facts = pl.read_csv(SHARED / "facts" / "ai_models.csv", infer_schema=False).filter(
        pl.col("vintage") == "2026-08-19"
    )
    # The team kept one model in both of its spellings: without compute in one list, with it in the other.
    twice = pl.col("model").is_in(["DeepSeek-V4-Pro-0813", "DeepSeek V4 Pro 0813"])
    assert facts.filter(twice).height == 2
    assert found.filter(twice).select("model", "training_flop").rows() == [("DeepSeek-V4-Pro-0813", 9.702e24)]
    found, facts = found.filter(~twice), facts.filter(~twice)
    assert found.height == facts.height == 1044
    assert found.get_column("model").is_unique().all()
    expected = facts.with_columns(pl.all().str.strip_chars().replace("", None)).with_columns(
        pl.col("training_flop", "parameters", "hardware_quantity").cast(pl.Float64),
        pl.col("published", "vintage").str.to_date(),
    )
    columns = ["model", "vintage", "organization", "published", "training_flop", "parameters", "training_hardware",
               "hardware_quantity", "base_model", "confidence", "grade", "citation"]  # fmt: skip
    assert found.select(columns).sort("model").equals(expected.select(columns).sort("model"))
    assert found.get_column("known_on").unique().to_list() == [date(2026, 8, 19)]


def test_a_list_is_known_from_the_day_it_was_received():
    found = table_of(
        Site({NOTABLE: models("A"), LARGE_SCALE: models("B")}, datetime(2026, 11, 10, 3, tzinfo=UTC)), PAIR
    )
    assert found.select("model", "vintage", "known_on").rows() == [
        ("A", date(2026, 11, 10), date(2026, 11, 10)), ("B", date(2026, 11, 10), date(2026, 11, 10)),
    ]  # fmt: skip
    assert found.get_column("citation")[0] == "Epoch AI, Data on AI Models, vintage 2026-11-10 (CC BY 4.0)"


def test_confident_models_without_compute_stay_without_it():
    found = table_of(Site({NOTABLE: body(NOTABLE), LARGE_SCALE: body(LARGE_SCALE)}), PAIR)
    censored = found.filter(pl.col("confidence") == "Confident", pl.col("training_flop").is_null())
    assert censored.height > 100
    assert found.get_column("organization").str.contains(",").any(), (
        "several organisations stay one cell, as in the list"
    )


def test_chips_have_our_names_and_dense_figures():
    found = table_of(Site({HARDWARE: body(HARDWARE)}), HARDWARE)
    facts = pl.read_csv(SHARED / "facts" / "gpu_specs.csv", infer_schema=False)
    assert set(found.get_column("gpu_model")) == set(facts.get_column("gpu_model")) - {
        "A100 PCIe 40GB", "A100 PCIe 80GB", "L40S", "RTX 5090",  # joined in one row, or absent there
    }  # fmt: skip
    both = found.join(facts, on="gpu_model", suffix="_known")
    for column in ("bf16_dense_tflops", "fp8_dense_tflops", "memory_gb", "interconnect_gb_per_s"):
        known = pl.col(f"{column}_known").replace("", None).cast(pl.Float64)
        unlike = both.filter(
            ((pl.col(column) - known).abs() > 0.001 * known) | pl.col(column).is_null().xor(known.is_null())
        )
        assert unlike.select("gpu_model", column).rows() == [], column
    since = pl.col("export_restricted_since_known").replace("", None).str.to_date()
    assert both.filter(pl.col("export_restricted_since").ne_missing(since)).is_empty()
    rtx = found.row(by_predicate=pl.col("gpu_model") == "RTX 4090", named=True)
    assert rtx["bf16_dense_tflops"] == 165.2
    assert "330 is with sparsity" in rtx["note"]
    h800 = found.row(by_predicate=pl.col("gpu_model") == "H800 SXM", named=True)
    assert (h800["bf16_dense_tflops"], h800["interconnect_gb_per_s"], h800["list_price_usd"]) == (989.0, 400.0, None)


def test_capabilities_hold_every_row_that_the_team_compiled():
    found = table_of(Site({CAPABILITIES: body(CAPABILITIES)}, datetime(2026, 8, 22, tzinfo=UTC)), CAPABILITIES)
    facts = pl.read_csv(SHARED / "facts" / "model_capability.csv", infer_schema=False).select(
        pl.col("model").fill_null("").str.strip_chars().alias("variant"), "base_name", pl.col("released").str.to_date(),
        *(pl.col(c).cast(pl.Float64) for c in ("eci", "eci_low", "eci_high", "training_flop")),
        "organization", "citation",
    )  # fmt: skip
    assert facts.join(found, on=facts.columns, how="anti", nulls_equal=True).is_empty()
    key = found.select("model", "variant", "base_name", "released")
    assert key.is_unique().all()


# -- whole vintages or none -------------------------------------------------------------------------------------------


def test_half_a_list_is_no_vintage():
    site = Site({NOTABLE: models("A"), LARGE_SCALE: None})
    got = fetched(site)
    assert set(got) == {NOTABLE}, "the file that came is kept, and no pair is made of it"
    assert parsed(got[NOTABLE]) == []
    assert site.asked == [NOTABLE, LARGE_SCALE, HARDWARE, CAPABILITIES]


def test_a_file_that_did_not_change_is_part_of_the_next_vintage():
    before, after = datetime(2026, 8, 12, tzinfo=UTC), datetime(2026, 8, 19, tzinfo=UTC)
    site = Site({NOTABLE: models("A", "C"), LARGE_SCALE: models("B")}, after, {LARGE_SCALE: before})
    found = table_of(site, PAIR)
    assert found.select("model", "vintage").rows() == [(m, date(2026, 8, 19)) for m in "ACB"]


FILES = {NOTABLE: models("A"), LARGE_SCALE: models("B"), HARDWARE: b"x"}
MODIFIED = "Mon, 17 Aug 2026 23:30:00 GMT"
ALL_MODIFIED = dict.fromkeys(FILES, MODIFIED)


def hashed(content: bytes | None) -> str:
    return hashlib.sha256(content or b"").hexdigest()


def test_unchanged_files_give_the_same_document_again():
    site = Site(FILES, datetime(2026, 8, 12, tzinfo=UTC))
    first = fetched(site)
    of_models = [(date(2026, 8, 12), hashed(FILES[name]), "epoch") for name in (NOTABLE, LARGE_SCALE)]
    of_chips = [(date(2026, 8, 12), hashed(FILES[HARDWARE]), "epoch")]
    again = fetched(Site(FILES, loaded={"ai_models": of_models, "gpu_specs": of_chips}, modified=ALL_MODIFIED))
    for name in (PAIR, HARDWARE):
        assert (first[name].content, first[name].context) == (again[name].content, again[name].context)


def both(row: tuple[date, str, str]) -> dict[str, list[tuple[date, str, str]]]:
    return {"ai_models": [row], "gpu_specs": [row]}


def vintage(site: Site) -> str:
    found = fetched(site)
    days = {received.context["vintage"] for name, received in found.items() if name in (PAIR, HARDWARE)}
    [day] = days
    return day


def test_the_day_of_a_list_is_its_last_modified_where_the_host_sends_one():
    assert vintage(Site(FILES, modified=ALL_MODIFIED)) == "2026-08-17"
    assert vintage(Site(FILES, modified=dict.fromkeys(FILES, "yesterday"))) == "2026-08-19"
    assert vintage(Site(FILES, modified=dict.fromkeys(FILES, "Mon, 17 Aug 2099 23:30:00 GMT"))) == "2026-08-19"


def test_a_list_that_changed_back_is_a_vintage_of_its_own():
    old = Site(FILES, loaded=both((date(2026, 8, 18), "another list", "epoch")), modified=ALL_MODIFIED)
    assert vintage(old) == "2026-08-19", "later than the newest, though its host dates it back"


def test_a_list_that_changes_again_on_one_day_is_read_under_that_day():
    assert vintage(Site(FILES, loaded=both((date(2026, 8, 19), "this morning's list", "epoch")))) == "2026-08-19"


def test_the_packaged_list_is_not_ours():
    of_reference = both((date(2026, 8, 18), "packaged", "reference_training"))
    assert vintage(Site(FILES, loaded=of_reference, modified=ALL_MODIFIED)) == "2026-08-17"


def test_rows_name_the_file_that_they_were_read_from():
    site = Site({NOTABLE: models("A"), LARGE_SCALE: models("A", "B")})
    found = table_of(site, PAIR)
    hashes = {name: hashed(site.files[name]) for name in (NOTABLE, LARGE_SCALE)}
    assert found.select("model", "locator", "document_sha256").rows() == [
        ("A", f"{NOTABLE} line 2", hashes[NOTABLE]), ("B", f"{LARGE_SCALE} line 3", hashes[LARGE_SCALE]),
    ]  # fmt: skip


def test_files_that_disagree_are_named():
    site = Site({NOTABLE: models("A", Confidence="Likely"), LARGE_SCALE: models("A", Confidence="Confident")})
    [batch] = parsed(fetched(site)[PAIR])
    assert batch.frame.select("model", "confidence").rows() == [("A", "Likely")]
    assert "1 models are listed with different figures" in said.notices(batch.notices)[0]


def test_a_figure_of_one_list_stands_where_the_other_has_none():
    flop = {"Training compute (FLOP)": "3e25"}
    [batch] = parsed(fetched(Site({NOTABLE: models("A", "B"), LARGE_SCALE: models("A", **flop)}))[PAIR])
    assert batch.frame.sort("model").select("model", "training_flop", "locator").rows() == [
        ("A", 3e25, f"{LARGE_SCALE} line 2"), ("B", None, f"{NOTABLE} line 3"),
    ]  # fmt: skip
    assert "1 models are listed with different figures; the first that has training compute counts: A" in said.notices(
        batch.notices
    )


def test_one_model_in_two_spellings_counts_once_and_other_models_stay_apart():
    flop = {"Training compute (FLOP)": "3e25"}
    site = Site(
        {
            NOTABLE: models("Deep-Net_2 Pro", "PointNet", Organization="Lab"),
            LARGE_SCALE: models("deep net 2 Pro", "PointNet++", Organization="Lab", **flop),
        }
    )
    [batch] = parsed(fetched(site)[PAIR])
    assert batch.frame.select("model", "training_flop").sort("model").rows() == [
        ("Deep-Net_2 Pro", 3e25), ("PointNet", None), ("PointNet++", 3e25),
    ]  # fmt: skip
    assert "1 models are listed in a second spelling and count once: deep net 2 Pro" in said.notices(batch.notices)
    another = {"Publication date": "2025-06-01", "Organization": "Lab"}
    site = Site({NOTABLE: models("CaLM", Organization="Lab"), LARGE_SCALE: models("CALM", **another)})
    assert table_of(site, PAIR).height == 2, "of another day, it is another model"


def test_texts_with_quotes_commas_and_line_breaks_are_one_row_each():
    name = 'The "Big"\nModel, v2'
    found = table_of(Site({NOTABLE: models(name, "B", Organization="Lab A,Lab B"), LARGE_SCALE: models("C")}), PAIR)
    assert found.select("model", "organization", "locator").rows() == [
        (name, "Lab A,Lab B", f"{NOTABLE} line 2"), ("B", "Lab A,Lab B", f"{NOTABLE} line 4"), ("C", None, f"{LARGE_SCALE} line 2"),
    ]  # fmt: skip


# -- through the loading ----------------------------------------------------------------------------------------------


@pytest.fixture
def load_once(live_server, tmp_path, monkeypatch):
    """A function that asks for both lists of models once and loads them; gives what came of it and the models in core."""
    monkeypatch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0)
    paths = paths_of(Settings(home=tmp_path))
    create_folders(paths)
    settings = Settings(home=tmp_path, epoch_url=live_server.url)

    def once(notable: bytes, large_scale: bytes, modified: str | None = None):
        for name, content in ((NOTABLE, notable), (LARGE_SCALE, large_scale)):
            live_server.body(f"/data/{name}", content, media_type="text/csv", last_modified=modified)
        run = RunContext("run", datetime.now(UTC), paths, settings)
        with opened(tmp_path / "warehouse.duckdb", tmp_path / "staging.duckdb") as store:
            found = ingest(SOURCE, store, run)
            messages = quarantine(store, run, [found]).messages
            load(store)
            rows = store.frame("SELECT * FROM core.ai_models ORDER BY model, vintage")
            store.finish()
        failures = [str(failure) for failure in found.failures if failure.name == PAIR]
        return failures, messages, rows

    return once


def test_a_bad_row_costs_itself_and_not_the_list(load_once):
    notable, large_scale = models("A", "B"), models("C", **{"Training compute (FLOP)": "1e24 FLOP"})
    failures, messages, rows = load_once(notable, large_scale)
    assert failures == []
    assert rows.select("model", "document_sha256").rows() == [("A", hashed(notable)), ("B", hashed(notable))]
    assert messages == [f"{PAIR}, {LARGE_SCALE} line 2: training_flop: '1e24 FLOP' is not a number"]


def test_a_figure_that_changed_is_known_from_the_day_of_the_list_that_has_it(load_once):
    def flop(value: str) -> dict[str, str]:
        return {"Training compute (FLOP)": value}

    first, second = date(2026, 11, 2), date(2026, 11, 9)
    load_once(models("A", **flop("1e25")), models("B", **flop("2e24")), "Mon, 02 Nov 2026 09:00:00 GMT")
    _, _, rows = load_once(models("A", **flop("3e25")), models("B", **flop("2e24")), "Mon, 09 Nov 2026 09:00:00 GMT")
    assert rows.select("model", "vintage", "known_on", "training_flop").rows() == [
        ("A", first, first, 1e25), ("A", second, second, 3e25), ("B", first, first, 2e24), ("B", second, second, 2e24),
    ]  # fmt: skip


def test_a_list_with_mostly_bad_rows_takes_the_whole_vintage_with_it(load_once):
    failures, _, rows = load_once(models("A"), models("B", "C", **{"Training compute (FLOP)": "1e24 FLOP"}))
    assert rows.is_empty()
    assert len(failures) == 1
    assert "2 of 3 rows for core.ai_models are bad, so none was loaded" in failures[0]


# -- bad input --------------------------------------------------------------------------------------------------------


def test_a_gained_column_is_fine():
    gained = edited(HARDWARE, lambda rows: [row | {"Warranty": "2"} for row in rows])
    assert table_of(Site({HARDWARE: gained}), HARDWARE).height == 5


@pytest.mark.parametrize(
    ("name", "column"),
    [
        (HARDWARE, "Memory (bytes)"),
        (CAPABILITIES, "eci"),
        (NOTABLE, "Training compute (FLOP)"),
        (LARGE_SCALE, "Base model"),
    ],
)
def test_a_lost_column_is_named(name, column):
    lost = edited(name, lambda rows: [{k: v for k, v in row.items() if k != column} for row in rows])
    site = Site({NOTABLE: models("A"), LARGE_SCALE: models("B")} | {name: lost})
    with pytest.raises(DocumentError) as error:
        parsed(fetched(site)[PAIR if name in (NOTABLE, LARGE_SCALE) else name])
    assert f"{name}: column {column} is missing" in str(error.value)


@pytest.mark.parametrize(
    "content", [b"<!doctype html><title>Just a moment...</title>", b"", b"\x00\xff\x00", b'"Model']
)
def test_what_is_not_the_list_is_refused(content):
    site = Site({HARDWARE: content, CAPABILITIES: content, NOTABLE: content, LARGE_SCALE: models("B")})
    for name in (HARDWARE, CAPABILITIES, PAIR):
        with pytest.raises(DocumentError):
            parsed(fetched(site)[name])


def test_a_header_without_rows_is_refused():
    site = Site({NOTABLE: models("A"), LARGE_SCALE: models("B").splitlines()[0]})
    with pytest.raises(DocumentError, match="no rows below the header"):
        parsed(fetched(site)[PAIR])


def test_a_number_that_is_not_one_quarantines_its_row():
    site = Site({NOTABLE: models("A", **{"Training compute (FLOP)": "about 1e25"}), LARGE_SCALE: models("B")})
    [batch] = parsed(fetched(site)[PAIR])
    assert batch.frame.get_column("model").to_list() == ["B"]
    assert said.unread(batch.unreadable) == [("training_flop: 'about 1e25' is not a number", f"{NOTABLE} line 2")]


def test_a_model_without_a_day_is_quarantined_and_not_forgotten():
    site = Site(
        {
            NOTABLE: models("A", **{"Publication date": ""}),
            LARGE_SCALE: models("B", **{"Publication date": "2017-06-12"}),
        }
    )
    [batch] = parsed(fetched(site)[PAIR])
    assert batch.frame.is_empty(), "B is older than the list begins"
    assert [why for why, _ in said.unread(batch.unreadable)] == ["published: is empty"]


@pytest.mark.parametrize("day", ["2024-12", "2024", "12/24/2024"])
def test_a_day_that_is_not_one_is_not_made_up(day):
    site = Site({NOTABLE: models("A", **{"Publication date": day}), LARGE_SCALE: models("B")})
    [batch] = parsed(fetched(site)[PAIR])
    assert batch.frame.get_column("model").to_list() == ["B"]
    assert [why for why, _ in said.unread(batch.unreadable)] == [f"published: '{day}' is not a date (YYYY-MM-DD)"]


def test_an_unknown_chip_is_named_and_a_blank_figure_is_left_out():
    def change(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        for row in rows:
            if row["Hardware name"] == "NVIDIA B200":
                row["Memory (bytes)"] = ""
            if row["Hardware name"] == "NVIDIA GeForce RTX 4090":
                row["Tensor-FP16/BF16 performance (FLOP/s)"] = "170000000000000"
        return [*rows, rows[0] | {"Hardware name": "NVIDIA Rubin"}]

    [batch] = parsed(fetched(Site({HARDWARE: edited(HARDWARE, change)}))[HARDWARE])
    notices = "\n".join(said.notices(batch.notices))
    assert "unknown chips in ml_hardware.csv" in notices
    assert "NVIDIA Rubin" in notices
    assert "NVIDIA B200 is left out, the list has no memory_gb" in notices
    assert "RTX 4090 now has bf16_dense_tflops 170.0, no longer 330.0" in notices
    assert "B200" not in batch.frame.get_column("gpu_model").to_list()
    assert batch.frame.row(by_predicate=pl.col("gpu_model") == "RTX 4090", named=True)["bf16_dense_tflops"] == 170.0
