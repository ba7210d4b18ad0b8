"""gpurentalprices.com: an offer is of the day on which it was read, not of the file in which it is carried forward."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.conftest import EXCERPTS, recorded
from tests.sources.gpu import Playing, document, fetched, read
from warehouse.errors import DocumentError
from warehouse.sources import gpurentalprices as source_file

SOURCE = source_file.SOURCES[0]
OFFER = {
    "provider": "lambda", "gpu": "h100-sxm", "vram_gb": 80, "usd_hr": 3.99, "kind": "on-demand",
    "source_url": "https://lambda.ai/instances", "fetched_at": "2026-10-08T08:47:02.834Z",
}  # fmt: skip


def parsed(*offers: dict, **more):
    return read(source_file.parse, document({"date": "2026-10-08", "offers": list(offers), **more}))


def test_an_excerpt_of_a_day():
    found = read(source_file.parse, document(EXCERPTS / "gpurentalprices_day.json"))
    rows = found.by("provider", "provider_class", "instance", "gpu_model", "pricing_kind", "usd_per_gpu_hour")
    assert rows == [
        ("Crusoe", "specialist", "h100-sxm", "H100 SXM", "on_demand", 3.9),
        ("Google Cloud", "hyperscaler", "h200", "H200 SXM", "spot", 5.25),
        ("Verda", "specialist", "a100-sxm-80", "A100 SXM 80GB", "on_demand", 1.75),
        ("Verda", "specialist", "h100-sxm", "H100 SXM", "reserved_1y", 2.0),
    ]
    days = {row["provider"]: row["observed_on"] for row in found.rows}
    assert (days["Crusoe"], days["Verda"]) == (date(2026, 10, 5), date(2026, 10, 8))
    assert "terms forbid" in found.said, "RunPod's, as Vast.ai's"
    assert "rows left out (serverless" in found.said
    assert "providers without any offer in this file: lambda" in found.said
    assert found.quarantined == []


def test_every_recorded_file_is_understood():
    folder = recorded("gpu", "gpurentalprices_2026")
    seen = 0
    for path in sorted(folder.glob("*.json.gz")):
        day = datetime.fromisoformat(path.name[:10]).replace(tzinfo=UTC, hour=23)
        found = read(source_file.parse, document(path.read_bytes(), path.name, at=day))
        assert found.quarantined == [], path.name
        assert all(row["observed_on"] <= day.date() for row in found.rows)
        assert not [row for row in found.rows if "serverless" in row["instance"]]
        seen += len(found.rows)
    assert seen > 8_000


def test_a_recorded_file_agrees_with_the_snapshot():
    path = recorded("gpu", "gpurentalprices_2026", "2026-08-22.json.gz")
    found = read(source_file.parse, document(path.read_bytes(), at=datetime(2026, 8, 22, 12, tzinfo=UTC)))
    rows = found.by("provider", "provider_class", "instance", "gpu_model", "pricing_kind", "usd_per_gpu_hour")
    assert not {"RunPod", "Vast.ai"} & {row[0] for row in rows}, "their terms forbid collecting their prices"
    assert ("Verda", "specialist", "a100-sxm-80", "A100 SXM 80GB", "on_demand", 1.79) in rows
    assert ("Google Cloud", "hyperscaler", "h200", "H200 SXM", "spot", 5.3776) in rows
    assert "rows left out (serverless" in found.said


def test_an_offer_has_its_credit_and_its_own_day():
    (row,) = parsed(OFFER).rows
    assert row["citation"] == ("https://lambda.ai/instances (GPU rental price data by gpurentalprices.com, CC BY 4.0)")
    assert row["observed_on"] == row["known_on"] == date(2026, 10, 8)
    assert (row["grade"], row["gpu_count"], row["region"]) == ("B", 1, "")


def test_an_offer_carried_forward_counts_on_the_day_it_was_read_and_adds_nothing():
    old = OFFER | {"fetched_at": "2026-10-05T08:00:00Z", "provider": "crusoe"}
    found = parsed(OFFER, old)
    assert found.by("provider", "observed_on") == [
        ("Crusoe", date(2026, 10, 5)),
        ("Lambda Labs", date(2026, 10, 8)),
    ]
    assert "1 offers are carried forward from earlier days and count on those: crusoe (1)" in found.said
    first = read(source_file.parse, document({"date": "2026-10-05", "offers": [old]}))
    again = [row for row in found.rows if row["provider"] == "Crusoe"]
    assert {**first.rows[0]} == {**again[0], "locator": "offer 1"}


def test_the_same_chip_can_be_offered_more_than_once():
    found = parsed(OFFER, OFFER | {"usd_hr": 4.29}, OFFER | {"min_gpus": 8}, OFFER)
    assert found.by("gpu_count", "usd_per_gpu_hour") == [(1, 3.99), (1, 4.29), (8, 3.99)]


def test_kinds_are_kept_apart():
    year = {"kind": "reserved", "commitment": {"type": "term", "months": 12}}
    found = parsed(
        OFFER | {"kind": "secure", "usd_hr": 3.0},
        OFFER | {"kind": "community", "usd_hr": 2.0},
        OFFER | {"kind": "spot", "usd_hr": 1.0},
        OFFER | {"kind": "marketplace", "usd_hr": 2.5, "provider": "lium"},
        OFFER | year | {"usd_hr": 2.2},
        OFFER | year | {"commitment": {"months": 36}, "usd_hr": 1.8},
        OFFER | year | {"commitment": {"months": 1}, "usd_hr": 2.9},
        OFFER | {"kind": "serverless", "usd_hr": 9.0},
        OFFER | {"kind": "auction"},
    )
    assert found.by("pricing_kind", "provider_class", "usd_per_gpu_hour") == [
        ("marketplace", "marketplace", 2.0),
        ("marketplace", "marketplace", 2.5),
        ("on_demand", "specialist", 3.0),
        ("reserved_1y", "specialist", 2.2),
        ("reserved_3y", "specialist", 1.8),
        ("spot", "specialist", 1.0),
    ]
    assert "serverless" in found.said
    assert "reserved for another term" in found.said
    assert "'auction' is none of" in found.reasons


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"provider": "newcomer"}, "provider 'newcomer' is not known; add it to gpu_providers.csv"),
        ({"gpu": "z100"}, "'z100' is not known; add it to gpu_names.csv"),
        ({"usd_hr": 0}, "0 is not a price"),
        ({"currency": "EUR"}, "the price is in EUR, not in USD"),
        ({"usd_hr": "3,99"}, "'3,99' is not a number"),
        ({"usd_hr": "ask"}, "'ask' is not a number"),
        ({"fetched_at": "2027-01-01T00:00:00Z"}, "not a time before the file was received"),
        ({"fetched_at": "yesterday"}, "not a time"),
        ({"fetched_at": ""}, "fetched_at is missing"),
    ],
)
def test_what_is_not_understood_is_quarantined(change, reason):
    found = parsed(OFFER, OFFER | change)
    assert found.by("usd_per_gpu_hour") == [(3.99,)]
    assert reason in found.reasons


def test_a_slice_and_a_provider_whose_terms_forbid_it_are_left_out():
    found = parsed(OFFER, OFFER | {"gpu": "rtx-pro-6000", "vram_gb": 24}, OFFER | {"provider": "vast"})
    assert len(found.rows) == 1
    assert "a part of a GPU" in found.said
    assert "terms forbid" in found.said


def test_a_provider_without_offers_is_named():
    found = parsed(OFFER, providers={"lambda": {"ok": True}, "crusoe": {"ok": False}})
    assert "providers without any offer in this file: crusoe" in found.said


def test_a_row_of_another_form_costs_itself():
    found = parsed(OFFER, OFFER | {"provider": ["lambda"]}, OFFER | {"kind": {"name": "on-demand"}})
    assert found.by("usd_per_gpu_hour") == [(3.99,)]
    assert len(found.quarantined) == 2


def test_a_file_of_another_form_is_refused():
    with pytest.raises(DocumentError, match="usd_hr is gone from every row"):
        parsed({name: value for name, value in OFFER.items() if name != "usd_hr"} | {"price": 3.99})
    with pytest.raises(DocumentError, match="no list of objects under 'offers'"):
        list(source_file.parse(document({"date": "2026-10-08"})))
    assert "not read: colour" in parsed(OFFER | {"colour": "green"}).said


# -- which files


def test_a_daily_run_takes_the_newest_file():
    playing = Playing({source_file.LATEST: b"{}"})
    assert [received.url for received in fetched(SOURCE, playing)] == [source_file.LATEST]
    yesterday = source_file.address(date(2026, 10, 8))
    playing = Playing({yesterday: b"{}"})
    assert [received.url for received in fetched(SOURCE, playing)] == [yesterday]
    assert playing.failed == []
    playing = Playing({})
    assert fetched(SOURCE, playing) == []
    assert playing.failed == [yesterday]


def test_a_backfill_takes_each_day_of_its_span():
    days = [date(2026, 7, 5), date(2026, 7, 7)]
    playing = Playing({source_file.address(day): b"{}" for day in days}, span=(date(2026, 6, 1), date(2026, 7, 7)))
    assert [received.url for received in fetched(SOURCE, playing)] == [source_file.address(day) for day in days]
    assert playing.failed == [], "a day without a file is an answer"
    assert SOURCE.backfills
    assert SOURCE.history_from == days[0]
    gone = Playing({}, span=(days[0], days[1]))
    assert fetched(SOURCE, gone) == []
    assert gone.failed == [source_file.address(days[1])], "not one file is none"
    assert fetched(SOURCE, Playing({}, span=(date(2025, 1, 1), date(2025, 2, 1)))) == []
