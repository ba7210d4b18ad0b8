"""What a source says of its documents and rows, in words, for tests that read them as people do."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from warehouse.sources.common.reasons import Reason, read
from warehouse.sources.common.wording import sentence, sentences


def notices(given: Iterable[Reason]) -> tuple[str, ...]:
    """Notices in words."""
    return tuple(map(sentence, given))


def unread(unreadable: pl.DataFrame) -> list[tuple[str, str]]:
    """Why each row could not be read, and its place."""
    return [(sentences(map(read, reasons)), place) for _, reasons, place in unreadable.rows()]
