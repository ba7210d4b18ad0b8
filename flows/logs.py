"""What a run writes to Prefect's log, so that it can be read there: one line an entry, and no traceback of what is explained.

Prefect's page shows each entry with its time and level. A message of ten lines stands there as one block, and its
search finds the block. A refusal says in words what is wrong and what to do. Prefect adds the traceback of its
own engine to it, 60 lines that help nobody. An unexpected failure keeps its traceback: there it is the evidence.
"""

from __future__ import annotations

import logging

from warehouse.errors import OverbuildError

LOGGERS = ("prefect.flow_runs", "prefect.task_runs")
LONGEST_LINE = 1000  # characters


def lines(message: str) -> list[str]:
    """The lines of a message that say something, none longer than a page shows."""
    said = [line.rstrip() for line in str(message).splitlines() if line.strip()]
    return [line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 3]}..." for line in said]


class WithoutTraceback(logging.Filter):
    """Takes the traceback from a record of an error that says in words what is wrong."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, OverbuildError):
            record.exc_info, record.exc_text = None, None
            record.msg, record.args = f"ended: {' / '.join(lines(str(error)))}", ()
        return True


def explain() -> None:
    """Have Prefect's loggers of runs say explained errors in a line; calling it again changes nothing."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, WithoutTraceback) for each in logger.filters):
            logger.addFilter(WithoutTraceback())
