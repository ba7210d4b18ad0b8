"""What a source is given to fetch with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from warehouse.settings import Settings


@dataclass(frozen=True)
class Local:
    """For sources whose documents lie on this machine: the settings and the time."""

    settings: Settings
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    span: tuple[date, date] | None = None

    def get(self, url: str, **_: object) -> None:
        raise NotImplementedError(f"{url}: this source has no network")

    def newest(self, table: str, by: str, day: str) -> dict[str, date]:
        raise NotImplementedError

    def values(self, table: str, column: str) -> list[str]:
        raise NotImplementedError
