"""How old each table of facts is, against what its owner promises: the line of every page, and the front page's table.

An answer is as old as its oldest table, and a reader does not see that in an as-of date. Whether a promise is kept
is not judged here. The run has judged it (`warehouse.quality.promises`). The quality page, Data Docs and metrics say the
same. Of an answer of an earlier day nothing is promised, nor of the packaged snapshot alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from warehouse.quality import promises
from warehouse.reports.site.page import Reader

NAMES = {
    promises.MARTS: "the answer",
    "core.ai_models": "AI models",
    "core.article_claims": "claims of the article",
    "core.capex_guidance": "guidance on spending",
    "core.company_facts": "filings of companies",
    "core.corporate_actions": "splits and dividends",
    "core.evidence": "collected evidence",
    "core.gpu_prices": "GPU rental offers",
    "core.gpu_specs": "chips",
    "core.model_capability": "capability of models",
    "core.shares_outstanding": "share counts",
    "core.stock_prices": "share prices",
}
"""What people call a table; the others are called by their names."""
COUNTED_FROM = {"newest_fact": "from its newest fact", "last_asked": "from the last whole answer of a live source"}


@dataclass(frozen=True)
class Age:
    """How old a table is. `newest` is None where it has no fact or no date; `days` are those before the answer's day.

    `age` and `at_most` are in the promise's `unit`; `age` is None where nothing is promised (`state` is `not_due`).
    """

    table_name: str
    what: str
    newest: date | None
    days: int | None
    is_empty: bool
    state: promises.State
    age: int | None
    at_most: int
    unit: str
    measured_of: str
    owner: str

    @property
    def late(self) -> bool:
        """Whether its promise is broken."""
        return self.state == "broken"

    @property
    def promised(self) -> str:
        return f"at most {self.at_most} {self.unit}"

    @property
    def rank(self) -> tuple[bool, bool, float, str]:
        """Broken promises first, by how far; then what ages by its facts, by how far it would be."""
        if self.late:
            return (False, False, -(self.age or 0) / max(1, self.at_most), self.what)
        by_facts = self.measured_of == "newest_fact" and (self.is_empty or self.days is not None)
        far = float("inf") if self.days is None else self.days / max(1, self.at_most)
        return (True, not by_facts, -far, self.what)


def ages(reader: Reader) -> list[Age]:
    """Every table of facts and the answer, the oldest against its promise first."""
    return sorted((_age(reader, row) for row in _standing(reader)), key=lambda age: age.rank)


def _standing(reader: Reader) -> Sequence[Mapping[str, Any]]:
    """Each promise as the run that made the answer found it, as rows of `provenance.promises`."""
    now = reader.started_at
    return reader.promises or [
        promises.Judged(name, one, now, None, "not_due").row("") for name, one in promises.declared().items()
    ]


def _age(reader: Reader, row: Mapping[str, Any]) -> Age:
    name = row["table_name"]
    newest: date | None = reader.as_of
    count: int | None = 1
    if name != promises.MARTS:
        query = f"SELECT max(known_on) AS newest, count(*) AS count FROM {name} WHERE known_on <= ?"
        found = reader.one(query, reader.as_of)
        newest, count = found.get("newest"), found.get("count")
    newest = None if newest == promises.ALWAYS_KNOWN else newest
    return Age(
        table_name=name,
        what=NAMES.get(name) or name.partition(".")[2].replace("_", " "),
        newest=newest,
        days=(reader.as_of - newest).days if newest else None,
        is_empty=not count,
        state=row["state"],
        age=row["age"],
        at_most=row["at_most"],
        unit=row["unit"],
        measured_of=row["measured_of"],
        owner=row["owner"],
    )


def rows(found: list[Age]) -> list[dict[str, Any]]:
    """The same for a table."""
    return [
        {
            "source": age.what[:1].upper() + age.what[1:],
            "newest": age.newest,
            "days": age.days,
            "age": None if age.age is None else f"{age.age} {age.unit}",
            "promised": age.promised,
            "state": age.state.replace("_", " "),
            "because": f"counted {COUNTED_FROM[age.measured_of]}; its owner: {age.owner}",
        }
        for age in found
    ]
