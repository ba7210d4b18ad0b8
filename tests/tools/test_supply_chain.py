"""What enters the program from outside: locked by its hash, under terms that were read, listed with a release."""

from __future__ import annotations

import json

import pytest

from tools import supply_chain
from tools.supply_chain import forbidden, locked, unpinned

LOCK = """\
toy==1.2 ; sys_platform == 'win32' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via overbuild
other==3 \\
    --hash=sha256:cc
"""
TERMS = {"allowed": ["MIT", "ISC"], "also_allowed": {"odd": "Artistic-1.0"}, "by_hand": {}, "classifiers": {}}


def test_a_lock_file_gives_versions_and_hashes():
    found = [(one.name, one.version, one.hashes) for one in locked(LOCK)]
    assert found == [("toy", "1.2", ("sha256:aa", "sha256:bb")), ("other", "3", ("sha256:cc",))]
    assert list(unpinned(LOCK)) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("toy>=1\n", "toy>=1: no version is locked"),
        ("toy @ https://example.org/toy.whl\n", "toy: no version is locked"),
        ("toy==1\n", "toy 1: no SHA-256 is locked"),
        ("toy==1 \\\n    --hash=md5:aa\n", "toy 1: no SHA-256 is locked"),
    ],
)
def test_what_is_not_locked_by_its_hash_is_found(line, said):
    assert said in list(unpinned(LOCK + line))


@pytest.mark.parametrize("said", ["MIT", "MIT AND ISC", "GPL-3.0 OR MIT", "ISC AND (GPL-3.0 OR MIT)"])
def test_terms_of_the_list_are_allowed(said):
    assert list(forbidden({"toy": said}, TERMS)) == []


@pytest.mark.parametrize("said", ["", "GPL-3.0", "MIT AND GPL-3.0", "ISC AND (GPL-3.0 OR AGPL-3.0)", "Artistic-1.0"])
def test_other_terms_are_not(said):
    assert len(list(forbidden({"toy": said}, TERMS))) == 1


def test_terms_that_were_read_for_one_package_count_for_it_alone():
    assert list(forbidden({"odd": "Artistic-1.0"}, TERMS)) == []


def test_everything_that_is_locked_passes():
    assert supply_chain.check() == 0


def test_an_audit_without_a_network_says_so_and_is_no_failure(monkeypatch, capsys):
    monkeypatch.setattr(supply_chain, "_looked_up", lambda packages: [])
    assert supply_chain.audit() == 0
    assert "not made" in capsys.readouterr().out


def test_a_known_vulnerability_is_a_failure(monkeypatch, capsys):
    answer = [{"name": "toy", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}]
    monkeypatch.setattr(supply_chain, "_looked_up", lambda packages: answer)
    assert supply_chain.audit() == 1
    assert "toy 1: CVE-1; mended in 1.1" in capsys.readouterr().err


def test_the_bill_of_materials_holds_what_the_program_runs_with(tmp_path):
    supply_chain.bill_of_materials(tmp_path / "sbom.json")
    bill = json.loads((tmp_path / "sbom.json").read_text())
    names = {one["name"] for one in bill["components"]}
    assert {"duckdb", "polars", "prefect", "lxml"} <= names
    assert names.isdisjoint({"pytest", "ruff", "cyclonedx-bom"})
    assert all(one["licenses"] and one["version"] and one["externalReferences"] for one in bill["components"])
    assert str(supply_chain.ROOT) not in json.dumps(bill)
