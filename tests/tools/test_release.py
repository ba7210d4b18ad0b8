"""A release holds all that the program reads, and runs where the project is not; `make release-check` proves the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import release, supply_chain
from warehouse import __version__

CODE = """
import sys
sys.path.insert(0, sys.argv[1])
import warehouse
assert warehouse.__file__.startswith(sys.argv[1]), warehouse.__file__
from warehouse import assumptions
from warehouse.cli.app import app, COMMANDS
from warehouse.database import views
from warehouse.fetching import schedules
from warehouse.settings import Settings
from warehouse.sources import reference
from importlib import resources
assert len(assumptions.load()) > 50
assert len(reference.manifest(reference.folder(Settings()))) > 10
assert views.statements() and schedules.entries()
assert len([path for path in (resources.files("sql") / "questions").iterdir() if path.name.endswith(".sql")]) > 30
print(len(COMMANDS), warehouse.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    release.archives(folder, "wheel")
    return folder / f"{release.NAME}-py3-none-any.whl"


def test_it_holds_every_file_of_the_packages_and_no_other(wheel):
    assert release.contents(wheel) == release.belongs()


def test_the_same_commit_gives_the_same_bytes(wheel, tmp_path):
    release.archives(tmp_path, "wheel")
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_its_version_stands_in_one_place(wheel):
    with zipfile.ZipFile(wheel) as opened:
        metadata = opened.read(f"{release.NAME}.dist-info/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in metadata


def test_it_finds_its_data_where_the_project_is_not(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "installed")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OVERBUILD_"))}
    done = subprocess.run(
        [sys.executable, "-I", "-c", CODE, str(tmp_path / "installed")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == __version__


def test_the_data_version_changes_with_a_fact_and_with_nothing_else(tmp_path, monkeypatch):
    import shutil

    shutil.copytree(release.REFERENCE, tmp_path / "reference")
    before = release.data_version()
    monkeypatch.setattr(release, "REFERENCE", tmp_path / "reference")
    assert release.data_version() == before
    (tmp_path / "reference" / "assumptions.toml").write_text("")
    assert release.data_version() == before
    (changed := tmp_path / "reference" / "evidence.csv").write_text(changed.read_text().replace("2025", "2024", 1))
    assert release.data_version()["sha256"] != before["sha256"]
    assert str(before["collected_through"]) >= "2026-11-09"


def test_the_changes_are_those_of_this_version_or_else_of_what_comes():
    both = (
        f"# Changelog\n\n## Unreleased\n\n- later\n\n## {__version__} (2026-11-30)\n\n- this one\n\n## 0.0.1\n\n- old\n"
    )
    assert release.changes(both) == f"# overbuild {__version__}\n\n- this one\n"
    assert "- later" in release.changes("## Unreleased\n\n- later\n\n## 0.0.1\n\n- old\n")
    with pytest.raises(SystemExit, match="write what changed"):
        release.changes("# Changelog\n")


def test_a_lock_of_what_runs_that_does_not_fit_is_said(tmp_path, monkeypatch):
    text = supply_chain.LOCK.read_text(encoding="utf-8")
    assert list(supply_chain.out_of_step(text)) == []
    runtime = supply_chain.RUNTIME.read_text(encoding="utf-8")
    other = runtime.replace("\nduckdb==", "\nduckdb==9.").replace("\nprefect==", "\nno-prefect==")
    (tmp_path / "runtime.lock").write_text(other)
    monkeypatch.setattr(supply_chain, "RUNTIME", tmp_path / "runtime.lock")
    said = " ".join(supply_chain.out_of_step(text))
    assert "duckdb 9." in said
    assert "prefect is missing" in said
