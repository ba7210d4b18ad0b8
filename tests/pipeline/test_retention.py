"""What a home need not keep is removed when somebody says so; documents and today's answer never are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.pipeline.test_publish import built
from tests.runs import command
from warehouse.fetching import archive
from warehouse.paths import Paths, create_folders
from warehouse.pipeline import retention
from warehouse.pipeline.publish import publish
from warehouse.sources.common.source import Received

NOW = datetime(2026, 3, 10, tzinfo=UTC)
NOTHING = {"releases": 3, "dated_days": None, "refused_days": None}


@pytest.fixture
def paths(tmp_path) -> Paths:
    """Today's answer, three before it, a dated answer of 1 March and one of 9 March, and two refused runs of the same days."""
    paths = Paths(tmp_path / "home", tmp_path / "home" / "warehouse.duckdb")
    create_folders(paths)
    archive.keep(paths.raw, Received("a", "https://a", "text/plain", b"one"))
    for number, day in enumerate(("01", "09"), 1):
        publish(paths, built(paths, number), f"202603{day}T100000-aaaa", date(2025, 1, number))
        (paths.refused / f"202603{day}T090000-bbbb").mkdir()
    for number in (3, 4, 5, 6):
        publish(paths, built(paths, number), f"2026030{number}T120000-cccc", None)
    return paths


def removed(paths: Paths, **rules) -> list[str]:
    found = list(retention.due(paths, NOW, **NOTHING | rules))
    for each in found:
        retention.remove(paths, each)
    return [str(each.path.relative_to(paths.root)) for each in found]


def test_without_a_rule_nothing_goes_that_a_run_keeps(paths):
    assert removed(paths) == []


def test_each_rule_removes_what_it_says_and_nothing_else(paths):
    before = {path.name for path in paths.releases.iterdir()}
    assert removed(paths, releases=1) == ["releases/20260303T120000-cccc", "releases/20260304T120000-cccc"]
    assert removed(paths, dated_days=5) == ["as-of/2025-01-01"]
    assert removed(paths, refused_days=5) == ["refused/20260301T090000-bbbb"]
    gone = before - {path.name for path in paths.releases.iterdir()}
    assert gone == {"20260303T120000-cccc", "20260304T120000-cccc", "20260301T100000-aaaa"}
    assert {path.name for path in paths.later.iterdir()} == before - gone
    assert (paths.root / "site" / "index.html").read_text() == "6"
    assert sum(1 for _ in archive.documents(paths.raw)) == 1


def test_the_strictest_rules_leave_the_answer_and_the_documents(paths):
    removed(paths, releases=0, dated_days=0, refused_days=0)
    assert [path.name for path in paths.releases.iterdir()] == ["20260306T120000-cccc"]
    assert sum(1 for _ in archive.documents(paths.raw)) == 1


def test_a_dated_answer_that_is_todays_keeps_its_release(paths):
    (link := paths.root / "as-of" / "2025-01-01").unlink()
    link.symlink_to(Path("..") / "releases" / paths.current.resolve().name)
    assert "as-of/2025-01-01" in removed(paths, dated_days=0)
    assert (paths.root / "site" / "index.html").read_text() == "6"


def test_a_dry_run_says_the_same_and_removes_nothing(paths):
    before = sorted(paths.releases.iterdir())
    dry = command(paths.root, "prune", "--releases", "1", "--dry-run")
    assert (dry.returncode, sorted(paths.releases.iterdir())) == (0, before)
    assert "2 would be removed" in dry.stderr
    assert command(paths.root, "prune", "--releases", "1").stdout == dry.stdout
    assert len(before) - len(list(paths.releases.iterdir())) == 2


def test_a_link_that_leads_out_of_the_releases_is_removed_and_what_it_leads_to_stays(paths, tmp_path):
    (tmp_path / "20200101T000000-mine").mkdir()
    (paths.root / "as-of" / "2020-01-01").symlink_to(tmp_path / "20200101T000000-mine")
    assert "as-of/2020-01-01" in removed(paths, dated_days=5)
    assert (tmp_path / "20200101T000000-mine").is_dir()
    assert not (paths.root / "as-of" / "2020-01-01").is_symlink()
