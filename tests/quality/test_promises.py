"""Promises of freshness: counted in sessions or days, kept or broken, and a team's own names in their place."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest

from warehouse.database import store as stores
from warehouse.errors import UsageError
from warehouse.quality import data_docs, promises
from warehouse.reports import prometheus
from warehouse.reports.site import ages
from warehouse.reports.site.page import Reader
from warehouse.tables import CORE, SYSTEM


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("newest", "now", "sessions"),
    [
        # Thanksgiving is on 26 November 2026; the 27th closes at 13:00 in New York, which is 18:00 UTC
        ("2026-11-25", "2026-11-27 17:59", 0),
        ("2026-11-25", "2026-11-27 18:00", 1),
        ("2026-11-27", "2026-11-30 20:59", 0),  # a weekend, then a Monday that has not closed yet
        ("2026-11-27", "2026-11-30 21:00", 1),
        ("2026-10-30", "2026-11-02 20:30", 0),  # summer time ended on 1 November: it closes at 21:00 UTC from now on
        ("2025-12-31", "2026-01-05 22:00", 2),  # over New Year
    ],
)
def test_an_age_in_sessions_counts_those_that_have_closed(newest, now, sessions):
    assert promises.sessions_since(date.fromisoformat(newest), at(now)) == sessions


def test_every_table_of_facts_has_an_owner_and_a_promise():
    assert set(promises.declared()) == {*(table.full_name for table in CORE.values()), "marts"}
    assert all(one.owner and one.notify and one.at_most > 0 for one in promises.declared().values())


@pytest.fixture
def store(tmp_path):
    with stores.opened(tmp_path / "warehouse.duckdb", tmp_path / "staging.duckdb") as opened:
        yield opened


def asked(store, source: str, moment: datetime) -> None:
    table = SYSTEM["source_runs"]
    row = {column.name: 0 if column.type == "integer" else "" for column in table.columns} | {
        "run_id": "r", "source": source, "feed": "capex", "outcome": "good", "checked_at": moment,
        "last_success_at": moment, "newest_known_on": None,
    }  # fmt: skip
    store.append(table, pl.DataFrame([row], schema=table.polars_schema))


def judged(store, now: str) -> dict[str, promises.Judged]:
    return {one.table_name: one for one in promises.judge(store.connection, promises.declared(), at(now))}


def test_filings_are_as_old_as_the_last_time_that_the_sec_was_asked(store):
    """Four days are promised: that there was no new filing meanwhile does not make them older."""
    asked(store, "sec", at("2026-11-24 12:00"))
    assert judged(store, "2026-11-28 23:00")["core.company_facts"].state == "kept"
    broken = judged(store, "2026-11-29 01:00")["core.company_facts"]
    assert (broken.age, broken.state) == (5, "broken")
    assert broken.text == (
        "core.company_facts is older than promised: no live source of it has given all that it was asked for since 5 days; "
        "at most 4 are promised. Owner: filings; told: on-call person."
    )


def test_each_source_that_is_needed_has_to_be_fresh(store):
    asked(store, "sec", at("2026-11-20 12:00"))
    asked(store, "sec_inline_xbrl", at("2026-11-28 12:00"))
    assert judged(store, "2026-11-28 13:00")["core.company_facts"].age == 8


def test_nothing_is_promised_of_a_home_that_holds_the_packaged_snapshot_alone(store):
    assert {one.state for one in judged(store, "2026-11-28 13:00").values()} == {"not_due"}


def test_a_team_puts_its_own_names_in_place(tmp_path):
    file = tmp_path / "promises.toml"
    file.write_text('["core.stock_prices"]\nowner = "Kim"\nat_most = 1\n')
    found = promises.promised(file)
    assert (found["core.stock_prices"].owner, found["core.stock_prices"].at_most) == ("Kim", 1)
    assert found["core.stock_prices"].unit == "sessions"
    assert found["marts"] == promises.declared()["marts"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[prices]\nat_most = 1", 'there is no table "prices"; write its name in quotes'),
        ('["core.stock_prices"]\nmost = 1', "most is not known; use owner, notify, at_most, unit"),
        ('["core.stock_prices"]\nat_most = "2"', "at_most = '2'; give a whole number from 0 to 10,000"),
        ('["core.stock_prices"]\nat_most = true', "at_most = True; give a whole number from 0"),
        ('["core.stock_prices"]\nunit = "hours"', "unit = 'hours'; give days or sessions"),
        ('["core.stock_prices"]\nat_most = 10001', "give a whole number from 0 to 10,000"),
        ('["core.stock_prices"]\nowner = " "', "owner = ' '; give text in quotes"),
        ("marts = 3", "this is no part of a file"),
        ("[", "this is no TOML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, said):
    file = tmp_path / "promises.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"^OVERBUILD_PROMISES=.*promises\.toml") as raised:
        promises.promised(file)
    assert said in str(raised.value)


def test_each_promise_stands_as_the_last_run_found_it_broken_ones_first():
    connection = duckdb.connect()
    table = SYSTEM["promises"].empty()
    connection.execute("create schema provenance")
    connection.register("columns", table.to_arrow())
    connection.execute("create table provenance.promises as from columns")
    for name, day, state in (
        ("core.a", 1, "broken"),
        ("core.a", 2, "kept"),
        ("core.b", 1, "kept"),
        ("core.b", 2, "broken"),
    ):
        connection.execute(
            "insert into provenance.promises by name select 'r' as run_id, "
            f"'{name}' as table_name, '{state}' as state, timestamptz '2026-11-0{day} 00:00:00+00' as measured_at"
        )
    found = promises.kept(connection)
    assert [(row["table_name"], row["state"], row["runs_kept"]) for row in found] == [
        ("core.b", "broken", 1),
        ("core.a", "kept", 1),
    ]


def ran(store, run_id: str, now: str) -> list[promises.Judged]:
    """A run that published: it notes itself and how the promises stood at its start."""
    runs, table = SYSTEM["runs"], SYSTEM["promises"]
    row = dict.fromkeys(runs.names) | {
        "run_id": run_id, "as_of": at(now).date(), "outcome": "published", "started_at": at(now), "source": "live",
        "versions": "{}",
    }  # fmt: skip
    store.append(runs, pl.DataFrame([row], schema=runs.polars_schema))
    found = promises.judge(store.connection, promises.declared(), at(now))
    store.append(table, pl.DataFrame([one.row(run_id) for one in found], schema=table.polars_schema))
    return found


def documented(folder, run_id: str, standing) -> str:
    """The start page of Data Docs after a run without a check."""
    (folder / "runs" / run_id).mkdir(parents=True)
    data_docs._remember(folder / "runs" / run_id, [], run_id, at("2026-11-28 23:00"))
    data_docs.add_promises(folder, run_id, standing)
    return (folder / "index.html").read_text()


def test_the_report_data_docs_and_metrics_say_the_same_of_each_promise(store, tmp_path):
    """Four days are promised of filings. They were asked for on the 24th: on the 28th it is kept, on the 29th broken."""
    asked(store, "sec", at("2026-11-24 12:00"))
    ran(store, "first", "2026-11-28 23:00")
    last = ran(store, "second", "2026-11-29 01:00")
    standing = {row["table_name"]: row for row in promises.kept(store.connection)}
    filings = standing["core.company_facts"]
    assert (filings["state"], filings["age"], filings["runs_kept"], filings["runs_broken"]) == ("broken", 5, 1, 1)

    shown = ages.ages(Reader(store.connection))
    assert {one.table_name: (one.state, one.age, one.at_most, one.unit) for one in shown} == {
        name: (row["state"], row["age"], row["at_most"], row["unit"]) for name, row in standing.items()
    }
    assert (shown[0].late, shown[0].promised) == (True, "at most 4 days")

    page = documented(tmp_path / "docs", "second", standing.values())
    row = page[page.index("<td>core.company_facts</td>") :].partition("</tr>")[0]
    assert all(said in row for said in (">broken<", ">5<", ">4 days<", ">1 of 2 runs<", ">filings<")), row

    found = prometheus.registry(
        version="1", run=defaultdict(int, started_at=at("2026-11-29 01:00"), outcome="published"),
        finished_at=at("2026-11-29 01:01"), steps=[], sources=[], answer=None, outcomes=(),
        promises=[one.row("second") for one in last],
    )  # fmt: skip
    exported = prometheus.write(tmp_path, found).read_text()
    named = '{owner="filings",table="core.company_facts",unit="days"}'
    assert f"overbuild_promise_kept{named} 0.0" in exported
    assert f"overbuild_promise_age{named} 5.0" in exported


def test_of_an_answer_of_an_earlier_day_nothing_is_promised(store):
    asked(store, "sec", at("2026-11-20 12:00"))
    ran(store, "first", "2026-11-29 01:00")
    assert {one.state for one in ages.ages(Reader(store.connection, dated=True))} == {"not_due"}
