"""Amazon's regional list: read as a stream, prices as text, and only nodes that somebody can rent at that price."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from unittest.mock import PropertyMock, patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import EXCERPTS, recorded
from tests.sources.gpu import READ_AT, Playing, document, fetched, read
from warehouse.errors import DocumentError
from warehouse.sources import aws
from warehouse.sources.common.source import Document

SOURCE = aws.SOURCES[0]
ATTRIBUTES = {
    "instanceType": "p5.48xlarge", "location": "US East (N. Virginia)", "regionCode": "us-east-1",
    "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used", "gpu": "8",
}  # fmt: skip


def product(sku: str, **changed) -> dict:
    return {"sku": sku, "productFamily": "Compute Instance", "attributes": ATTRIBUTES | changed}


def term(sku: str, code: str, price: object, unit: str = "Hrs", currency: str = "USD", **attributes) -> dict:
    dimension = {"unit": unit, "pricePerUnit": {currency: price}, "appliesTo": []}
    return {
        f"{sku}.{code}": {
            "sku": sku,
            "priceDimensions": {f"{sku}.{code}.6YS6EN2CT7": dimension},
            "termAttributes": attributes,
        }
    }


def reserved(sku: str, code: str, price: str, lease="1yr", kind="standard", option="No Upfront") -> dict:
    return term(sku, code, price, LeaseContractLength=lease, OfferingClass=kind, PurchaseOption=option)


def offer(products: list[dict], on_demand: dict, leased: dict | None = None) -> dict:
    return {
        "formatVersion": "v1.0",
        "products": {entry["sku"]: entry for entry in products},
        "terms": {"OnDemand": on_demand, "Reserved": leased or {}},
        "attributesList": {},
    }


def parsed(*args):
    return read(aws.parse, document(offer(*args)))


def test_an_excerpt_of_the_list():
    found = read(aws.parse, document(EXCERPTS / "aws_price_list_p4d.json"))
    assert found.by("instance", "gpu_model", "gpu_count", "pricing_kind", "region", "usd_per_gpu_hour") == [
        ("p4d.24xlarge", "A100 SXM 40GB", 8, "on_demand", "us-east-1", 2.745),
        ("p4d.24xlarge", "A100 SXM 40GB", 8, "reserved_1y", "us-east-1", 1.8),
        ("p4d.24xlarge", "A100 SXM 40GB", 8, "reserved_3y", "us-east-1", 1.2),
    ]
    assert found.rows[0]["locator"] == "sku EXAMPLESKU000001, EXAMPLESKU000001.JRTCKXETXF.6YS6EN2CT7"
    assert {(row["provider"], row["grade"]) for row in found.rows} == {("Amazon Web Services", "A")}
    assert (found.quarantined, found.notices) == ([], ())


def test_the_recorded_list():
    found = read(aws.parse, document(recorded("gpu", "api_samples", "aws_price_list_p5_made-to-form.json")))
    assert found.by("instance", "gpu_model", "gpu_count", "pricing_kind", "region", "usd_per_gpu_hour") == [
        ("p5.48xlarge", "H100 SXM", 8, "on_demand", "us-east-1", 6.88),
        ("p5.48xlarge", "H100 SXM", 8, "reserved_1y", "us-east-1", 1.38875),
    ]
    assert found.rows[0]["locator"] == "sku AAAAAAAAAAAAAAAA, AAAAAAAAAAAAAAAA.JRTCKXETXF.6YS6EN2CT7"
    assert found.rows[0]["provider"] == "Amazon Web Services"
    assert found.rows[0]["grade"] == "A"
    assert (found.quarantined, found.notices) == ([], ())


def test_only_a_linux_node_that_is_shared_used_and_without_software_counts():
    others = [
        product("B", operatingSystem="Windows"),
        product("C", tenancy="Dedicated"),
        product("D", capacitystatus="UnusedCapacityReservation"),
        product("E", preInstalledSw="SQL Std"),
        product("F", marketoption="CapacityBlock"),
        product("G", instanceType="m7i.large", gpu="0"),
        {"sku": "H", "productFamily": "Storage", "attributes": {"volumeType": "gp3"}},
    ]
    prices = {sku: term(sku, "JRTCKXETXF", "0.5000000000") for sku in "BCDEFGH"}
    found = parsed([product("A", marketoption="OnDemand"), *others], {"A": term("A", "J", "55.0400000000")} | prices)
    assert found.by("usd_per_gpu_hour") == [(6.88,)]
    assert found.quarantined == []


def test_reserved_is_standard_without_payment_upfront():
    leases = {
        "A": reserved("A", "1", "40.0")
        | reserved("A", "2", "24.0", lease="3yr")
        | reserved("A", "3", "30.0", kind="convertible")
        | reserved("A", "4", "0.0", option="All Upfront")
        | reserved("A", "5", "12.0", option="Partial Upfront")
    }
    found = parsed([product("A")], {"A": term("A", "J", "55.04")}, leases)
    assert found.by("pricing_kind", "usd_per_gpu_hour") == [
        ("on_demand", 6.88),
        ("reserved_1y", 5.0),
        ("reserved_3y", 3.0),
    ]


@pytest.mark.parametrize(
    ("price", "unit", "currency", "reason"),
    [
        ("55.04", "Quantity", "USD", "the price is for 'Quantity', not for 'Hrs'"),
        ("395.5", "Hrs", "CNY", "the price is in CNY, not in USD"),
        ("0.0000000000", "Hrs", "USD", "0 is not a price"),
        ("call us", "Hrs", "USD", "'call us' is not a number"),
        (None, "Hrs", "USD", "null is not a number"),
    ],
)
def test_a_price_that_is_none_is_quarantined(price, unit, currency, reason):
    products = [product("A"), product("B", instanceType="p4d.24xlarge")]
    found = parsed(products, {"A": term("A", "J", "55.04"), "B": term("B", "J", price, unit, currency)})
    assert found.by("instance") == [("p5.48xlarge",)]
    assert reason in found.reasons
    assert "p4d.24xlarge" in found.quarantined[0]["row"]


def test_a_product_with_terms_of_another_form_costs_itself_and_a_list_of_such_is_refused():
    products = [product("A"), product("B", instanceType="p4d.24xlarge")]
    found = parsed(products, {"A": term("A", "J", "55.04"), "B": {"B.J": ["21.9"]}})
    assert found.by("instance") == [("p5.48xlarge",)]
    assert "sku B" in found.quarantined[0]["locator"]
    assert "does not have the form of the others" in found.reasons
    with pytest.raises(DocumentError, match="no row of it could be read; first: sku A"):
        parsed(products, {"A": {"A.J": "55.04"}, "B": {"B.J": ["21.9"]}})


def test_the_count_of_the_table_overrules_the_list_and_both_are_named():
    found = parsed([product("A", gpu="12")], {"A": term("A", "J", "55.04")})
    assert found.by("gpu_count", "usd_per_gpu_hour") == [(8, 6.88)]
    assert "p5.48xlarge: the list says 12 GPUs and the table of names 8" in found.said


def test_an_unknown_gpu_instance_is_quarantined_and_a_fraction_left_out():
    products = [
        product("A"),
        product("B", instanceType="p9-z900.48xlarge"),
        product("C", instanceType="g6f.large", gpu="1"),
        product("D", instanceType="trn1.32xlarge", gpu=None),
        product("E", instanceType="inf2.48xlarge"),
        product("F", instanceType="trn9.48xlarge", gpu=None, instanceFamily="Machine Learning ASIC Instances"),
        product("G", instanceType="m9i.large", gpu="0", instanceFamily="General purpose"),
    ]
    found = parsed(products, {p["sku"]: term(p["sku"], "J", "21.5") for p in products})
    assert found.by("instance", "gpu_model", "usd_per_gpu_hour") == [
        ("p5.48xlarge", "H100 SXM", 2.6875),
        ("trn1.32xlarge", "Trainium1", 1.34375),
    ]
    assert "p9-z900.48xlarge (1)" in found.said
    assert "trn9.48xlarge (1)" in found.said
    assert "m9i.large" not in found.said
    assert "p9-z900.48xlarge" in found.reasons
    assert "g6f.large (1)" in found.said


def test_the_list_is_read_as_a_stream_in_one_pass(tmp_path):
    path = tmp_path / "index.json"
    path.write_text(json.dumps(offer([product("A")], {"A": term("A", "J", "55.04")})), encoding="utf-8")
    given = Document("0" * 64, "aws", "u", path, READ_AT)
    with patch.object(Document, "body", PropertyMock(side_effect=AssertionError("the whole list was asked for"))):
        assert read(aws.parse, given).by("usd_per_gpu_hour") == [(6.88,)]


def test_what_does_not_matter_is_passed_over_without_being_built():
    noise = {"nested": [{"a": [1, {"b": "}"}]}], "text": "]}{["}
    listed = offer([product("A")], {"Z": noise, "A": term("A", "J", "55.04")}, {"Z": noise})
    listed = {
        "before": noise,
        "products": listed["products"],
        "between": noise,
        "terms": {"Flat": noise} | listed["terms"],
    }
    assert read(aws.parse, document(listed)).by("usd_per_gpu_hour") == [(6.88,)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='ab]}"\\'), inner),
    max_leaves=10,
)


@given(products=st.dictionaries(st.text(alphabet="AB{"), JSON), terms=JSON, other=JSON)
def test_members_read_as_a_stream_are_those_of_the_whole(products, terms, other):
    body = json.dumps({"x": other, "products": products, "y": other, "terms": {"OnDemand": terms, "z": other}}).encode()
    wanted = {aws.PRODUCTS: None, aws.ON_DEMAND: {"a"}}
    expected = [(aws.PRODUCTS, key, value) for key, value in products.items()]
    if isinstance(terms, dict) and "a" in terms:
        expected.append((aws.ON_DEMAND, "a", terms["a"]))
    assert list(aws.members(io.BytesIO(body), wanted)) == expected


def test_a_compressed_list_is_read_too():
    body = gzip.compress(json.dumps(offer([product("A")], {"A": term("A", "J", "55.04")})).encode())
    assert read(aws.parse, document(body)).by("usd_per_gpu_hour") == [(6.88,)]


@pytest.mark.parametrize(
    "filler",
    [b'"' + b"x" * 3_000_000 + b'"', b'"' + b'\\"' * 2_000_000 + b'"', b"1" * 3_000_000],
    ids=["text", "escaped quotation marks", "number"],
)
def test_a_text_of_megabytes_is_given_up_and_not_read_for_hours(filler):
    """The JSON reader's time grows with the square of one text's length: 200 MB in one text would take days."""
    body = b'{"products": {"A": {"attributes": ' + filler + b"}}}"
    with pytest.raises(DocumentError, match="longer than 1,048,576 bytes"):
        list(aws.parse(document(body)))


@given(st.text(alphabet='a"\\', max_size=200), st.integers(1, 30))
def test_the_length_of_a_text_is_counted_between_its_own_quotation_marks(text, size):
    """Whatever is escaped in it and wherever the pieces are cut."""
    body, longest = json.dumps(text).encode(), 50
    stream = aws._ShortTexts(io.BytesIO(body), longest=longest)
    pieces = iter(lambda: stream.read(size), b"")
    if len(body) <= longest:
        assert b"".join(pieces) == body
    elif len(body) > longest + 1:
        with pytest.raises(ValueError, match="longer than 50 bytes"):
            list(pieces)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_list_that_breaks_off_is_refused(share):
    body = json.dumps(offer([product("A")], {"A": term("A", "J", "55.04")})).encode()
    with pytest.raises(DocumentError, match="breaks off"):
        list(aws.parse(document(body[: int(len(body) * share)])))


def test_a_list_of_another_form_is_refused():
    listed = offer([product("A")], {"A": term("A", "J", "55.04")})
    turned = {"terms": listed["terms"], "products": listed["products"]}
    for other in (listed | {"terms": {}}, {"terms": {"OnDemand": {}}}, [], turned):
        with pytest.raises(DocumentError, match="no on-demand prices of a known GPU instance after its products"):
            list(aws.parse(document(other)))


def test_the_address_is_asked_once():
    playing = Playing({aws.ADDRESS: b"{}"}, now=datetime(2026, 10, 9, tzinfo=UTC))
    assert len(fetched(SOURCE, playing)) == 1
    assert playing.asked == [aws.ADDRESS]
    assert SOURCE.max_bytes >= 1_000_000_000
    assert fetched(SOURCE, Playing({})) == []
