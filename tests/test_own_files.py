"""Whatever stands in a file of ours, a command goes on without it or says which file it is and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.own_files import OWN, Own, outcome
from warehouse import records
from warehouse.database import seals
from warehouse.fetching.fetch_log import Fetched
from warehouse.fetching.rate_limit import RateLimit
from warehouse.paths import Paths
from warehouse.processes import Process
from warehouse.quality import decisions

EACH = pytest.mark.parametrize("own", OWN, ids=lambda own: own.name)


@EACH
def test_a_good_file_is_read(own, tmp_path):
    assert outcome(own, tmp_path, own.good) == ("refused" if own.name == "link to what is published" else "read")


@EACH
@settings(max_examples=examples(0.2), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
def test_a_spoiled_file_costs_what_stood_there_or_is_said(own: Own, chance, tmp_path):
    assert outcome(own, tmp_path, own.spoil(own.good, chance)) in ("read", "refused")


@pytest.mark.parametrize(
    "noted", ['{"next": "soon"}', '{"next": null, "last": []}', '{"next": NaN}', "[" * 100_000, "5", "\xff"]
)
def test_what_was_noted_of_a_hosts_turns_and_cannot_be_read_counts_for_nothing(tmp_path, noted):
    waits: list[float] = []
    path = tmp_path / "fetches" / "vast.rate_limit.json"
    limit = RateLimit(tmp_path, "vast", 1.0, waits.append)
    path.write_text(noted, encoding="latin-1")
    limit.wait_turn()
    assert waits == []
    assert json.loads(path.read_bytes())["next"] > 0, "the next turn is noted anew"


def test_a_pause_that_is_longer_than_any_is_none(tmp_path):
    limit = RateLimit(tmp_path, "vast", 1.0)
    (tmp_path / "fetches" / "vast.rate_limit.json").write_text(
        '{"paused_until": "9999-12-31T00:00:00+00:00", "why": "busy"}'
    )
    assert limit.paused() is None


def test_a_line_of_a_log_that_names_no_document_is_left_out():
    good = {"url": "u", "name": "n", "media_type": "t", "sha256": "0" * 64, "fetched_at": "2026-01-01T00:00:00Z",
            "checked_at": "2026-01-01T00:00:00+00:00"}  # fmt: skip
    assert records.record(Fetched, good) is not None
    for name, wrong in (
        ("checked_at", "2026-01-01T00:00:00"),
        ("etag", 5),
        ("context", {"a": 1}),
        ("name", "\ud800"),
        ("sha256", None),
    ):
        assert records.record(Fetched, good | {name: wrong}) is None, name


def test_a_decision_that_is_damaged_decides_nothing_and_is_said(tmp_path):
    (own,) = (own for own in OWN if own.name == "decisions")
    accepted, *others = own.good.splitlines()
    damaged = accepted.replace(b'\\"1.5\\"', b'\\"1.5x\\"')
    assert damaged != accepted
    paths = Paths(tmp_path, tmp_path / "warehouse.duckdb")
    (tmp_path / decisions.FILE).write_bytes(b"\n".join([damaged, *others, b'{"row_id": "cut short by a cra']))
    assert decisions.unreadable(paths) == [1]
    assert [one.decision for one in decisions.read(paths)] == ["dismissed", "withdrawn"]


def test_a_number_that_no_process_has_belongs_to_none():
    """A file of such a name in /tmp ended every command."""
    assert Process(9_999_999_999, "1", str(Process(1, "", "")).rpartition("-")[2]).is_gone in (True, False)


def test_a_damaged_part_of_what_a_refused_run_kept_is_left_out_and_said(tmp_path):
    import polars as pl

    from warehouse.pipeline.refused import _read
    from warehouse.tables import SYSTEM

    table, file = SYSTEM["runs"], tmp_path / "runs.parquet"
    table.conform(pl.DataFrame({"run_id": ["r1"]})).write_parquet(file)
    seals.write(tmp_path, "r1", None)
    assert _read(file, table)[0] is not None
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    assert _read(file, table)[0] is None
    assert "SHA-256" in _read(file, table)[1]
    assert "SHA-256" in seals.fault_of_part(file)


def test_a_seal_names_files_of_its_own_folder_alone(tmp_path):
    line = {"bytes": 1, "mtime_ns": 1, "sha256": "0" * 64}
    for path, kept in (("site/a", 2), ("../a", 0), ("/etc/passwd", 0), (".", 0), ("", 0), ("a\0", 0)):
        lines = [{"run_id": "r", "as_of": None}, line | {"path": path}]
        (tmp_path / seals.SEAL).write_text("\n".join(map(json.dumps, lines)))
        assert len(seals._lines(tmp_path)) == kept, path
    assert Path(tmp_path).exists()
