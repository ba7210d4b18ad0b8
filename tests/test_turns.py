"""Whoever waits for a short turn at a file is told for whom, and does not wait for ever."""

from __future__ import annotations

import logging
import os

import pytest
from filelock import FileLock

from warehouse import files, locks, turns
from warehouse.errors import UsageError
from warehouse.fetching.rate_limit import RateLimit
from warehouse.paths import Paths
from warehouse.quality import decisions


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(turns, "GIVES_UP_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(turns, "SAYS_SO_AFTER_SECONDS", 0.1)


def test_a_free_turn_is_taken_and_given_back(tmp_path):
    lock = FileLock(tmp_path / "a.lock")
    with turns.taken(lock, "a"):
        assert locks.is_taken(tmp_path / "a.lock")
    assert not locks.is_taken(tmp_path / "a.lock")


def of_rate_limits(folder):
    return folder / "fetches" / "sec.rate_limit.lock", lambda: RateLimit(folder, "sec", 10.0).wait_turn()


def of_decisions(folder):
    one = decisions.Decision("row", None, "core.prices", decisions.DISMISSED, "me", "why", "", "{}", "", "")
    return folder / "decisions.lock", lambda: decisions.keep(Paths(folder, folder / "w.duckdb"), one)


def of_logs(folder):
    return folder / "log.lock", lambda: files.append(folder / "log.jsonl", "{}")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", [of_rate_limits, of_decisions, of_logs])
def test_a_turn_that_does_not_come_names_who_has_it(tmp_path, kind, caplog):
    path, act = kind(tmp_path)
    path.parent.mkdir(exist_ok=True)
    logger = logging.getLogger("overbuild.progress")
    logger.propagate, before = True, logger.propagate
    try:
        with FileLock(path), pytest.raises(UsageError, match=r"did not end within 0\.3 seconds") as raised:
            act()
    finally:
        logger.propagate = before
    assert f"process {os.getpid()}: " in str(raised.value)
    assert "waiting for it to end" in caplog.text


def test_nobody_holds_a_lock_that_is_free_or_not_there(tmp_path):
    assert turns.holder(tmp_path / "none.lock") == "the system does not say which"
    (tmp_path / "free.lock").touch()
    assert turns.holder(tmp_path / "free.lock") == "the system does not say which"
