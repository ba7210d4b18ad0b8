"""A published copy is read to its last value before a run goes on from it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from warehouse.errors import DamagedError, UsageError
from warehouse.paths import Paths
from warehouse.pipeline import starting

ROWS = 300_000


@pytest.fixture
def copy(tmp_path) -> Path:
    path = tmp_path / "backup.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA provenance; CREATE TABLE provenance.runs (run_id VARCHAR)")
        connection.execute(f"CREATE TABLE provenance.documents AS SELECT md5(range::VARCHAR) AS s FROM range({ROWS})")
    return path


def base(tmp_path: Path, copy: Path) -> starting.Base:
    return starting.base(Paths(tmp_path / "home", tmp_path / "home" / "warehouse.duckdb"), str(copy), print)


def test_a_whole_copy_is_what_the_run_goes_on_from(tmp_path, copy):
    found = base(tmp_path, copy)
    assert (found.warehouse, found.release, found.restores) == (copy, None, False)


def test_a_damaged_copy_is_refused(tmp_path, copy):
    with copy.open("r+b") as opened:
        opened.seek(copy.stat().st_size // 2)
        opened.write(b"damaged")
    with pytest.raises(DamagedError, match="this file is damaged"):
        base(tmp_path, copy)


def test_what_overbuild_did_not_publish_is_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no such file"):
        base(tmp_path, tmp_path / "nowhere")
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    with pytest.raises(UsageError, match="overbuild did not publish this database"):
        base(tmp_path, other)
