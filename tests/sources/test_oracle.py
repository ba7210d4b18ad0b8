"""Oracle's list: a GPU by the hour is a price, a licence by the GPU-hour is none, and GB200 is not B200."""

from __future__ import annotations

import pytest

from tests.conftest import EXCERPTS, recorded
from tests.sources.gpu import Playing, document, fetched, read
from warehouse.errors import DocumentError
from warehouse.sources import oracle

SOURCE = oracle.SOURCES[0]


def item(name="OCI - Compute - GPU - H200", part="B110519", metric="GPU Per Hour", value=10, currency="USD") -> dict:
    prices = [{"model": "PAY_AS_YOU_GO", "value": value}]
    return {
        "partNumber": part,
        "displayName": name,
        "metricName": metric,
        "serviceCategory": "Compute - GPU",
        "currencyCodeLocalizations": [{"currencyCode": currency, "prices": prices}],
    }


def parsed(*items: dict):
    return read(oracle.parse, document({"lastUpdated": "2026-10-08", "items": list(items)}))


def test_an_excerpt_of_the_list():
    found = read(oracle.parse, document(EXCERPTS / "oracle_products_usd.json"))
    assert found.by("instance", "gpu_model", "usd_per_gpu_hour") == [
        ("B110978", "B200", 14.0), ("B110979", "GB200", 16.0), ("B95907", "A100 SXM 80GB", 4.0),
    ]  # fmt: skip
    assert {(row["provider"], row["region"], row["gpu_count"], row["grade"]) for row in found.rows} == {
        ("Oracle Cloud", "all", 1, "A")
    }
    assert "1 rows left out (a software licence, not a GPU)" in found.said
    assert "another unit: Node Per Hour" in found.said
    assert "another unit: Resource Possession Per Day" in found.said
    assert found.quarantined == []


def test_the_recorded_list():
    found = read(oracle.parse, document(recorded("gpu", "api_samples", "oracle_products_usd_2026-08-14.json")))
    by_part = {row["instance"]: (row["gpu_model"], row["usd_per_gpu_hour"]) for row in found.rows}
    assert by_part["B110979"] == ("GB200", 16.0)
    assert by_part["B110978"] == ("B200", 14.0)
    assert by_part["B98415"] == ("H100 SXM", 10.0)
    assert by_part["B95907"] == ("A100 SXM 80GB", 4.0)
    assert by_part["B92740"] == ("A100 SXM 40GB", 3.05)
    assert len(by_part) == len(found.rows) == 14
    assert {(row["provider"], row["region"], row["gpu_count"], row["grade"]) for row in found.rows} == {
        ("Oracle Cloud", "all", 1, "A")
    }
    assert "4 rows left out (a software licence, not a GPU)" in found.said
    assert "another unit: Node Per Hour" in found.said
    assert "another unit: Resource Possession Per Day" in found.said
    assert found.quarantined == []


def test_a_new_part_number_is_read_by_the_chip_in_its_name():
    found = parsed(
        item("OCI - Compute - GPU - GB300", "B999001", value=18),
        item("Compute - GPU - Z9", "B999002"),
        item("Oracle Cloud Infrastructure - Compute - GPU - H100 - X9", "B999003", value=10),
    )
    assert found.by("gpu_model", "usd_per_gpu_hour") == [("GB300", 18.0), ("H100 SXM", 10.0)]
    assert "B999002 (1)" in found.said
    assert "add it to gpu_names.csv" in found.reasons


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (item(part="X", currency="EUR"), "the price is in EUR, not in USD"),
        (item(part="X", value=0), "0 is not a price"),
        (item(part="X", value="ten"), "'ten' is not a number"),
        (item(part="X") | {"currencyCodeLocalizations": []}, "no currency"),
        (item(part="X") | {"currencyCodeLocalizations": 10}, "does not have the form of the others"),
        (item(part="X") | {"metricName": ""}, "metricName is missing"),
    ],
)
def test_what_is_no_price_is_quarantined(bad, reason):
    found = parsed(item(), bad)
    assert found.by("usd_per_gpu_hour") == [(10.0,)]
    assert reason in found.reasons


def test_a_tier_for_larger_quantities_is_no_list_price():
    tiers = [{"model": "PAY_AS_YOU_GO", "value": 10, "rangeMin": 0, "rangeMax": 100},
             {"model": "PAY_AS_YOU_GO", "value": 7, "rangeMin": 100, "rangeMax": 999999},
             {"model": "MONTHLY_COMMIT", "value": 5}]  # fmt: skip
    found = parsed(item() | {"currencyCodeLocalizations": [{"currencyCode": "USD", "prices": tiers}]})
    assert found.by("usd_per_gpu_hour") == [(10.0,)]
    assert "1 tier for larger quantities" in found.said


def test_products_without_a_gpu_give_no_notice():
    found = parsed(item(), item("Block Volume Storage", "B1", "Gigabyte Storage Capacity Per Month"))
    assert len(found.rows) == 1
    assert found.notices == ()


def test_a_list_of_another_form_is_refused():
    with pytest.raises(DocumentError, match="is gone from every row"):
        parsed({"partNumber": "B1", "displayName": "GPU", "metricName": "GPU Per Hour"})
    with pytest.raises(DocumentError, match="none of its 1 products is about GPUs"):
        parsed(item("Block Volume", "B1", "Gigabyte"))
    with pytest.raises(DocumentError, match="no list of objects under 'items'"):
        list(oracle.parse(document({"error": "maintenance"})))


def test_dollars_are_asked_for():
    playing = Playing({oracle.ADDRESS: b"{}"})
    assert len(fetched(SOURCE, playing)) == 1
    assert playing.params == [{"currencyCode": "USD"}]
