"""Azure's list: Linux nodes only, terms by the hour, pages that end, and the count of GPUs from the table of names."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime

import pytest

from tests.conftest import EXCERPTS, recorded
from tests.sources.gpu import Playing, document, fetched, read
from warehouse.errors import DocumentError, StoppedError
from warehouse.fetching.client import Online
from warehouse.settings import Settings
from warehouse.sources import azure

SOURCE = azure.SOURCES[0]
ITEM = {
    "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": 98.32, "unitPrice": 98.32, "armRegionName": "eastus",
    "location": "US East", "effectiveStartDate": "2023-11-01T00:00:00Z", "meterId": "m", "meterName": "ND96isrH100v5",
    "productId": "p", "skuId": "p/1", "productName": "Virtual Machines NDsr H100 v5 Series",
    "skuName": "ND96isrH100v5", "serviceName": "Virtual Machines", "serviceId": "s", "serviceFamily": "Compute",
    "unitOfMeasure": "1 Hour", "type": "Consumption", "isPrimaryMeterRegion": True,
    "armSkuName": "Standard_ND96isr_H100_v5",
}  # fmt: skip


def page(*items: dict, link: str | None = None, **more) -> dict:
    return {"BillingCurrency": "USD", "Items": list(items), "NextPageLink": link, "Count": len(items), **more}


def parsed(*items: dict):
    return read(azure.parse, document(page(*items)))


def test_an_excerpt_of_a_page():
    found = read(azure.parse, document(EXCERPTS / "azure_retail_prices_A100.json"))
    assert found.by("instance", "gpu_model", "gpu_count", "pricing_kind", "region", "usd_per_gpu_hour") == [
        ("Standard_ND96amsr_A100_v4", "A100 SXM 80GB", 8, "on_demand", "westeurope", 4.096),
        ("Standard_ND96amsr_A100_v4", "A100 SXM 80GB", 8, "reserved_1y", "westeurope", 2.5),
        ("Standard_ND96amsr_A100_v4", "A100 SXM 80GB", 8, "spot", "westeurope", 1.024),
    ]
    assert {(row["provider"], row["provider_class"], row["grade"]) for row in found.rows} == {
        ("Microsoft Azure", "hyperscaler", "A")
    }
    assert {row["observed_on"] for row in found.rows} == {row["known_on"] for row in found.rows} == {date(2026, 10, 9)}
    assert {row["citation"] for row in found.rows} == {"https://prices.azure.com/api/retail/prices"}
    assert "1 rows left out (Windows" in found.said
    assert "1 rows left out (Low Priority" in found.said
    assert found.quarantined == []


def test_the_recorded_page():
    found = read(azure.parse, document(recorded("gpu", "api_samples", "azure_retail_prices_h100_2026-09-16.json")))
    assert found.by("instance", "gpu_model", "gpu_count", "pricing_kind", "region", "usd_per_gpu_hour") == [
        ("Standard_ND96isr_H100_v5", "H100 SXM", 8, "on_demand", "eastus", 12.29),
        ("Standard_ND96isr_H100_v5", "H100 SXM", 8, "spot", "eastus", 2.271192),
    ]
    row = found.rows[0]
    assert row["provider"] == "Microsoft Azure"
    assert row["provider_class"] == "hyperscaler"
    assert row["grade"] == "A"
    assert row["observed_on"] == row["known_on"] == date(2026, 10, 9)
    assert row["citation"] == "https://prices.azure.com/api/retail/prices"
    assert "2 rows left out (Windows" in found.said
    assert found.quarantined == []


def test_of_two_prices_in_force_the_one_that_began_last_counts():
    """A price that was raised stands beside the one before it, which often has no end date."""
    before, now, later = (
        {"retailPrice": price, "effectiveStartDate": f"{day}T00:00:00Z", "meterId": f"m{price}"}
        for price, day in ((40.0, "2023-11-01"), (80.0, "2026-06-01"), (160.0, "2027-01-01"))
    )
    for order in ((before, now, later), (later, now, before)):
        found = parsed(*(ITEM | each for each in order))
        assert found.by("pricing_kind", "usd_per_gpu_hour") == [("on_demand", 10.0)]
    assert "a price that a later one has followed" in found.said
    elsewhere = parsed(ITEM | before, ITEM | now | {"armRegionName": "westeurope"})
    assert len(elsewhere.rows) == 2, "another region's price follows nothing"
    spot = parsed(ITEM | before, ITEM | now | {"meterName": "ND96isrH100v5 Spot"})
    assert len(spot.rows) == 2, "nor does another way of selling"
    windows = parsed(ITEM | before, ITEM | now | {"productName": "Virtual Machines NDsr H100 v5 Series Windows"})
    assert [row["usd_per_gpu_hour"] for row in windows.rows] == [5.0], "nor does a price that is left out"


def test_a_reservation_is_the_price_of_the_whole_term():
    year, three = 8 * 5.0 * 8760, 8 * 3.0 * 26280
    found = parsed(
        ITEM | {"type": "Reservation", "reservationTerm": "1 Year", "retailPrice": year},
        ITEM | {"type": "Reservation", "reservationTerm": "3 Years", "retailPrice": three},
        ITEM | {"type": "Reservation", "reservationTerm": "5 Years", "retailPrice": three},
    )
    assert found.by("pricing_kind", "usd_per_gpu_hour") == [("reserved_1y", 5.0), ("reserved_3y", 3.0)]
    assert "reserved for 5 Years" in found.said


def test_rows_that_share_the_meter_are_distinguished():
    found = parsed(
        ITEM,
        ITEM | {"productName": "Virtual Machines NDsr H100 v5 Series Windows", "retailPrice": 102.736},
        ITEM | {"productName": "Virtual Machines NCCadsv5 Srs Win", "retailPrice": 103.0},
        ITEM | {"productName": "NDsr H100 v5 Cloud Services", "retailPrice": 97.0},
        ITEM | {"meterName": "ND96isrH100v5 Low Priority", "retailPrice": 19.0},
        ITEM | {"type": "DevTestConsumption", "retailPrice": 90.0},
        ITEM | {"isPrimaryMeterRegion": False, "retailPrice": 80.0},
        ITEM | {"tierMinimumUnits": 100.0, "retailPrice": 70.0},
        ITEM | {"effectiveStartDate": "2027-01-01T00:00:00Z", "retailPrice": 60.0},
        ITEM | {"effectiveEndDate": "2026-08-31T23:59:59Z", "retailPrice": 50.0},
        ITEM | {"skuName": "ND96isrH100v5 Low Priority", "retailPrice": 19.0},
        ITEM | {"productName": "Virtual Machines NDsr H100 v5 Series Red Hat Enterprise Linux", "retailPrice": 99.0},
        ITEM | {"serviceName": "Azure Machine Learning", "retailPrice": 98.0},
    )
    assert found.by("usd_per_gpu_hour") == [(12.29,)]
    assert found.quarantined == []


def test_a_price_still_counts_on_its_last_day():
    assert parsed(ITEM | {"effectiveEndDate": "2026-10-09T23:59:59Z"}).by("usd_per_gpu_hour") == [(12.29,)]


def test_spot_is_recognised_by_the_meter_or_the_sku():
    found = parsed(
        ITEM | {"skuName": "ND96isrH100v5 Spot", "retailPrice": 16.0},
        ITEM | {"meterName": "ND96isrH100v5 Spot", "retailPrice": 24.0},
    )
    assert found.by("pricing_kind", "usd_per_gpu_hour") == [("spot", 2.0), ("spot", 3.0)]


def test_a_spot_price_that_is_not_below_the_list_price_is_kept_and_noted():
    found = parsed(ITEM, ITEM | {"meterName": "ND96isrH100v5 Spot"})
    (spot,) = [row for row in found.rows if row["pricing_kind"] == "spot"]
    assert spot["usd_per_gpu_hour"] == 12.29
    assert "spot is not below on demand" in spot["note"]
    assert "1 spot prices" in found.said


def test_regions_are_kept_apart():
    found = parsed(ITEM, ITEM | {"armRegionName": "westeurope", "retailPrice": 127.816})
    assert found.by("region", "usd_per_gpu_hour") == [("eastus", 12.29), ("westeurope", 15.977)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"currencyCode": "EUR"}, "the price is in EUR, not in USD"),
        ({"unitOfMeasure": "1 Month"}, "the price is for '1 Month', not for '1 Hour'"),
        ({"retailPrice": 0.0}, "0 is not a price"),
        ({"retailPrice": -3.0}, "-3 is not a price"),
        ({"retailPrice": "on request"}, "'on request' is not a number"),
        ({"retailPrice": "98,32"}, "'98,32' is not a number"),
        ({"retailPrice": True}, "'true' is not a number"),
        ({"retailPrice": None}, "retailPrice is missing"),
        ({"type": "Lease"}, "'Lease' is none of"),
        (
            {"armSkuName": "Standard_ND96isr_X999_v9"},
            "'Standard_ND96isr_X999_v9' is not known; add it to gpu_names.csv",
        ),
    ],
)
def test_a_row_that_is_no_such_price_is_quarantined_with_its_reason(change, reason):
    found = parsed(ITEM, ITEM | change)
    assert found.by("usd_per_gpu_hour") == [(12.29,)]
    assert reason in found.reasons
    assert found.quarantined[0]["locator"].startswith("row 2")
    assert json.loads(found.quarantined[0]["row"])["armRegionName"] == "eastus"


def test_an_unknown_size_is_a_notice_with_its_name_and_how_many_rows():
    unknown = ITEM | {"armSkuName": "Standard_ND512_Z1_v9"}
    found = parsed(ITEM, unknown, unknown | {"armRegionName": "westeurope"})
    assert "2 rows with an unknown chip or instance are quarantined: Standard_ND512_Z1_v9 (2)" in found.said


def test_a_part_of_a_gpu_is_left_out():
    found = parsed(
        ITEM | {"armSkuName": "Standard_NV6ads_A10_v5", "retailPrice": 0.454},
        ITEM | {"armSkuName": "Standard_NV36ads_A10_v5", "retailPrice": 3.2},
    )
    assert found.by("instance", "usd_per_gpu_hour") == [("Standard_NV36ads_A10_v5", 3.2)]
    assert "a part of a GPU" in found.said


def test_a_number_as_text_is_read_and_noted():
    found = parsed(ITEM | {"retailPrice": "98.32"})
    assert found.by("usd_per_gpu_hour") == [(12.29,)]
    assert "retailPrice is text" in found.said


def test_a_field_that_is_gone_refuses_the_page_and_a_new_one_is_noted():
    without = {name: value for name, value in ITEM.items() if name != "unitOfMeasure"}
    with pytest.raises(DocumentError, match="unitOfMeasure is gone from every row"):
        parsed(without, without)
    found = parsed(ITEM | {"carbon": 1})
    assert "not read: carbon" in found.said
    assert len(found.rows) == 1


def test_rows_that_repeat_are_loaded_once_and_the_same_row_has_the_same_identifier():
    found = parsed(ITEM, copy.deepcopy(ITEM))
    assert len(found.rows) == 1
    assert "1 rows say the same" in found.said
    assert parsed(ITEM).rows[0]["observation_id"] == found.rows[0]["observation_id"]
    dearer = parsed(ITEM | {"retailPrice": 99.0}).rows[0]
    assert dearer["observation_id"] != found.rows[0]["observation_id"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"Items": [{"armSku', "not JSON"),
        ("[]", "a list where an object belongs"),
        ({"error": {"code": "BadRequest"}}, "BadRequest"),
        ({"Items": "none"}, "no list of objects under 'Items'"),
        ({"Items": [1, 2]}, "no list of objects"),
    ],
)
def test_a_page_that_is_no_page_is_refused_with_a_message(body, message):
    with pytest.raises(DocumentError, match=message):
        list(azure.parse(document(body)))


# -- pages -------------------------------------------------------------------------------------------------------------


def body(*items: dict, link: str | None = None) -> bytes:
    return json.dumps(page(*items, link=link)).encode()


NEXT = "https://prices.azure.com:443/api/retail/prices?$filter=x&$skip=1000"
SECOND = "https://prices.azure.com/api/retail/prices?$filter=x&$skip=1000"


def test_pages_are_followed_to_the_last():
    playing = Playing({azure.ADDRESS: body(ITEM, link=NEXT), SECOND: body(ITEM | {"armRegionName": "eastus2"})})
    assert [received.name for received in fetched(SOURCE, playing)] == ["azure page 1", "azure page 2"]
    asked = playing.params[0]["$filter"]
    assert "armRegionName eq 'eastus'" in asked
    assert "contains(armSkuName, 'Standard_ND')" in asked
    assert playing.params[1] == {}


def test_a_page_that_repeats_an_earlier_one_stops_with_a_message():
    playing = Playing({azure.ADDRESS: body(ITEM, link=NEXT), SECOND: body(ITEM, link=NEXT)})
    got = []
    with pytest.raises(StoppedError, match="repeats page 1"):
        got.extend(SOURCE.fetch(playing))
    link_back = Playing({azure.ADDRESS: body(ITEM, link=NEXT), SECOND: body(ITEM | {"skuId": "2"}, link=NEXT)})
    with pytest.raises(StoppedError, match="leads back"):
        fetched(SOURCE, link_back)


def test_a_link_to_another_host_is_not_followed():
    for link in ("https://prices.azure.example/x", "file:///etc/passwd", "//elsewhere.invalid/api/retail/prices"):
        with pytest.raises(StoppedError, match="leads to another host"):
            fetched(SOURCE, Playing({azure.ADDRESS: body(ITEM, link=link)}))


def test_a_page_that_could_not_be_had_ends_the_chain_without_losing_the_others():
    playing = Playing({azure.ADDRESS: body(ITEM, link=NEXT)})
    assert len(fetched(SOURCE, playing)) == 1
    assert playing.failed == [SECOND]


def test_against_a_server(live_server, tmp_path):
    class Nothing:
        def newest(self, *_):
            return {}

        def values(self, *_):
            return []

        def rows(self, *_):
            return []

    def answer(request):
        from tests.live_server import Reply

        first = "$skip" not in request.query
        return Reply(page(ITEM | {"skuId": "1" if first else "2"}, link=NEXT if first else None))

    live_server.answer("/api/retail/prices", answer)
    settings = Settings(home=tmp_path, azure_prices_url=live_server.url)
    online = Online(SOURCE, settings, tmp_path / "raw", Nothing(), datetime.now(UTC), wait=lambda seconds: None)
    assert len(list(SOURCE.fetch(online))) == 2
    assert live_server.asked("/api/retail/prices")[0].query["$filter"] == azure.query()["$filter"]
    assert online.failures == []
