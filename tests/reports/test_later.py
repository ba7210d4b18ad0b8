"""A page that was published learns of a run that was refused after it, and nothing that is published changes for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from warehouse.paths import WAREHOUSE, Paths, create_folders
from warehouse.pipeline import publish
from warehouse.reports import later

FIRST, SECOND, REFUSED = "20251101T000000-aaaa", "20251201T000000-bbbb", "20251115T060000-cccc"
AT = datetime(2025, 11, 15, 6, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path):
    paths = Paths(tmp_path / "home", tmp_path / "home" / WAREHOUSE)
    create_folders(paths)
    published(paths, FIRST)
    return paths


def published(paths, run_id):
    built = paths.work / run_id
    (built / "site").mkdir(parents=True)
    (built / "site" / "quality.html").write_text("held")
    (built / WAREHOUSE).write_text("")
    return publish.publish(paths, built, run_id, None)


def refuse(paths, why="prices.csv, line 3: <b>high</b> is missing", run_id=REFUSED):
    folder = paths.refused / run_id
    for part in ("site", "quality"):
        (folder / part).mkdir(parents=True)
    (folder / "site" / "quality.html").write_text("This run was refused.")
    (folder / later.MESSAGE).write_text(why)
    later.refused(paths.later, paths.current.resolve(), folder, AT)


def told(paths):
    site = paths.root / "site"
    return (site / "later" / "later.js").read_text(), (site / "refused.html").read_text()


def files_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def test_a_release_says_that_nothing_was_refused_until_something_was(paths):
    script, page = told(paths)
    assert "main" not in script
    assert "None: no run was refused" in page
    release = paths.current.resolve()
    before = files_of(release)
    refuse(paths)
    script, page = told(paths)
    assert "2025-11-15 06:00 UTC" in script
    assert "prices.csv, line 3: <b>high</b> is missing" in script, "a script puts it in as text"
    assert "prices.csv, line 3: &lt;b&gt;high&lt;/b&gt; is missing" in page
    assert f'href="later/{REFUSED}/site/quality.html"' in page
    for way in (paths.root / "site", paths.current / "site", release / "site"):
        assert (way / "later" / REFUSED / "site" / "quality.html").read_text() == "This run was refused."
    assert files_of(release) == before, "what is published stays as it was"


def test_every_run_that_was_refused_since_is_listed_the_latest_first(paths):
    refuse(paths)
    refuse(paths, "another reason", "20251116T060000-dddd")
    script, page = told(paths)
    assert "another reason" in script
    assert page.index("20251116T060000-dddd") < page.index(REFUSED)
    assert later.runs(paths.later, paths.current.resolve()) == ["20251116T060000-dddd", REFUSED]


def test_the_next_release_starts_with_nothing_and_folders_of_gone_releases_go(paths, monkeypatch):
    refuse(paths)
    monkeypatch.setattr(publish, "KEPT_RELEASES", 1)
    published(paths, SECOND)
    assert "None: no run was refused" in told(paths)[1]
    published(paths, "20251202T000000-eeee")
    published(paths, "20251203T000000-ffff")
    assert {path.name for path in paths.later.iterdir()} == {path.name for path in paths.releases.iterdir()}


def test_a_release_of_an_earlier_version_is_left_alone(paths):
    later.forget(paths.later, [])
    refuse(paths)
    assert not (paths.later / FIRST).exists()
