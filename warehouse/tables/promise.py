"""What the owner of a table promises its readers: how old it is at most, and who is told when it is older.

"Fresh" means another thing for each table. A price has an age of its own: the sessions that closed since its newest bar.
Of filings there may be none for two months, and the table is as fresh as the day the SEC last said so. So a promise is
made of the newest fact, or of the last time that a source gave all that it was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Of = Literal["newest_fact", "last_asked"]
Unit = Literal["sessions", "days"]


@dataclass(frozen=True)
class Promise:
    """How old a table is `at_most`, counted in trading `sessions` that have closed since, or in calendar `days`.

    `of` is what grows old: the newest fact, or the last whole answer of a live source. `owner` answers for the table,
    and `notify` is told. Both are roles here; a team puts its own names in their place (OVERBUILD_PROMISES).
    """

    owner: str
    notify: str
    at_most: int
    unit: Unit = "days"
    of: Of = "last_asked"


MARKET_DATA = "market data"
FILINGS = "filings"
COMPUTE = "compute prices"
RESEARCH = "research"
ON_CALL = "on-call person"
OWNERS = {
    MARKET_DATA: "whoever keeps share prices and what exchanges say",
    FILINGS: "whoever keeps what companies file",
    COMPUTE: "whoever keeps rental prices and chips",
    RESEARCH: "whoever keeps models, statements and the answer itself",
}
NOTIFIED = {ON_CALL: "whoever is on duty"}

OF_MARTS = Promise(RESEARCH, ON_CALL, 4, "days", "newest_fact")
"""All marts are one answer: a long weekend may pass without a new one, and no more."""
