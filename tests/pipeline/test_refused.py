"""What a refused run found appears whole: the next run takes up what lies there."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from warehouse.errors import RefusedError
from warehouse.paths import Paths, create_folders
from warehouse.pipeline import refused
from warehouse.tables import SYSTEM


@pytest.fixture
def run(tmp_path, monkeypatch):
    paths = Paths(tmp_path / "home", tmp_path / "home" / "warehouse.duckdb")
    create_folders(paths)
    made = SimpleNamespace(
        paths=paths,
        run_id="run1",
        folder=paths.work / "run1",
        release=paths.work / "run1" / "release",
        asked_as_of=None,
    )
    made.release.mkdir(parents=True)
    for name in ("record_run", "record_measures"):
        monkeypatch.setattr(refused.record, name, lambda *_: None)
    return made


class NothingFound:
    """A store whose history is empty."""

    def frame(self, statement: str, _: object) -> pl.DataFrame:
        [table] = [t for t in SYSTEM.values() if f"FROM {t.full_name} " in statement]
        return table.empty()


def test_a_refused_run_that_is_interrupted_keeps_nothing(run, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(refused, "write_quality_page", killed)
    with pytest.raises(KeyboardInterrupt):
        refused.keep(NothingFound(), run, RefusedError("why"), date(2025, 1, 28), {}, ())
    assert list(run.paths.refused.iterdir()) == []


def test_a_refused_run_keeps_all_of_it(run, monkeypatch):
    monkeypatch.setattr(refused, "write_quality_page", lambda *_: [])
    kept = refused.keep(NothingFound(), run, RefusedError("why"), date(2025, 1, 28), {}, ())
    folder = run.paths.refused / "run1"
    assert kept.page == folder / "site" / "quality.html"
    assert {path.name for path in folder.iterdir()} >= {"runs.parquet", "results.parquet", "quarantine.parquet"}
