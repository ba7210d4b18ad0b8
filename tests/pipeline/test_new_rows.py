"""A new row is checked once: that one result quarantines, is reported and is kept, and later runs rely on it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb_engine
import polars as pl
import pytest

from tests.by_sql import GREAT_EXPECTATIONS, BySql, checks_as_sql  # noqa: F401  (for the whole file)
from tests.conftest import with_provenance
from warehouse.database import store as stores
from warehouse.database.store import Store
from warehouse.paths import Paths, create_folders
from warehouse.pipeline import check, ingest, record
from warehouse.pipeline.check import ChecksFailedError
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.quarantine import Quarantined, check_new_rows
from warehouse.quality import checks, decisions, expectations, wording
from warehouse.quality.carried import fingerprint
from warehouse.quality.decisions import ACCEPTED, Decision
from warehouse.settings import Settings
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Check

START = datetime(2025, 3, 3, 6, tzinfo=UTC)
SHA = "ab" * 32
PRICES = CORE["stock_prices"]
GOOD = {
    "ticker": "NVDA", "date": date(2025, 1, 21), "open": 136.7, "high": 138.5, "low": 135.5, "close": 137.7,
    "adj_close": 137.6, "volume": 201_188_800, "known_on": date(2025, 1, 21), "locator": "line 2",
}  # fmt: skip
NEXT = {
    **GOOD,
    "date": date(2025, 1, 22),
    "close": 138.0,
    "adj_close": 137.9,
    "known_on": date(2025, 1, 22),
    "locator": "line 3",
}
LATER = {
    **GOOD,
    "date": date(2025, 1, 23),
    "close": 137.0,
    "adj_close": 136.9,
    "known_on": date(2025, 1, 23),
    "locator": "line 4",
}
BAD = {**LATER, "high": 0.1, "locator": "line 5"}
AT_FAULT = "ohlc_consistent"
SESSIONS = [date(2025, 1, day) for day in (21, 22, 23)]
LOOKED_AT = ("stock_prices", "companies", "evidence")  # the table that gets rows, and two that get none


@dataclass
class Run:
    """What a run found: its results by (table, check, columns), its quarantined rows, and what it asked of which target."""

    results: dict[tuple[str, str, str], dict[str, Any]]
    quarantined: list[dict[str, Any]]
    asked: Counter[tuple[str, str, tuple[str, ...]]] = field(default_factory=Counter)
    new_rows: Quarantined | None = None

    def how(self, table: str) -> Counter[str]:
        return Counter(row["how"] for (name, *_), row in self.results.items() if name == table)


class Runs:
    """A warehouse in which runs happen one after the other, as far as the checks of core."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.count = folder, 0
        self.paths = Paths(folder, folder / "warehouse.duckdb")
        create_folders(self.paths)
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []
        monkeypatch.setattr(check, "CORE", {name: CORE[name] for name in LOOKED_AT})
        for session in (BySql, expectations.Session):
            monkeypatch.setattr(session, "ask", self._noting(session.ask))

    def _noting(self, ask: Any) -> Any:
        def asking(session: Any, target: Any, wanted: Any, most: Any) -> Any:
            self.asked += [(target.name, each.name, each.columns) for each in wanted]
            return ask(session, target, wanted, most)

        return asking

    def run(self, *rows: dict[str, Any], sessions: list[date] = SESSIONS, decided: tuple[Decision, ...] = ()) -> Run:
        self.count += 1
        at = START + timedelta(days=self.count)
        run = RunContext(f"R{self.count}", at, self.paths, Settings(), None, decided)
        self.asked.clear()
        with stores.opened(self.folder / "w.duckdb", self.folder / f"staging{self.count}.duckdb") as store:
            store.put_helpers(pl.DataFrame({"session": sessions}), _bounds(0.02))
            self._archive(store, at)
            if rows:
                given = pl.DataFrame([{**row, "document_sha256": SHA} for row in rows])
                store.staging.add(PRICES, with_provenance(PRICES, given, "toy"))
            new = check_new_rows(store, run, Ingestion(()))
            added = {name: count for name, count in ingest.load(store).items() if name in LOOKED_AT}
            check.check_facts(store, run, new.new_rows, added)
            record.record_run(store, run, "published", at.date())
            return self._found(store, run.run_id, new)

    def _found(self, store: Store, run_id: str, new: Quarantined) -> Run:
        def rows(table: str) -> list[dict[str, Any]]:
            sql = f"SELECT * FROM {SYSTEM[table].full_name} WHERE run_id = ? ORDER BY ALL"
            return store.frame(sql, [run_id]).to_dicts()

        results = {(r["table_name"], r["expectation"], r["column_name"]): r for r in rows("results")}
        return Run(results, rows("quarantine"), Counter(self.asked), new)

    def _archive(self, store: Store, at: datetime) -> None:
        store.execute("DELETE FROM provenance.documents")
        document = {
            "sha256": SHA, "source": "toy", "source_kind": "live", "url": "https://example.org/prices.csv",
            "name": "prices.csv", "context": "{}",
            "fetched_at": at, "bytes": 10, "media_type": "text/csv", "known_on": None, "parsed_by": "1",
        }  # fmt: skip
        store.append(SYSTEM["documents"], pl.DataFrame([document], schema=SYSTEM["documents"].polars_schema))


def _bounds(low: float) -> pl.DataFrame:
    return pl.DataFrame({"gpu_model": ["*"], "low_usd_per_gpu_hour": [low], "high_usd_per_gpu_hour": [40.0]})


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    limit = PRICES.quarantine_limit
    object.__setattr__(PRICES, "quarantine_limit", 1.0)  # one bad row of two is more than the table may lose
    yield Runs(tmp_path, monkeypatch)
    object.__setattr__(PRICES, "quarantine_limit", limit)


@pytest.fixture
def declared() -> Iterator[None]:
    """The table's own checks, which a test may change, are as before afterwards."""
    before = PRICES.checks
    yield
    object.__setattr__(PRICES, "checks", before)


def declare(*changed: Check) -> None:
    names = {one.name for one in changed}
    object.__setattr__(PRICES, "checks", (*(c for c in PRICES.checks if c.name not in names), *changed))


def conditions(target: str) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(target, one.name, one.columns) for one in checks.conditions(PRICES)}


# -- checked once -----------------------------------------------------------------------------------------------------


def test_every_check_of_a_new_row_is_asked_once_and_never_again_of_the_table(runs: Runs, monkeypatch) -> None:
    statements: list[str] = []
    execute = duckdb_engine.CursorWrapper.execute

    def noting(cursor: Any, statement: Any, *given: Any, **more: Any) -> Any:
        statements.append(str(statement))
        return execute(cursor, statement, *given, **more)

    monkeypatch.setattr(duckdb_engine.CursorWrapper, "execute", noting)
    monkeypatch.setattr(expectations, "opened", GREAT_EXPECTATIONS)
    found = runs.run(GOOD, NEXT)
    waiting = conditions("staging.stock_prices") | {
        ("staging.stock_prices", one.name, one.columns) for one in checks.beside(PRICES)
    }
    assert {asked for asked in found.asked if asked[0] == "staging.stock_prices"} == waiting
    assert set(found.asked.values()) == {1}, "nothing was asked twice"
    of_rows = {one.name for one in checks.rules(PRICES) if one.quarantines or one.quarantines_compared}
    assert not [name for table, name, _ in found.asked if table == "core.stock_prices" and name in of_rows]
    [condition] = [one.unexpected for one in PRICES.checks if one.name == "session_of_the_exchange"]
    assert sum(condition in statement for statement in statements) == 1, "the database was asked once, too"


def test_a_check_that_finds_a_bad_row_is_asked_once_too(runs: Runs) -> None:
    found = runs.run(GOOD, NEXT, BAD)
    assert set(found.asked.values()) == {1}


# -- one result -------------------------------------------------------------------------------------------------------


def test_the_same_result_quarantines_is_reported_and_is_kept(runs: Runs) -> None:
    found = runs.run(GOOD, NEXT, BAD)
    [bad] = found.quarantined
    assert (bad["table_name"], bad["reason_code"], bad["document_name"], bad["locator"]) == (
        "core.stock_prices", AT_FAULT, "prices.csv", "line 5"
    )  # fmt: skip
    assert [json.loads(reason) for reason in bad["reasons"]] == [
        {"reason_code": AT_FAULT, "fields": {"open": 136.7, "high": 0.1, "low": 135.5, "close": 137.0}}
    ]
    failed = {key: row for key, row in found.results.items() if not row["success"] and row["severity"] == "critical"}
    [(key, reported)] = failed.items()
    assert key == ("staging.stock_prices", AT_FAULT, "open, high, low, close")
    assert (reported["how"], reported["unexpected_count"], reported["row_count"]) == ("ran", 1, 3)
    [row] = json.loads(reported["details"])["rows"]
    assert (row["document_sha256"], row["locator"]) == (SHA, bad["locator"])
    kept = found.results["core.stock_prices", AT_FAULT, "open, high, low, close"]
    assert (kept["how"], kept["success"], kept["row_count"]) == ("carried_over", True, 2)
    assert json.loads(kept["details"])["carried_over_from"] == "R1"
    assert kept["fingerprint"] == reported["fingerprint"]


def test_a_table_without_rows_has_nothing_that_its_checks_of_rows_could_look_at(runs: Runs) -> None:
    found = runs.run(GOOD)
    assert found.how("core.evidence")["skipped"] == len(checks.conditions(CORE["evidence"]))
    assert not [asked for asked in found.asked if asked[0] == "core.evidence" and asked[1] == checks.NOT_NULL]
    assert found.results["core.evidence", checks.ROW_COUNT, ""]["how"] == "ran", "that it is empty is a finding"


# -- carried over or run again ----------------------------------------------------------------------------------------


def test_what_was_checked_and_has_not_changed_is_not_checked_again(runs: Runs) -> None:
    first = runs.run(GOOD, NEXT)
    again = runs.run()
    asked = {name for table, name, _ in again.asked if table == "core.stock_prices"}
    assert asked == {checks.COLUMNS, checks.IN_ARCHIVE}
    kept = again.results["core.stock_prices", AT_FAULT, "open, high, low, close"]
    assert (kept["how"], kept["row_count"]) == ("carried_over", 2)
    assert kept["checked_at"] == first.results["core.stock_prices", AT_FAULT, "open, high, low, close"]["checked_at"]
    assert json.loads(kept["details"])["carried_over_from"] == "R1"


def test_new_rows_are_checked_and_the_table_as_a_whole_and_old_rows_are_not(runs: Runs) -> None:
    runs.run(GOOD, NEXT)
    found = runs.run(LATER)
    assert conditions("staging.stock_prices") <= set(found.asked)
    assert not conditions("core.stock_prices") & set(found.asked)
    kept = found.results["core.stock_prices", AT_FAULT, "open, high, low, close"]
    assert (kept["how"], kept["row_count"]) == ("carried_over", 3)
    assert json.loads(kept["details"])["carried_over_from"] == "R2", "its rows were last looked at now"
    for whole in (*checks.ONE_OF_ITS_KIND, *(one.name for one in checks.beside(PRICES))):
        ran = [row["how"] for key, row in found.results.items() if key[:2] == ("core.stock_prices", whole)]
        assert ran in ([], ["ran"]), whole
    assert found.how("core.companies")["carried_over"] > 0, "no row came, and none that its checks read"


def test_a_check_whose_definition_changed_looks_at_all_rows_again(runs: Runs, declared: None) -> None:
    runs.run(GOOD, NEXT)
    [was] = [one for one in PRICES.checks if one.name == AT_FAULT]
    declare(replace(was, unexpected=f"({was.unexpected}) or close > 139"))
    found = runs.run()
    assert found.results["core.stock_prices", AT_FAULT, "open, high, low, close"]["how"] == "ran"
    assert found.how("core.stock_prices")["ran"] == 3, "this one, and the two that read something else than rows"
    declare(replace(was, unexpected=f"({was.unexpected}) or close > 130"))
    with pytest.raises(ChecksFailedError, match=r"ohlc_consistent \(2 of 2 rows\); first: prices\.csv, line [23]"):
        runs.run()


def test_a_new_check_looks_at_the_rows_that_came_before_it(runs: Runs, declared: None) -> None:
    runs.run(GOOD, NEXT)
    declare(Check("volume_in_thousands", "volume > 1000000", "a volume", "critical", True, ("volume",)))
    with pytest.raises(ChecksFailedError, match=r"volume_in_thousands \(2 of 2 rows\)"):
        runs.run()


def test_a_calendar_that_changed_runs_the_checks_that_read_it(runs: Runs) -> None:
    runs.run(GOOD, NEXT)
    found = runs.run(sessions=[*SESSIONS, date(2025, 1, 24)])
    ran = {key[1] for key, row in found.results.items() if key[0] == "core.stock_prices" and row["how"] == "ran"}
    reading = {one.name for one in PRICES.checks if "calendar." in one.unexpected}
    assert ran == reading | {checks.COLUMNS, checks.IN_ARCHIVE}
    with pytest.raises(ChecksFailedError, match="session_of_the_exchange"):
        runs.run(sessions=SESSIONS[1:])


def test_a_bound_of_the_assumptions_is_part_of_the_check_that_reads_it() -> None:
    [check] = [one for one in CORE["gpu_prices"].checks if one.name == "plausible_for_the_chip"]
    assert fingerprint(check, {"bounds.": "a"}, START.date()) != fingerprint(check, {"bounds.": "b"}, START.date())
    assert fingerprint(check, {"bounds.": "a"}, START.date()) == fingerprint(check, {"bounds.": "a"}, date(2026, 1, 1))


def test_an_accepted_row_is_exempt_from_the_check_it_was_accepted_against(runs: Runs) -> None:
    [bad] = runs.run(GOOD, NEXT, BAD).quarantined
    decided = Decision(
        bad["row_id"], START, bad["table_name"], ACCEPTED, "Ada", "so says the exchange", bad["reason"], bad["row"],
        bad["document_sha256"], bad["locator"], bad["reason_code"],
    )  # fmt: skip
    found = runs.run(decided=(decided,))
    kept = found.results["core.stock_prices", AT_FAULT, "open, high, low, close"]
    assert (kept["how"], kept["success"], kept["row_count"]) == ("ran", True, 3)
    assert runs.run(decided=(decided,)).how("core.stock_prices")["ran"] == 2
    with pytest.raises(ChecksFailedError, match="ohlc_consistent"):
        runs.run()  # the decision is gone, and with it the exemption


def test_a_check_that_cannot_run_refuses_the_run(runs: Runs, declared: None) -> None:
    declare(Check("typing_error", "nmae = 'a'", "nothing", "warning", True))
    with pytest.raises(ChecksFailedError, match=r"typing_error: this check could not run: .*nmae"):
        runs.run(GOOD)


# -- words ------------------------------------------------------------------------------------------------------------


def test_another_wording_changes_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: Runs) -> None:
    def outcome(made: Runs) -> tuple[Any, ...]:
        found = made.run(GOOD, NEXT, BAD, {**GOOD, "close": None, "date": SESSIONS[2], "locator": "line 9"})
        later = made.run(LATER)
        kept = [
            {name: value for name, value in row.items() if name not in ("reason", "details", "checked_at")}
            | {"acceptable": acceptable(row)}
            for row in (*found.quarantined, *found.results.values(), *later.results.values())
        ]
        return kept, found.asked, later.asked

    def acceptable(row: dict[str, Any]) -> bool | None:
        if "row_id" not in row:
            return None
        why_not = decisions.why_not_acceptable(row["table_name"], row["row"], row["reason_code"], START.date())
        return not why_not

    before = outcome(runs)
    for name in ("label", "place", "fields", "sentence"):
        monkeypatch.setattr(wording, name, lambda *given: "; other: words, (and) more")
    assert outcome(Runs(tmp_path / "other", monkeypatch)) == before
