"""Lambda (needs a key), Vast.ai and RunPod (need a licence): off until the user says so, and marked where they run."""

from __future__ import annotations

import json

import pytest

from tests.conftest import EXCERPTS, recorded
from tests.sources.gpu import Playing, document, fetched, read
from warehouse.errors import DocumentError
from warehouse.settings import Settings
from warehouse.sources import all_sources, lambda_labs, runpod, vast

GPU_SOURCES = [source for source in all_sources() if source.feed == "gpu" and source.kind == "live"]


def test_every_gpu_source_says_what_it_must():
    names = {source.name for source in GPU_SOURCES}
    assert {"azure", "aws", "skypilot", "oracle", "gpurentalprices", "lambda_labs", "vast", "runpod"} <= names
    for source in GPU_SOURCES:
        assert source.terms
        assert source.gives
        assert source.host
        assert source.host_setting.startswith("OVERBUILD_"), source.name
        assert source.tables == ("gpu_prices",)
        assert 0 < source.requests_per_second <= 2


def test_they_are_off_until_the_user_says_so():
    nothing = Settings()
    assert lambda_labs.ready(nothing) == "set OVERBUILD_LAMBDA_KEY to a key of Lambda's cloud interface"
    for name, module in (("vast", vast), ("runpod", runpod)):
        (source,) = module.SOURCES
        assert source.licensed
        assert source.optional
        assert "forbids" in source.terms
        refusal = source.ready(nothing)
        assert refusal
        assert "OVERBUILD_LICENSED_SOURCES" in refusal
        assert source.ready(Settings(licensed_sources=(name,))) is None
        other = "runpod" if name == "vast" else "vast"
        assert source.ready(Settings(licensed_sources=(other,)))


def test_lambda_counts_cents_for_the_whole_instance():
    found = read(lambda_labs.parse, document(recorded("gpu", "api_samples", "lambda_instance_types_2026-06.json")))
    assert found.by("instance", "gpu_model", "gpu_count", "usd_per_gpu_hour") == [
        ("gpu_1x_h100_pcie", "H100 PCIe", 1, 3.29),
        ("gpu_8x_a100_80gb_sxm4", "A100 SXM 80GB", 8, 2.79),
    ]
    assert found.quarantined == []


def test_an_excerpt_of_lambdas_list():
    found = read(lambda_labs.parse, document(EXCERPTS / "lambda_instance_types.json"))
    assert found.by("instance", "gpu_model", "gpu_count", "usd_per_gpu_hour") == [
        ("gpu_1x_a10", "A10", 1, 0.75),
        ("gpu_8x_h100_sxm5", "H100 SXM", 8, 2.99),
    ]
    assert "an instance without GPUs" in found.said
    assert found.quarantined == []


def test_an_excerpt_of_vasts_offers():
    found = read(vast.parse, document(EXCERPTS / "vast_bundles_H100_SXM.json"))
    assert found.by("gpu_model", "gpu_count", "pricing_kind", "region", "usd_per_gpu_hour") == [
        ("H100 SXM", 1, "marketplace", "Oslo, NO", 2.25),
        ("H100 SXM", 8, "marketplace", "Oslo, NO", 2.0),
    ]
    assert all("under a licence" in row["note"] for row in found.rows)
    assert "nobody has verified" in found.said
    assert "rented already" in found.said
    assert found.quarantined == []


def test_vast_needs_a_number_of_gpus():
    offer = {"id": 1, "gpu_name": "H100 SXM", "num_gpus": 0, "dph_total": 2.0}
    found = read(vast.parse, document({"offers": [offer]}))
    assert found.rows == []
    assert "not a number of GPUs" in found.reasons


def test_an_excerpt_of_runpods_types():
    found = read(runpod.parse, document(EXCERPTS / "runpod_gpu_types.json"))
    assert found.by("instance", "gpu_model", "provider_class", "pricing_kind", "usd_per_gpu_hour") == [
        ("A100 SXM 40GB community", "A100 SXM 40GB", "marketplace", "marketplace", 1.0),
        ("H100 SXM community", "H100 SXM", "marketplace", "marketplace", 2.5),
        ("H100 SXM community", "H100 SXM", "marketplace", "spot", 1.5),
        ("H100 SXM secure", "H100 SXM", "specialist", "on_demand", 3.0),
        ("H100 SXM secure", "H100 SXM", "specialist", "spot", 3.0),
    ]
    assert "securePrice is zero or empty: not offered" in found.said
    assert "1 spot prices are not below" in found.said
    assert all("under a licence" in row["note"] for row in found.rows)
    assert found.quarantined == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"errors": [{"message": "not authorized"}]}, "answered with an error"),
        ({"data": None}, "no list of objects under 'gpuTypes'"),
    ],
)
def test_a_refusal_of_runpod_is_named(body, message):
    with pytest.raises(DocumentError, match=message):
        list(runpod.parse(document(body)))


def test_lambda_sends_its_key_in_a_header_and_quarantines_bad_rows():
    playing = Playing({lambda_labs.ADDRESS: b"{}"}, settings=Settings(lambda_key="secret-key"))
    assert len(fetched(lambda_labs.SOURCES[0], playing)) == 1
    assert playing.headers == [{"Authorization": "Bearer secret-key"}]

    def kind(name: str, cents: object, gpus: int = 8) -> dict:
        return {"instance_type": {"name": name, "price_cents_per_hour": cents, "specs": {"gpus": gpus}}}

    data = {
        "gpu_8x_h100_sxm5": kind("gpu_8x_h100_sxm5", 3192),
        "gpu_8x_z9": kind("gpu_8x_z9", 3192),
        "gpu_8x_b200_sxm6": kind("gpu_8x_b200_sxm6", 0),
        "cpu_4x_general": kind("cpu_4x_general", 20, 0),
        "gpu_2x_h100_sxm5": {"instance_type": {"name": "x"}},
        "gpu_4x_h100_sxm5": kind("gpu_4x_h100_sxm5", 1636, gpus=8),
    }
    found = read(lambda_labs.parse, document({"data": data}))
    assert found.by("instance", "usd_per_gpu_hour") == [("gpu_4x_h100_sxm5", 4.09), ("gpu_8x_h100_sxm5", 3.99)]
    assert "gpu_8x_z9" in found.said
    assert "the list says 8 GPUs and the table of names 4" in found.said
    assert "0 is not a price" in found.reasons
    assert "price_cents_per_hour is missing" in found.reasons
    with pytest.raises(DocumentError, match="under 'data'"):
        list(lambda_labs.parse(document({"error": {"code": "global/invalid-api-key"}})))


def test_vast_divides_the_offer_by_its_gpus_and_takes_verified_hosts_only():
    path = recorded("gpu", "api_samples", "vast_bundles_h100_sxm_2026-08_trimmed.json")
    found = read(vast.parse, document(path))
    assert found.by("gpu_model", "gpu_count", "pricing_kind", "region", "usd_per_gpu_hour") == [
        ("H100 SXM", 1, "marketplace", "RU", 1.788889),
        ("H100 SXM", 1, "marketplace", "Washington, US", 1.735556),
    ]
    assert all("under a licence" in row["note"] for row in found.rows)
    assert "nobody has verified" in found.said
    offer = json.loads(path.read_text())["offers"][1]
    eight = read(vast.parse, document({"offers": [offer | {"num_gpus": 8, "dph_total": 16.0}]}))
    assert eight.by("gpu_count", "usd_per_gpu_hour") == [(8, 2.0)]
    rented = read(vast.parse, document({"offers": [offer | {"rented": True}, offer | {"num_gpus": 0}]}))
    assert rented.rows == []
    assert "rented already" in rented.said
    assert "not a number of GPUs" in rented.reasons


def test_an_offer_that_is_asked_anew_is_the_same_thing():
    offer = {"id": 1, "machine_id": 77, "gpu_name": "H100 SXM", "num_gpus": 2, "dph_total": 4.0, "gpu_ram": 81559}
    first, anew = (read(vast.parse, document({"offers": [offer | {"id": number}]})) for number in (1, 900))
    assert first.by("instance", "observation_id") == anew.by("instance", "observation_id")


def test_the_memory_that_a_list_states_distinguishes_chips_of_one_name():
    offer = {"id": 1, "num_gpus": 2, "dph_total": 2.0, "gpu_ram": 81920}
    sizes = [offer | {"gpu_name": "A100 SXM4"}, offer | {"id": 2, "gpu_name": "A100 SXM4", "gpu_ram": 40960},
             offer | {"id": 3, "gpu_name": "A100 PCIE", "gpu_ram": 81559}, offer | {"id": 4, "gpu_name": "H100 SXM"}]  # fmt: skip
    found = read(vast.parse, document({"offers": sizes}))
    assert found.by("gpu_model", "gpu_count", "usd_per_gpu_hour") == [
        ("A100 PCIe 80GB", 2, 1.0), ("A100 SXM 40GB", 2, 1.0), ("A100 SXM 80GB", 2, 1.0), ("H100 SXM", 2, 1.0),
    ]  # fmt: skip


def test_runpods_zero_is_not_offered_and_community_is_a_marketplace():
    path = recorded("gpu", "api_samples", "runpod_graphql_gputypes_2026-08.json")
    found = read(runpod.parse, document(path))
    rows = found.by("instance", "gpu_model", "provider_class", "pricing_kind", "usd_per_gpu_hour")
    assert ("H100 SXM secure", "H100 SXM", "specialist", "on_demand", 3.29) in rows
    assert ("H100 SXM community", "H100 SXM", "marketplace", "marketplace", 2.69) in rows
    assert ("MI300X secure", "MI300X", "specialist", "on_demand", 2.39) in rows
    assert not [row for row in found.rows if row["instance"] == "A100 SXM 40GB secure"]
    assert "securePrice is zero or empty: not offered" in found.said
    on_demand = [row for row in found.rows if row["pricing_kind"] == "on_demand"]
    assert not [row for row in on_demand if row["provider_class"] == "marketplace"]
    spot = [row for row in found.rows if row["pricing_kind"] == "spot"]
    assert all("spot is not below on demand" in row["note"] for row in spot)
    assert all("under a licence" in row["note"] for row in found.rows)
    with pytest.raises(DocumentError, match="answered with an error"):
        list(runpod.parse(document({"errors": [{"message": "not authorized"}]})))
    with pytest.raises(DocumentError, match="no list of objects under 'gpuTypes'"):
        list(runpod.parse(document({"data": None})))
