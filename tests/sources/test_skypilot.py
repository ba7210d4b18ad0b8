"""SkyPilot's catalogue: the newest version only, GPUs and not nodes, declared regions, wrong counts corrected."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from tests.conftest import EXCERPTS, recorded
from tests.sources.gpu import Playing, document, fetched, read
from warehouse.errors import DocumentError
from warehouse.settings import Settings
from warehouse.sources import skypilot

SOURCE = skypilot.SOURCES[0]
HEADER = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,AvailabilityZone,GpuInfo,SpotPrice"


def url(version: int, cloud: str) -> str:
    return skypilot.ADDRESS.format(version=version, cloud=cloud)


def parsed(cloud: str, *lines: str, version: int = 8, header: str = HEADER):
    text = "\n".join((header, *lines)) + "\n"
    return read(skypilot.parse, document(text, f"skypilot v{version} {cloud}", url(version, cloud)))


def test_an_excerpt_of_the_file_of_lambda():
    path = EXCERPTS / "skypilot_lambda_vms.csv"
    found = read(skypilot.parse, document(path, "skypilot v8 lambda", url(8, "lambda")))
    assert found.by("instance", "gpu_model", "gpu_count", "region", "usd_per_gpu_hour") == [
        ("gpu_1x_a10", "A10", 1, "us-east-1", 0.75),
        ("gpu_8x_h100_sxm5", "H100 SXM", 8, "europe-central-1", 2.99),
        ("gpu_8x_h100_sxm5", "H100 SXM", 8, "us-east-1", 2.99),
    ]
    assert {(row["provider"], row["provider_class"], row["grade"]) for row in found.rows} == {
        ("Lambda Labs", "specialist", "C")
    }
    assert all("catalogue v8" in row["note"] for row in found.rows)
    assert (found.quarantined, found.notices) == ([], ())


@pytest.mark.parametrize(
    ("cloud", "instance", "chip", "count", "region", "provider", "gpu_model"),
    [
        ("aws", "p5.48xlarge", "H100", 8, "us-east-1", "Amazon Web Services", "H100 SXM"),
        ("azure", "Standard_NC40ads_H100_v5", "H100", 1, "eastus", "Microsoft Azure", "H100 NVL"),
        ("oci", "BM.GPU.H100.8", "H100", 8, "us-ashburn-1", "Oracle Cloud", "H100 SXM"),
        ("ibm", "gx2-8x64x1v100", "V100", 1, "us-south", "IBM Cloud", "V100"),
        ("nebius", "gpu-h100-sxm_8gpu-128vcpu-1600gb", "H100", 8, "eu-north1", "Nebius", "H100 SXM"),
        ("cudo", "intel-broadwell-v100_4x1v2gb", "V100", 1, "us-newyork-1", "Cudo Compute", "V100"),
        ("do", "gpu-h100x8-640gb", "H100", 8, "tor1", "DigitalOcean", "H100"),
        ("fluidstack", "H100_NVLINK_80GB::8", "H100", 8, "FINLAND", "FluidStack", "H100"),
        ("hyperstack", "n3-H100x2", "H100-80G-PCIe", 2, "CANADA-1", "Hyperstack", "H100 PCIe"),
        ("paperspace", "H100x8", "H100", 8, "East Coast (NY2)", "Paperspace", "H100 SXM"),
        ("scaleway", "H100-2-80G", "H100", 2, "fr-par", "Scaleway", "H100"),
    ],
)
def test_each_cloud_names_its_instances_in_its_own_way(cloud, instance, chip, count, region, provider, gpu_model):
    found = parsed(cloud, f"{instance},{chip},{count},1,1,{count * 3.0},{region},,,")
    assert found.by("provider", "instance", "gpu_model", "gpu_count", "usd_per_gpu_hour") == [
        (provider, instance, gpu_model, count, 3.0)
    ]
    assert found.quarantined == []


def test_the_recorded_file_of_lambda():
    path = recorded("gpu", "skypilot", "lambda_v8_2026_rows.csv")
    found = read(skypilot.parse, document(path, "skypilot v8 lambda", url(8, "lambda")))
    eight = [row for row in found.rows if row["instance"] == "gpu_8x_h100_sxm5"]
    assert {(row["gpu_model"], row["gpu_count"], row["usd_per_gpu_hour"]) for row in eight} == {("H100 SXM", 8, 3.99)}
    assert len({row["region"] for row in eight}) == 3
    assert {row["provider"] for row in found.rows} == {"Lambda Labs"}
    assert {row["provider_class"] for row in found.rows} == {"specialist"}
    assert {row["grade"] for row in found.rows} == {"C"}
    assert all("catalogue v8" in row["note"] for row in found.rows)
    assert not [row for row in found.rows if row["instance"].startswith("cpu_")]
    assert (found.quarantined, found.notices) == ([], ())


def test_azures_count_of_twelve_is_read_as_eight_and_both_are_named():
    found = parsed("azure", "Standard_ND96isr_H100_v5,H100,12.0,96,1900,98.32,eastus,,,98.32")
    assert found.by("gpu_model", "gpu_count", "pricing_kind", "usd_per_gpu_hour") == [
        ("H100 SXM", 8, "on_demand", 12.29),
        ("H100 SXM", 8, "spot", 12.29),
    ]
    assert "Standard_ND96isr_H100_v5: the list says 12 GPUs and the table of names 8" in found.said
    (spot,) = [row for row in found.rows if row["pricing_kind"] == "spot"]
    assert "spot is not below on demand" in spot["note"]


def test_every_recorded_row_of_fifteen_clouds_is_understood():
    """The recorded rows are of the catalogue's sixth version, in another collection's columns."""
    with gzip.open(recorded("gpu", "skypilot", "skypilot_v6_all_clouds_stamped_2026-03-21.csv.gz"), "rt") as file:
        rows = list(csv.DictReader(file))
    clouds = {"lambda": "lambda", "do": "do", "vastai": "vast"} | {
        name: name for name in ("aws", "azure", "gcp", "oci", "ibm", "nebius", "cudo", "hyperstack", "paperspace",
                                "scaleway", "fluidstack", "runpod")
    }  # fmt: skip
    chips = set()
    for theirs, cloud in clouds.items():
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER.split(","))
        for row in rows:
            if row["provider"] == theirs and row["pricing_type"] == "on_demand":
                # Where that collection kept the catalogue's own name it stands in the column of the memory.
                named = row["gpu_memory_gb"]
                chip = named if named and not named.startswith("{") else row["gpu_name"]
                writer.writerow([row["instance_type"], chip, row["gpu_count"], 1, 1, row["price_per_hour"],
                                 row["region"], row["zone"], "", ""])  # fmt: skip
        found = read(skypilot.parse, document(out.getvalue(), cloud, url(6, cloud)))
        assert found.quarantined == [], cloud
        assert found.rows, cloud
        chips |= {row["gpu_model"] for row in found.rows}
    assert {"H100 SXM", "H100 PCIe", "H100 NVL", "A100 SXM 80GB", "MI300X", "GH200"} <= chips


def test_the_lowest_zone_of_a_declared_region_stands():
    found = parsed(
        "aws",
        "p5.48xlarge,H100,8,192,2048,55.04,us-east-1,use1-az1,,20.0",
        "p5.48xlarge,H100,8,192,2048,55.04,us-east-1,use1-az2,,16.0",
        "p5.48xlarge,H100,8,192,2048,70.0,sa-east-1,sae1-az1,,60.0",
    )
    assert found.by("region", "pricing_kind", "usd_per_gpu_hour") == [
        ("us-east-1", "on_demand", 6.88),
        ("us-east-1", "spot", 2.0),
    ]
    assert all("lowest of 2 zones" in row["note"] for row in found.rows)


def test_googles_rows_are_the_gpu_alone_and_say_so():
    found = parsed(
        "gcp", ",H100,8,,,78.3724,us-central1,us-central1-a,,", "a3-highgpu-8g,,,208,1872,9.46,us-central1,,,"
    )
    assert found.by("instance", "gpu_model", "gpu_count", "usd_per_gpu_hour") == [("H100", "H100 SXM", 8, 9.79655)]
    assert "the GPU alone" in found.rows[0]["note"]


def test_forty_and_eighty_gigabytes_of_a100_are_kept_apart():
    found = parsed(
        "gcp",
        ",A100,1,,,2.93,us-central1,,\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}\",",
        ",A100-80GB,1,,,3.93,us-central1,,,",
    )
    assert found.by("gpu_model", "usd_per_gpu_hour") == [("A100 SXM 40GB", 2.93), ("A100 SXM 80GB", 3.93)]


def test_prices_that_are_none():
    found = parsed(
        "lambda",
        "gpu_1x_h100_pcie,H100,1,26,200,3.29,us-west-3,,,",
        "gpu_1x_h100_pcie,H100,1,26,200,0,us-east-1,,,",
        "gpu_1x_h100_pcie,H100,1,26,200,n/a,us-east-2,,,",
        "gpu_1x_h100_pcie,H100,1,26,200,-1,us-east-3,,,",
        "gpu_1x_z100,Z100,1,26,200,3.0,us-east-1,,,",
        "gpu_0x_h100,H100,0.5,26,200,1.5,us-east-1,,,",
        "gpu_x_h100,H100,two,26,200,1.5,us-east-1,,,",
    )
    assert found.by("usd_per_gpu_hour") == [(3.29,)]
    assert "'n/a' is not a number" in found.reasons
    assert "-1 is not a price" in found.reasons
    assert "gpu_1x_z100 (1)" in found.said
    assert "Price is zero" in found.said
    assert "a part of a GPU" in found.said
    assert "'two' is not a number of GPUs" in found.reasons


def test_a_column_that_is_gone_refuses_the_file_and_a_new_one_is_noted():
    with pytest.raises(DocumentError, match="the column Price is missing"):
        parsed("lambda", "x,y", header="InstanceType,AcceleratorName,AcceleratorCount,Region")
    found = parsed("lambda", "gpu_1x_h100_pcie,H100,1,1,1,3.29,r,,,,7", header=HEADER + ",Carbon")
    assert "not read: Carbon" in found.said
    assert len(found.rows) == 1


def test_a_file_that_is_cut_short_is_refused_or_its_last_line_quarantined():
    with pytest.raises(DocumentError, match="cut short"):
        parsed("lambda", "gpu_1x_h100_pcie,H100,1,26,200,3.29,us-west-3,,\"{'Gpus")
    found = parsed("lambda", "gpu_1x_h100_pcie,H100,1,26,200,3.29,us-west-3,,,", "gpu_1x_h100_sxm5,H100,1,26")
    assert len(found.rows) == 1
    assert "not as many fields" in found.reasons
    with pytest.raises(DocumentError, match="not the file of a cloud"):
        list(skypilot.parse(document(HEADER, url="https://example.invalid/catalogs/v8/nobody/vms.csv")))


# -- versions and clouds

FILE = (HEADER + "\n").encode()


def playing(*places: tuple[int, str], **more) -> Playing:
    return Playing({url(version, cloud): FILE for version, cloud in places}, **more)


@pytest.mark.parametrize(("there", "newest"), [((5, 8, 9), 9), ((9, 10, 11), 11), ((5, 6), 6), ((5,), 5)])
def test_the_newest_version_is_found_upward_and_downward(there, newest):
    asked = playing(*((version, cloud) for version in there for cloud in ("lambda", "nebius")))
    got = fetched(SOURCE, asked)
    assert {received.url for received in got} == {url(newest, "lambda"), url(newest, "nebius")}
    assert asked.failed == []
    assert len(asked.asked) == len(set(asked.asked))


def test_another_cloud_shows_the_version_where_lambda_is_gone():
    assert [received.url for received in fetched(SOURCE, playing((9, "aws")))] == [url(9, "aws")]


def test_nothing_there_is_a_failure():
    asked = playing()
    assert fetched(SOURCE, asked) == []
    assert asked.failed == [url(9, "lambda")]


def test_a_cloud_that_was_there_and_has_gone_is_a_failure():
    asked = playing((9, "lambda"), held=[("skypilot", "Nebius"), ("gpurentalprices", "Crusoe")])
    fetched(SOURCE, asked)
    assert asked.failed == [url(9, "nebius")]


def test_files_of_vast_and_runpod_need_a_licence():
    there = ((9, "lambda"), (9, "vast"), (9, "runpod"))
    assert len(fetched(SOURCE, playing(*there))) == 1
    assert not any("vast" in address or "runpod" in address for address in playing(*there).asked)
    licensed = playing(*there, settings=Settings(licensed_sources=("vast",)))
    assert [received.url for received in fetched(SOURCE, licensed)] == [url(9, "lambda"), url(9, "vast")]
    found = parsed("vast", "8x-H100_SXM-32-65536,H100,8,32,65536,16.0,US,,,", version=9)
    assert found.by("provider_class", "pricing_kind", "gpu_model", "usd_per_gpu_hour") == [
        ("marketplace", "marketplace", "H100 SXM", 2.0)
    ]
    assert "under a licence" in found.rows[0]["note"]


def test_runpods_marketplace_is_kept_apart_from_its_own_data_centres():
    found = parsed(
        "runpod",
        "8x_H100-SXM_SECURE,H100-SXM,8,160,2000,24.0,CA,,,16.0",
        "8x_H100-SXM_COMMUNITY,H100-SXM,8,160,2000,20.0,CA,,,12.0",
    )
    assert found.by("provider_class", "pricing_kind", "usd_per_gpu_hour") == [
        ("marketplace", "marketplace", 2.5), ("marketplace", "spot", 1.5),
        ("specialist", "on_demand", 3.0), ("specialist", "spot", 2.0),
    ]  # fmt: skip
