"""The take-away that a run writes beside its site: the whole snapshot, as its standard's library reads it."""

from __future__ import annotations

import json

import frictionless
import polars as pl

from tests.runs import query

SMALL = ("marts.verdict", "marts.capex_yearly", "marts.claim_check", "marts.assumptions", "core.training_runs", "core.evidence",
         "core.article_claims", "provenance.documents")  # fmt: skip


def test_a_run_leaves_the_take_away_beside_its_site(published):
    home, summary = published
    folder = home / "export"
    described = json.loads((folder / "datapackage.json").read_text())
    assert described["version"].startswith(summary["as_of"])
    assert described["run_id"] == summary["run_id"]
    package = frictionless.Package(str(folder / "datapackage.json"))
    for name in SMALL:
        report = package.get_resource(name).validate()
        assert report.valid, (name, report.flatten(["type", "message"])[:3])
    rows = {each["name"]: each["rows"] for each in described["resources"] if each["type"] == "table"}
    for name in ("marts.event_study", "core.stock_prices"):
        assert [(rows[name],)] == query(home, f"SELECT count(*) FROM {name}")
        assert (
            pl.scan_parquet(folder / f"{name.replace('.', '/')}.parquet").select(pl.len()).collect().item()
            == rows[name]
        )
    assert not any(each.get("withheld_rows") for each in described["resources"]), "the snapshot may be passed on"


def test_it_is_small_enough_to_be_kept_with_each_release(published):
    """Three releases are kept: 65 MB of CSV each would be too much, so they are compressed."""
    size = sum(path.stat().st_size for path in (published[0] / "export").rglob("*") if path.is_file())
    assert size < 20_000_000
