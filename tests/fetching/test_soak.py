"""Sources asked again and again, with faults: the ledger of fetches says what the archive holds, and nothing else lies there.

The long form, a week of all sources, is torture/soak.py.
"""

from __future__ import annotations

import time

import pytest

from tests.fetching.hosts import LIVE
from torture.soak import disagreements, soak

SOURCES = tuple(source for source in LIVE if source.name in ("azure", "oracle", "sec", "skypilot"))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0.0)


def test_the_ledger_agrees_with_the_archive_after_every_round(tmp_path):
    found = soak(tmp_path, rounds=4, until=time.monotonic() + 600, sources=SOURCES)
    assert found.faults == []
    assert found.rounds == 4
    assert found.requests > 4 * len(SOURCES)


def test_a_document_that_is_lost_or_that_nobody_fetched_would_be_found(tmp_path):
    soak(tmp_path, rounds=1, until=time.monotonic() + 600, sources=SOURCES[:1])
    document = next(path for path in (tmp_path / "raw").rglob("*") if path.is_file() and len(path.name) == 64)
    document.rename(document.with_name("0" * 64))
    assert len(disagreements(tmp_path)) == 2
