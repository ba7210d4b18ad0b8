"""History in pieces: what is left to do, what is remembered, and how the command answers."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from warehouse.cli import backfill as command
from warehouse.errors import RefusedError, UsageError
from warehouse.paths import Paths
from warehouse.pipeline import backfill
from warehouse.pipeline.backfill import Progress, Span, pieces
from warehouse.sources import all_sources

PROJECT = Path(__file__).parents[2]
TODAY = date(2026, 11, 25)
SOURCE = next(s for s in all_sources() if s.backfills and not s.history_at_once)
ABLE = SOURCE.name


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(Paths(tmp_path, tmp_path / "warehouse.duckdb"), "yahoo")


def days(spans: list[Span]) -> list[date]:
    return [first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)]


# -- pieces -----------------------------------------------------------------------------------------------------------


def test_a_span_is_cut_at_the_ends_of_quarters():
    assert pieces((date(2024, 11, 5), date(2025, 4, 1))) == [
        (date(2024, 11, 5), date(2024, 12, 31)),
        (date(2025, 1, 1), date(2025, 3, 31)),
        (date(2025, 4, 1), date(2025, 4, 1)),
    ]


spans = st.tuples(st.dates(date(2020, 1, 1), date(2024, 1, 1)), st.integers(0, 900)).map(
    lambda drawn: (drawn[0], drawn[0] + timedelta(days=drawn[1]))
)


@given(spans)
def test_pieces_hold_every_day_once_in_order(span):
    assert days(pieces(span)) == days([span])


@given(spans, st.lists(spans, max_size=5))
def test_what_remains_is_what_is_not_done(tmp_path_factory, span, done):
    folder = tmp_path_factory.mktemp("done")
    progress = Progress(Paths(folder, folder / "w"), "yahoo")
    for piece in done:
        progress.remember(piece, TODAY)
    asked = set(days(done))
    assert days(progress.remaining(span)) == [day for day in days([span]) if day not in asked]
    assert progress.done() == sorted(progress.done())


def test_an_interrupted_backfill_goes_on_where_it_stopped(progress):
    span = (date(2024, 1, 1), date(2024, 12, 31))
    first, second, *rest = progress.remaining(span)
    progress.remember(first, TODAY)
    progress.remember(second, TODAY)
    assert progress.remaining(span) == rest
    assert progress.remaining((date(2024, 3, 1), date(2024, 5, 1))) == []


def test_today_is_never_done(progress):
    progress.remember((date(2026, 11, 1), TODAY), TODAY)
    assert progress.done() == [(date(2026, 11, 1), date(2026, 11, 24))]
    assert progress.remaining((date(2026, 11, 20), TODAY)) == [(TODAY, TODAY)]


def test_a_damaged_memory_is_none(progress):
    progress.remember((date(2024, 1, 1), date(2024, 2, 1)), TODAY)
    progress.path.write_text("{")
    assert progress.done() == []


# -- wrong use --------------------------------------------------------------------------------------------------------


def test_a_source_without_history_says_so_and_who_has_one():
    with pytest.raises(UsageError, match=r"epoch: no earlier days can be asked for.*Sources with a history: "):
        backfill.source_of("epoch")
    with pytest.raises(UsageError, match=r"nowhere: there is no such live source. Sources with a history: "):
        backfill.source_of("nowhere")


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (date(2025, 2, 1), date(2025, 1, 1), "the last day is before the first"),
        (date(2025, 2, 1), date(2026, 11, 26), "is in the future"),
        (date(1960, 1, 1), date(1980, 1, 1), "has nothing older than"),
    ],
)
def test_days_that_are_no_span_of_the_past(first, last, message):
    with pytest.raises(UsageError, match=message):
        backfill.span_of(SOURCE, first, last, TODAY)


def test_a_span_that_begins_before_the_history_begins_with_it():
    source = replace(SOURCE, history_from=date(2025, 3, 28))
    assert backfill.span_of(source, date(2020, 1, 1), date(2025, 4, 1), TODAY) == (date(2025, 3, 28), date(2025, 4, 1))
    with pytest.raises(UsageError, match="has nothing older than 2025-03-28"):
        backfill.span_of(source, date(2020, 1, 1), date(2025, 3, 27), TODAY)


def test_a_source_that_gives_all_days_at_once_is_asked_for_the_whole_span(progress):
    span = (date(2020, 1, 1), date(2024, 12, 31))
    progress.remember((date(2021, 1, 1), date(2022, 1, 1)), TODAY)
    assert progress.remaining(span, at_once=True) == [span]
    progress.remember(span, TODAY)
    assert progress.remaining(span, at_once=True) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--from", "2025-01-01", "--to", "2025-02-01"], "there is no such live source"),
        (["yahoo", "--from", "2025-13-01", "--to", "2025-02-01"], "is not a date"),
        (["yahoo", "--from", "2025-01-01"], "--to"),
    ],
)
def test_the_command_refuses_wrong_use(tmp_path, arguments, message):
    environment = {n: v for n, v in os.environ.items() if not n.startswith("OVERBUILD_")}
    environment |= {"OVERBUILD_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "warehouse.cli", "backfill", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr


# -- running it -------------------------------------------------------------------------------------------------------


class Answering:
    """Stands in for a run: notes what it was asked, and fails where it is told to."""

    def __init__(self) -> None:
        self.asked: list[Span] = []
        self.failing: dict[Span, Exception | str] = {}

    def __call__(self, *, source: str, only: tuple[str, ...], span: Span) -> dict:
        assert (source, only) == ("live", (ABLE,))
        self.asked.append(span)
        failure = self.failing.get(span)
        if isinstance(failure, Exception):
            raise failure
        return {"failed_sources": {only[0]: failure} if failure else {}, "new_rows": 7}


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Answering:
    from flows import connection
    from flows.environment import prepare

    prepare()
    from flows import backfill as flow

    stand_in = Answering()
    monkeypatch.setattr(connection, "connected", lambda asks_sources: nullcontext())
    monkeypatch.setattr(flow, "answer", stand_in)
    monkeypatch.setattr(flow, "backfill", flow.backfill.fn)  # as a function and not as a flow
    monkeypatch.setattr(flow, "OTHERS_ARE_LET_IN_SECONDS", 0.0)
    monkeypatch.setenv("OVERBUILD_HOME", str(tmp_path))
    early = replace(SOURCE, history_from=date(2024, 1, 1))
    monkeypatch.setattr(command, "source_of", lambda name: early)
    return stand_in


def asked(first: date, last: date, again: bool = False) -> tuple[dict[str, str], list[str]]:
    said: list[str] = []
    return command.start(ABLE, first, last, again=again, say=said.append), said


def test_a_second_backfill_of_the_same_days_asks_nothing(answering, tmp_path):
    first, last = date(2024, 1, 1), date(2024, 6, 30)
    assert asked(first, last)[0] == {}
    assert answering.asked == pieces((first, last))
    answering.asked.clear()
    failed, said = asked(first, last)
    assert (failed, answering.asked) == ({}, [])
    assert "nothing to do" in said[0]
    asked(first, last, again=True)
    assert answering.asked == pieces((first, last))


def test_an_incomplete_piece_is_asked_for_again_and_named(answering):
    first, last = date(2024, 1, 1), date(2024, 9, 30)
    middle = pieces((first, last))[1]
    answering.failing[middle] = "NVDA: answered 503"
    failed, _ = asked(first, last)
    assert failed == {"2024-04-01 to 2024-06-30": "NVDA: answered 503"}
    answering.asked.clear()
    answering.failing.clear()
    assert asked(first, last)[0] == {}
    assert answering.asked == [middle]


def test_a_refused_piece_stops_it_and_leaves_the_pieces_before(answering):
    first, last = date(2024, 1, 1), date(2024, 9, 30)
    _, two, three = pieces((first, last))
    answering.failing[two] = RefusedError("too many bad rows")
    with pytest.raises(RefusedError):
        asked(first, last)
    answering.asked.clear()
    answering.failing.clear()
    asked(first, last)
    assert answering.asked == [two, three]


def test_one_backfill_of_a_source_at_a_time(answering, tmp_path):
    folder = tmp_path / "backfill"
    folder.mkdir(parents=True)
    with FileLock(folder / f"{ABLE}.lock"), pytest.raises(UsageError, match="another process is at it"):
        asked(date(2024, 1, 1), date(2024, 1, 31))
    assert answering.asked == []


def test_the_span_may_end_today(answering):
    today = datetime.now(UTC).date()
    asked(today - timedelta(days=1), today)
    answering.asked.clear()
    asked(today - timedelta(days=1), today)
    assert answering.asked == [(today, today)]
