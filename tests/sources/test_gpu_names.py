"""The table of names: every spelling of a chip, no guess from a part of a name, counts that overrule a list's own."""

from __future__ import annotations

import csv
from fractions import Fraction

import pytest

from tests.conftest import recorded
from warehouse.reference import __file__ as reference
from warehouse.sources.common import gpu_names
from warehouse.sources.common.gpu_names import look_up, plain, providers
from warehouse.tables.gpu_prices import PROVIDER_CLASS_MEANINGS


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("H100", "H100"),
        ("H100-80GB", "H100"),
        ("H100-SXM", "H100 SXM"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("h100-sxm5-80gb", "H100 SXM"),
        ("H100-80G-PCIe", "H100 PCIe"),
        ("H100_NVL", "H100 NVL"),
        ("NVIDIA H200", "H200 SXM"),
        ("h200-nvl", "H200 NVL"),
        ("GB200", "GB200"),
        ("B200", "B200"),
        ("NVIDIA B300 SXM6 AC", "B300"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("NVIDIA A100-SXM4-40GB", "A100 SXM 40GB"),
        ("a100-sxm-80", "A100 SXM 80GB"),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe 80GB"),
        ("A100", "A100"),
        ("A10", "A10"),
        ("A10G", "A10G"),
        ("Tesla V100", "V100"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("RTX_4090", "RTX 4090"),
        ("H100-MEGA-80GB", "H100 SXM"),
        ("H100_SXM5_80G", "H100 SXM"),
        ("A100-80GB-SXM", "A100 SXM 80GB"),
        ("H200 (141 GB SXM5)", "H200 SXM"),
        ("B200 (180 GB SXM6)", "B200"),
        ("A6000 (48 GB)", "RTX A6000"),
    ],
)
def test_a_chip_is_found_under_each_of_its_names(name, chip):
    found = look_up(name)
    assert found is not None
    assert found.gpu_model == chip


@pytest.mark.parametrize(
    ("provider", "name", "chip", "count"),
    [
        ("Amazon Web Services", "p5.48xlarge", "H100 SXM", 8),
        ("Amazon Web Services", "p4d.24xlarge", "A100 SXM 40GB", 8),
        ("Amazon Web Services", "trn1.32xlarge", "Trainium1", 16),
        ("Microsoft Azure", "Standard_ND96isr_H100_v5", "H100 SXM", 8),
        ("Microsoft Azure", "ND128isr_NDR_GB200_v6", "GB200", 4),
        ("Microsoft Azure", "Standard_NC80adis_H100_v5", "H100 NVL", 2),
        ("Lambda Labs", "gpu_8x_h100_sxm5", "H100 SXM", 8),
        ("Nebius", "gpu-b200-sxm_8gpu-160vcpu-1792gb", "B200", 8),
        ("Oracle Cloud", "B110979", "GB200", 1),
    ],
)
def test_an_instance_has_a_chip_and_a_count(provider, name, chip, count):
    found = look_up(name, provider)
    assert found is not None
    assert (found.gpu_model, found.gpu_count) == (chip, count)


@pytest.mark.parametrize(
    ("name", "chip", "count"),
    [
        ("8xH100", "H100", 8),
        ("8x H100 SXM5", "H100 SXM", 8),
        ("1x H200 (141 GB SXM5)", "H200 SXM", 1),
        ("NVIDIA GB200 x 36", "GB200", 36),
        ("H100:4", "H100", 4),
        ("16 x MI300X", "MI300X", 16),
    ],
)
def test_a_count_around_a_name_is_read(name, chip, count):
    found = look_up(name)
    assert found is not None
    assert (found.gpu_model, found.gpu_count) == (chip, count)


@pytest.mark.parametrize(
    "name", ["0x H100", "8x", "8x H1000", "x8", "2x 8x H100", "MI300X8", "H100 - X9", "H100 X9", "1.5x H100"]
)
def test_a_count_does_not_make_a_name_known(name):
    assert look_up(name) is None


def test_a_slice_of_a_gpu_is_known_and_left_out():
    for name in ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "A100 3g.20gb"):
        found = look_up(name)
        assert found is not None
        assert (found.gpu_model, found.note) == ("", "a slice of a GPU")


@pytest.mark.parametrize("name", ["", "H1000", "H100 something", "B2000", "p5.48xlarge", "XB200", "A100X"])
def test_what_is_not_there_is_unknown_and_not_guessed_from_a_part(name):
    assert look_up(name) is None


def test_a_fraction_and_a_slice_are_recognised():
    sixth = look_up("Standard_NV6ads_A10_v5", "Microsoft Azure")
    assert sixth is not None
    assert sixth.fraction == Fraction(1, 6)
    whole = look_up("rtx-pro-6000")
    assert whole is not None
    assert whole.is_slice(24)
    assert not whole.is_slice(96)
    assert not whole.is_slice(None)


def test_summary_rows_are_known_and_left_out():
    for name in ("a100_SXM4_min", "h100 max", "h100-weightedAverage"):
        found = look_up(name)
        assert found is not None
        assert found.gpu_model == ""
        assert "summary" in found.note


def test_two_chips_under_one_name_are_refused():
    line = {"provider": "*", "match": "exact", "gpu_count": "", "fraction": "", "memory_gb": "", "note": ""}
    with pytest.raises(ValueError, match="stands for two chips"):
        gpu_names.read([line | {"name": "B200", "gpu_model": "B200"}, line | {"name": "b-200", "gpu_model": "GB200"}])
    with pytest.raises(ValueError, match="write exact or pattern"):
        gpu_names.read([line | {"name": "B200", "gpu_model": "B200", "match": "part"}])


def test_chips_and_providers_are_named_as_in_the_snapshot():
    with open(reference.replace("__init__.py", "gpu_prices.csv"), encoding="utf-8") as file:
        facts = list(csv.DictReader(file))
    chips = {row["gpu_model"] for row in facts}
    for source in ("skypilot", "gpurentalprices"):
        classes = {(row["provider"], row["provider_class"]) for row in facts}
        named = {provider for provider, _ in classes}
        for entry in providers(source).values():
            assert entry.provider_class in PROVIDER_CLASS_MEANINGS
            if entry.provider in named:
                assert (entry.provider, entry.provider_class) in classes, entry
    # Every chip of the snapshot has a name that leads to it.
    unnamed = {chip for chip in chips if (found := look_up(chip)) is None or plain(found.gpu_model) != plain(chip)}
    assert unnamed == set()


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        ("Amazon Web Services", ("p3.16xlarge", "p5en.48xlarge", "g5.12xlarge", "g6e.48xlarge", "trn1.2xlarge")),
        ("Microsoft Azure", ("Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4", "Standard_ND96isr_H200_v5")),
    ],
)
def test_instances_of_several_generations_have_a_chip_and_a_count(provider, names):
    for name in names:
        found = look_up(name, provider)
        assert found is not None, name
        assert found.gpu_model, name
        assert found.gpu_count, name


def test_every_recorded_instance_is_known_or_left_out_for_a_reason():
    path = recorded("gpu", "aws_us-east-1_on_demand_2022-06_2026-07.csv")
    with path.open(encoding="utf-8") as file:
        names = {row["instance_type"] for row in csv.DictReader(file)}
    found = {name: look_up(name, "Amazon Web Services") for name in names}
    assert [name for name, named in found.items() if named is None] == []
    assert all(named.gpu_model or named.note for named in found.values() if named)


def test_every_recorded_azure_size_is_known_or_left_out_for_a_reason():
    import gzip

    with gzip.open(recorded("gpu", "azure_on_demand_gpu_2023-10_2026-06.csv.gz"), "rt", encoding="utf-8") as file:
        names = {row["vm_size"] for row in csv.DictReader(file)}
    found = {name: look_up(name, "Microsoft Azure") for name in names}
    assert [name for name, named in found.items() if named is None] == []
    assert all((named.gpu_model and named.gpu_count) or named.note for named in found.values() if named)
