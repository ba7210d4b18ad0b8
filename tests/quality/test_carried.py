"""What was found of a mart that stands holds; of one that is written anew, or reads one that is, it is asked again."""

from __future__ import annotations

from datetime import UTC, date, datetime

from warehouse import marts
from warehouse.quality import carried
from warehouse.quality.carried import Past, Result, fingerprint, key_of
from warehouse.quality.findings import Earlier, Target

FOUND = Earlier("R1", datetime(2026, 11, 9, tzinfo=UTC))
TODAY = date(2026, 11, 10)
TABLES = {name: mart.table for name, mart in marts.all_marts().items()}
TARGETS = [Target(table, table.full_name, "all") for table in TABLES.values()]


def asked(anew: set[str], added: dict[str, int] | None = None, rows: int = 3) -> set[str]:
    """The marts of which some check is asked again, where each table had three rows and was found in order."""
    counts = {target.name: rows for target in TARGETS}
    results = {
        key_of(target, check): Result(fingerprint(check, {}, TODAY), 3, FOUND)
        for target in TARGETS
        for check in target.checks
    }
    past = Past(results=results, added=added or {}, anew=frozenset(f"marts.{name}" for name in anew))
    return {
        target.table.name
        for target in TARGETS
        for check in target.checks
        if carried.standing(target, check, fingerprint(check, {}, TODAY), counts, past) is None
    }


def test_nothing_is_asked_of_marts_that_stand():
    assert asked(set()) == set()


def test_a_mart_that_is_written_anew_is_checked_whole_though_it_has_as_many_rows():
    assert {"event_study", "claim_check"} <= asked({"event_study", "claim_check"})
    target = next(target for target in TARGETS if target.table.name == "event_study")
    past = Past(anew=frozenset({"marts.event_study"}))
    assert all(carried.standing(target, check, "", {"marts.event_study": 3}, past) is None for check in target.checks)


def test_a_check_that_reads_another_table_is_asked_when_that_one_changes():
    reading = {
        target.table.name
        for target in TARGETS
        if any("marts.assumptions" in check.unexpected for check in target.checks)
    }
    assert asked({"assumptions"}) == {"assumptions", *reading}
    of_evidence = {
        target.table.name for target in TARGETS if any("core.evidence" in check.unexpected for check in target.checks)
    }
    assert asked(set(), {"core.evidence": 1}) == of_evidence


def test_another_number_of_rows_is_checked():
    assert asked(set(), rows=4) == set(TABLES)
