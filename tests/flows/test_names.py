"""What people read in Prefect's UI: names of runs, tags, and a log of lines."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, date, datetime

import pytest

from flows import logs, names
from warehouse.errors import RefusedError

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"source": "live", "only": ("prices",)}, "prices as of 2026-11-30"),
        ({"source": "reference"}, "reference sources as of 2026-11-30"),
        ({"source": "live", "as_of": date(2025, 1, 28)}, "live sources as of 2025-01-28"),
        ({"source": "live", "as_of": "2025-01-28", "offline": True}, "live sources offline as of 2025-01-28"),
        ({"source": "live", "restore": "archive"}, "live sources restored as of 2026-11-30"),
        (
            {"only": ("yahoo",), "span": (date(2023, 6, 1), date(2023, 6, 30))},
            "yahoo from 2023-06-01 to 2023-06-30",
        ),
        (
            {"only": ("aws", "azure", "gpurentalprices", "lambda_labs", "oracle", "skypilot", "yahoo", "epoch")},
            "aws, azure, gpurentalprices, lambda_labs, oracle, skypilot and 2 more as of 2026-11-30",
        ),
    ],
)
def test_a_run_is_named_by_what_it_asks_and_of_which_day(parameters, name):
    assert names.answer_name(parameters, TODAY) == name


def test_a_scheduled_run_is_named_by_when_it_was_due():
    due = datetime(2026, 11, 30, 21, 30, tzinfo=UTC)
    assert names.scheduled_name({"entry": "prices"}, due, missed=False) == "prices due 2026-11-30 21:30 UTC"
    assert names.scheduled_name({"entry": "prices"}, due, missed=True) == "prices due 2026-11-30 21:30 UTC, made up for"


def test_a_backfill_is_named_by_its_days():
    pieces = [("2023-06-01", "2023-06-30"), ("2023-07-01", "2023-07-31")]
    assert names.backfill_name({"source": "yahoo", "pieces": pieces}) == "yahoo from 2023-06-01 to 2023-07-31, 2 pieces"
    assert names.backfill_name({"source": "yahoo", "pieces": []}) == "yahoo, nothing left to fetch"


def test_tags_say_where_documents_come_from_and_what_kind_of_run_it_is():
    asked = {"source": "live", "only": ("prices",), "as_of": TODAY, "offline": True}
    assert names.tags_of(asked, "on-request") == [
        "source:live", "kind:on-request", "kind:dated", "kind:offline", "asks:prices"
    ]  # fmt: skip


def test_a_message_is_lines_that_a_page_can_show():
    assert logs.lines("refused:\n\n  first  \n  second\n") == ["refused:", "  first", "  second"]
    assert len(logs.lines("x" * 5000)[0]) == logs.LONGEST_LINE


@pytest.mark.parametrize(("error", "kept"), [(RefusedError("two\nlines"), False), (KeyError("a defect"), True)])
def test_an_error_that_says_what_is_wrong_needs_no_traceback_and_a_defect_keeps_it(error, kept):
    try:
        raise error
    except Exception:
        record = logging.LogRecord(
            "prefect.flow_runs", 40, "", 0, "Encountered exception: %r", (error,), sys.exc_info()
        )
    assert logs.WithoutTraceback().filter(record)
    assert (record.exc_info is not None) == kept
    assert ("\n" in record.getMessage()) is False
    assert record.getMessage() == ("Encountered exception: KeyError('a defect')" if kept else "ended: two / lines")
