"""What a person decides about a quarantined row is kept, respected by later runs, and never guessed."""

from __future__ import annotations

import json
import shlex
import shutil
from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest

from tests.by_sql import checks_as_sql  # noqa: F401  (for the whole file)
from tests.conftest import with_provenance
from tests.reports.made_warehouses import empty
from warehouse.cli import findings
from warehouse.cli import quality as triage
from warehouse.cli.output import Format
from warehouse.database import store
from warehouse.errors import UsageError
from warehouse.fetching import archive
from warehouse.paths import WAREHOUSE, Paths, create_folders
from warehouse.pipeline import documents, ingest
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.quarantine import quarantine, stage_accepted
from warehouse.quality import decisions, history
from warehouse.quality.counts import Counts
from warehouse.quality.decisions import ACCEPTED, DISMISSED, WITHDRAWN
from warehouse.quality.findings import Target
from warehouse.quality.validate import validate
from warehouse.reports import quality_page
from warehouse.reports.triage import next_steps
from warehouse.reports.triage import triage as order
from warehouse.settings import Settings
from warehouse.sources.common.reasons import reason as why_not
from warehouse.sources.common.source import Received
from warehouse.tables import CORE, SYSTEM

START = datetime(2025, 2, 1, 6, tzinfo=UTC)
GOOD = {
    "ticker": "NVDA", "date": date(2025, 1, 17), "open": 136.7, "high": 138.5, "low": 135.5, "close": 137.7,
    "adj_close": 137.6, "volume": 201_188_800, "known_on": date(2025, 1, 17), "locator": "line 2",
}  # fmt: skip
ODD = {**GOOD, "date": date(2025, 1, 21), "high": 0.1, "known_on": date(2025, 1, 21), "locator": "line 3"}
CSV = b"ticker,date,high\nNVDA,2025-01-17,138.5\nNVDA,2025-01-21,0.1\n"
PRICES = CORE["stock_prices"]

NOT_WHOLE = why_not("not_a_whole_number", column="volume", found="many")


class Runs:
    """A home in which runs happen without a flow: rows are staged, judged, loaded and published."""

    def __init__(self, root):
        self.paths = Paths(root, root / WAREHOUSE)
        create_folders(self.paths)
        self.paths.current.mkdir()
        self.count = 0
        self.sha256 = archive.keep(
            self.paths.raw, Received("prices.csv", "snapshot:prices.csv", "text/csv", CSV)
        ).sha256

    def run(self, *rows, results=(), outcome="published", unreadable=()):
        self.count += 1
        at = START + timedelta(days=self.count)
        run = RunContext(f"R{self.count}", at, self.paths, Settings(), None, tuple(decisions.read(self.paths)))
        built = self.paths.work / WAREHOUSE
        published = self.paths.current / WAREHOUSE
        built.unlink(missing_ok=True)
        if published.exists():
            shutil.copyfile(published, built)
        else:
            built.write_bytes(empty())
        (self.paths.work / "staging.duckdb").unlink(missing_ok=True)
        with store.opened(built, self.paths.work / "staging.duckdb") as opened:
            sessions = pl.DataFrame({"session": [date(2025, 1, 17), date(2025, 1, 21)]})
            opened.put_helpers(sessions, pl.DataFrame({"gpu_model": ["*"]}))
            opened.execute("DELETE FROM provenance.documents")
            document = {
                "sha256": self.sha256, "source": "reference_prices", "source_kind": "reference",
                "url": "snapshot:prices.csv", "name": "prices.csv",
                "context": "{}", "fetched_at": at, "bytes": len(CSV), "media_type": "text/csv", "known_on": None, "parsed_by": "1",
            }  # fmt: skip
            opened.append(SYSTEM["documents"], pl.DataFrame([document], schema=SYSTEM["documents"].polars_schema))
            if rows:
                given = pl.DataFrame([{**row, "document_sha256": self.sha256} for row in rows])
                opened.staging.add(PRICES, with_provenance(PRICES, given, "reference_prices"))
            for locator, kept in unreadable:
                batch = documents.Batch(PRICES, PRICES.empty(), pl.DataFrame(
                    {"row": [json.dumps(kept)], "reasons": [[NOT_WHOLE.as_json()]], "locator": [locator]}
                ))  # fmt: skip
                documents._keep_unreadable(opened, run, documents.Document(self.sha256, "prices.csv", "", CSV), batch)
            self.messages = quarantine(opened, run, ()).messages
            self.problems = [notice.text for notice in stage_accepted(opened, run)]
            added = ingest.load(opened)
            exempt = decisions.exempt(run.decisions, PRICES)
            self.report = validate(
                opened.connection, [Target(PRICES, PRICES.full_name, "all", exempt)],
                run_id=run.run_id, checked_at=at, today=at.date(),
            )  # fmt: skip
            for expectation, success, count in results:
                result = {
                    "run_id": run.run_id, "table_name": "core.stock_prices", "expectation": expectation, "column_name": "",
                    "severity": "warning", "success": success, "unexpected_count": count, "row_count": 9,
                    "checked_at": at, "details": '{"protects": "a thing", "message": "core.stock_prices: found"}',
                }  # fmt: skip
                opened.append(SYSTEM["results"], pl.DataFrame([result], schema=SYSTEM["results"].polars_schema))
            row = {"run_id": run.run_id, "started_at": at, "finished_at": at, "source": "reference",
                   "as_of": at.date(), "outcome": outcome, "versions": "{}"}  # fmt: skip
            opened.append(SYSTEM["runs"], pl.DataFrame([row], schema=SYSTEM["runs"].polars_schema))
            opened.finish()
        if outcome == "published":
            shutil.move(built, published)
        return sum(added.values())

    def waiting(self):
        with history.opened(self.paths) as connection:
            return history.waiting(connection)

    def decide(self, decision, row_id="", reason="looked it up"):
        triage.decide(self.paths, row_id or self.waiting()[0]["row_id"], decision, reason, "Ada")


@pytest.fixture
def runs(tmp_path):
    made = Runs(tmp_path / "home")
    # One bad row of two is more than a table may lose.
    limit = PRICES.quarantine_limit
    object.__setattr__(PRICES, "quarantine_limit", 1.0)
    yield made
    object.__setattr__(PRICES, "quarantine_limit", limit)


def test_a_row_has_the_same_id_whenever_its_document_is_read(runs):
    assert runs.run(GOOD, ODD) == 1
    (first,) = runs.waiting()
    runs.run(ODD)
    (again,) = runs.waiting()
    assert (first["row_id"], first["run_id"], again["row_id"], again["run_id"]) == (
        again["row_id"],
        "R1",
        first["row_id"],
        "R2",
    )
    assert first["document"] == "prices.csv"
    assert history.about(first) == "ticker=NVDA, date=2025-01-21"


def test_an_accepted_row_is_loaded_by_the_next_run_and_stays(runs):
    runs.run(GOOD, ODD)
    before = runs.waiting()[0]
    runs.decide(ACCEPTED)
    assert runs.waiting() == []
    assert runs.run() == 1, "the document is not read again; the row comes from the decision"
    assert runs.problems == []
    assert "ohlc_consistent" not in str(runs.report.failed_critical), "the check it was accepted against is not asked"
    with duckdb.connect(str(runs.paths.current / WAREHOUSE), read_only=True) as connection:
        [(high, locator)] = connection.execute("SELECT high, locator FROM core.stock_prices WHERE high < 1").fetchall()
    assert (high, locator) == (0.1, "line 3")
    assert runs.run(ODD) == 0, "read once more, it is loaded already and not quarantined again"
    assert runs.messages == []
    assert runs.waiting() == []
    with history.opened(runs.paths) as connection:
        (kept,) = history.quarantined(connection)
    assert (kept["row_id"], kept["decision"], kept["decided_by"]) == (before["row_id"], ACCEPTED, "Ada")


def test_a_dismissed_row_stays_out_and_is_not_told_again(runs):
    runs.run(GOOD, ODD)
    runs.decide(DISMISSED)
    assert runs.run(ODD) == 0
    assert runs.messages == []
    assert runs.waiting() == []


def test_a_decision_outlives_the_warehouse(runs):
    runs.run(GOOD, ODD)
    runs.decide(ACCEPTED)
    (runs.paths.current / WAREHOUSE).unlink()
    assert runs.run(GOOD, ODD) == 2


def of_an_earlier_version(runs, decision):
    """What version 0.3 wrote about the row that waits: another name of a field, no code, no name and kind of the fact."""
    row = runs.waiting()[0]
    kept = json.loads(row["row"])
    for name in ("fact_id", "source_kind"):
        del kept[name]
    written = {
        "row_id": row["row_id"], "decided_at": "2025-01-30T08:00:00+00:00", "table_name": row["table_name"],
        "decision": decision, "decided_by": "Ada", "reason": "looked it up", "put_aside_for": row["reason"],
        "row": json.dumps(kept), "document_sha256": row["document_sha256"], "locator": row["locator"],
    }  # fmt: skip
    (runs.paths.root / decisions.FILE).write_text(json.dumps(written) + "\n", encoding="utf-8")


def test_a_decision_of_an_earlier_version_loads_the_same_row(runs):
    runs.run(GOOD, ODD)
    of_an_earlier_version(runs, ACCEPTED)
    (read,) = decisions.read(runs.paths)
    assert (read.reason_code, "ohlc_consistent" in read.quarantined_for) == ("", True)
    assert runs.waiting() == []
    assert runs.run() == 1, "the row comes from the decision"
    with duckdb.connect(str(runs.paths.current / WAREHOUSE), read_only=True) as connection:
        loaded = connection.execute(
            "SELECT fact_id, source_kind, high, locator FROM core.stock_prices ORDER BY date"
        ).fetchall()
    assert [row[1:] for row in loaded] == [("reference", 138.5, "line 2"), ("reference", 0.1, "line 3")]
    assert len({row[0] for row in loaded} - {None}) == 2, "a fact has its name, whichever version quarantined it"
    assert runs.run(ODD) == 0
    assert runs.messages == []


def test_a_decision_of_an_earlier_version_can_be_withdrawn(runs):
    runs.run(GOOD, ODD)
    of_an_earlier_version(runs, DISMISSED)
    assert runs.run(ODD) == 0
    with history.opened(runs.paths) as connection:
        (row,) = history.quarantined(connection)
    runs.decide(WITHDRAWN, row["row_id"])
    assert [one.decision for one in decisions.read(runs.paths)] == [DISMISSED, WITHDRAWN]
    runs.run(ODD)
    assert [row["row_id"] for row in runs.waiting()] == [row["row_id"]]


def test_a_row_beside_one_of_the_same_identity_is_not_loaded(runs):
    runs.run(GOOD, ODD)
    runs.decide(ACCEPTED)
    assert runs.run({**ODD, "high": 138.5, "locator": "line 4"}) == 1
    (problem,) = runs.problems
    assert "was not loaded" in problem
    assert "line 4" in problem


def test_what_decides_nothing_is_refused_with_what_to_do(runs):
    unreadable = ("line 9", {"ticker": "NVDA", "volume": "many"})
    runs.run(
        GOOD,
        ODD,
        {**ODD, "close": None, "adj_close": None, "high": 138.5, "locator": "line 5"},
        unreadable=[unreadable],
    )
    ids = {row["locator"]: row["row_id"] for row in runs.waiting()}
    for row_id, reason, message in (
        ("nothing", "why", "no row of this id was ever quarantined"),
        ("", "why", "no row of this id"),
        (ids["line 3"], "  ", "say in a few words why"),
        (ids["line 9"], "why", "it could not be read as a row of its table"),
        (ids["line 5"], "why", "close is missing, and no decision can overrule that"),
    ):
        with pytest.raises(UsageError, match=message):
            triage.decide(runs.paths, row_id, ACCEPTED, reason, "Ada")
    with pytest.raises(UsageError, match="nothing was decided about this row"):
        runs.decide(WITHDRAWN, ids["line 3"])
    runs.decide(DISMISSED, ids["line 3"][:8])
    with pytest.raises(UsageError, match=r"this row was dismissed on .* by Ada: 'looked it up'"):
        runs.decide(ACCEPTED, ids["line 3"])
    assert len(decisions.read(runs.paths)) == 1


def test_a_decision_can_be_withdrawn_until_the_row_is_loaded(runs):
    runs.run(GOOD, ODD)
    row_id = runs.waiting()[0]["row_id"]
    runs.decide(ACCEPTED, row_id)
    runs.decide(WITHDRAWN, row_id, "too quick")
    assert [row["row_id"] for row in runs.waiting()] == [row_id]
    assert runs.run() == 0
    runs.decide(ACCEPTED, row_id)
    assert runs.run() == 1
    with pytest.raises(UsageError, match="this row is loaded already"):
        runs.decide(WITHDRAWN, row_id)
    assert [one.decision for one in decisions.read(runs.paths)] == [ACCEPTED, WITHDRAWN, ACCEPTED]


def test_a_line_cut_short_by_a_crash_is_no_decision_and_harms_none(runs):
    runs.run(GOOD, ODD)
    (runs.paths.root / decisions.FILE).write_text('{"row_id": "abc", "deci')
    runs.decide(DISMISSED)
    assert [one.decision for one in decisions.read(runs.paths)] == [DISMISSED]


def test_the_row_and_its_line_are_shown(runs, capsys):
    runs.run(GOOD, ODD)
    triage.row(runs.paths, runs.waiting()[0]["row_id"], Format.json)
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["document"], shown["locator"], shown["line"]) == ("prices.csv", "line 3", "NVDA,2025-01-21,0.1")
    assert shown["can_be_accepted"] == "yes"
    triage.quarantine(runs.paths, "", False, Format.json)
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["row"]["high"] == "0.1"
    assert "ohlc_consistent" in listed["reason"]


def test_what_row_says_can_be_accepted_is_what_accept_takes(runs, capsys):
    """The same question asked twice: of every kind of row that waits, and of one that was decided about."""
    unreadable = ("line 9", {"ticker": "NVDA", "volume": "many"})
    twin = {**ODD, "locator": "line 8"}
    missing = {**ODD, "close": None, "adj_close": None, "high": 138.5, "locator": "line 5"}
    runs.run(GOOD, ODD, twin, missing, unreadable=[unreadable])
    asked = {}
    for row in runs.waiting():
        triage.row(runs.paths, row["row_id"], Format.json)
        (shown,) = json.loads(capsys.readouterr().out)
        asked[row["locator"]] = (row["row_id"], shown["can_be_accepted"])
    assert {place for place, (_, can) in asked.items() if can == "yes"} == {"line 3", "line 8"}
    runs.decide(ACCEPTED, asked["line 3"][0])
    for place, (row_id, _) in asked.items():
        triage.row(runs.paths, row_id, Format.json)
        (shown,) = json.loads(capsys.readouterr().out)
        why = shown["can_be_accepted"]
        assert why.startswith("no: "), (place, "the twin and the row itself, too, now that the row is accepted")
        with pytest.raises(UsageError) as refused:
            triage.decide(runs.paths, row_id, ACCEPTED, "why", "Ada")
        assert str(refused.value) == f"{row_id}: this row cannot be accepted: {why.removeprefix('no: ')}."


def test_a_row_beside_one_that_is_loaded_can_be_accepted_by_neither(runs, capsys):
    runs.run({**ODD, "high": 138.5, "locator": "line 4"}, ODD)
    (waiting,) = runs.waiting()
    triage.row(runs.paths, waiting["row_id"], Format.json)
    (shown,) = json.loads(capsys.readouterr().out)
    assert "a row with the same identity is loaded from document" in shown["can_be_accepted"]
    with pytest.raises(UsageError, match="a row with the same identity is loaded"):
        runs.decide(ACCEPTED)


# -- what comes first -------------------------------------------------------------------------------------------------


def test_the_screen_shows_what_is_new_then_what_is_open_then_what_waits(runs, capsys):
    runs.run(GOOD, ODD, results=[("a", True, 0), ("b", False, 2), ("c", False, 1)])
    runs.run(results=[("a", False, 7), ("b", True, 0), ("c", False, 4), ("source_notice", False, 1)])
    triage.quality(runs.paths, "", Format.table)
    said = capsys.readouterr().out
    # a and c fail, b holds again; the checks of the tables themselves are made and hold
    headings = ("New (1)", "Open since before (1)", "Waiting for a decision (1)", "Hold again (1)",
                "What sources say of their documents (1; no check)")  # fmt: skip
    places = [said.index(heading) for heading in headings]
    assert places == sorted(places)
    new, still = said[places[0] : places[1]], said[places[1] : places[2]]
    assert "core.stock_prices a; failed in 1 of 2 runs" in new
    assert "core.stock_prices c; failed in 2 of 2 runs" in still
    assert "2 did not hold" in said.split("New (1)")[0], "a source's remark is no check that failed"


def test_from_a_failed_check_one_command_leads_to_the_line_of_the_document(runs, capsys):
    runs.run(GOOD, ODD)
    triage.quality(runs.paths, "R1", Format.table)
    said = capsys.readouterr().out
    (row_id,) = {row["row_id"] for row in runs.waiting()}
    assert f"next: overbuild quality row {row_id}" in said
    assert f"at: raw/{runs.sha256[:2]}/{runs.sha256}, line 3" in said
    triage.row(runs.paths, row_id, Format.table)
    assert "NVDA,2025-01-21,0.1" in capsys.readouterr().out

    triage.line(runs.paths, runs.sha256[:12], "line 3", Format.json)
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["header"], shown["text"]) == ("prices.csv", "ticker,date,high", "NVDA,2025-01-21,0.1")
    for wrong in ("zzzz", "../x", ""):
        with pytest.raises(UsageError, match="no archived document is called so"):
            triage.line(runs.paths, wrong, "line 3", Format.json)


def test_a_finding_of_a_loaded_row_names_its_line_and_its_trace(runs):
    place = {"document_sha256": runs.sha256, "locator": "line 3", "ticker": "NVDA's", "date": "2025-01-21"}
    result = {"run_id": "R1", "table_name": "core.stock_prices", "expectation": "a",
              "details": json.dumps({"rows": [place]})}  # fmt: skip
    steps = next_steps(result, refused=False)
    assert steps[0] == f"overbuild quality line {runs.sha256[:12]} 'line 3'"
    assert shlex.split(steps[1]) == ["overbuild", "trace", "core.stock_prices", "--where",
                                     "ticker = 'NVDA''s' and date = '2025-01-21'"]  # fmt: skip
    assert next_steps(result, refused=True) == steps[:1], "of a refused run no table can be asked"
    assert next_steps(result | {"details": "{}"}, refused=False) == ["overbuild quality --run R1 --format json"]


def test_known_findings_are_counted_and_listed_only_where_asked(published_paths, capsys):
    triage.quality(published_paths, "", Format.table)
    short = capsys.readouterr().out
    triage.quality(published_paths, "", Format.table, everything=True)
    whole = capsys.readouterr().out
    assert "(--all lists them)" in short
    assert "Known: " not in short
    assert len(short.splitlines()) < 24
    assert whole.count("Known: ") > 40


def test_no_control_character_of_a_document_reaches_the_terminal(runs, capsys):
    runs.run(GOOD, {**ODD, "ticker": "NV\x1b[2JDA"})
    triage.quality(runs.paths, "", Format.table)
    triage.quarantine(runs.paths, "", False, Format.table)
    triage.row(runs.paths, runs.waiting()[0]["row_id"], Format.table)
    said = capsys.readouterr().out
    assert "\\x1b[2J" in said
    assert "\x1b" not in said


# -- history ----------------------------------------------------------------------------------------------------------


def test_what_is_new_and_what_holds_again_is_told_from_what_was_there_before(runs, capsys):
    runs.run(GOOD, results=[("a", True, 0), ("b", False, 2), ("c", False, 1)])
    runs.run(results=[("c", False, 1)])  # a run that does not look at a and b
    runs.run(results=[("a", False, 7), ("b", True, 0), ("c", False, 4)])
    with history.opened(runs.paths) as connection:
        found = history.results(connection, "R3")
        new, resolved = history.changed(found)
        records = {row["expectation"]: row for row in history.records(connection)}
    assert [row["expectation"] for row in new] == ["a"]
    assert [row["expectation"] for row in resolved] == ["b"]
    assert records["c"]["counts"] == [1, 1, 4]
    assert (records["b"]["failed_runs"], records["b"]["runs_looked_at"], records["b"]["holds_now"]) == (1, 2, True)
    triage.quality(runs.paths, "", Format.json)
    rows = json.loads(capsys.readouterr().out)
    assert {"run_id", "table_name", "expectation", "success", "details"} <= set(rows[0])
    assert next(row for row in rows if row["expectation"] == "a")["held_before"] is True


def test_the_page_draws_trends_and_needs_no_network(runs, tmp_path):
    runs.run(GOOD, ODD, results=[("a", False, 3)])
    runs.run(results=[("a", False, 9)])
    with history.opened(runs.paths) as connection:
        content = quality_page.read(connection, "R2", history.waiting(connection), {"R2"})
    quality_page.write(tmp_path / "site", content)
    page = (tmp_path / "site" / "quality.html").read_text()
    assert "line 3" in page
    assert runs.waiting()[0]["row_id"] in page
    assert "<title>core.stock_prices, not held: " in page
    assert "../quality/runs/R2/index.html" in page
    assert "../quality/runs/R1/index.html" not in page
    assert "http://" not in page
    assert "https://" not in page
    later = '<script src="later/later.js" defer></script>'
    assert "<script" not in page.replace(later, ""), "but for the one that tells of a later run"


def test_the_page_never_says_that_every_check_held_beside_one_that_fails(runs, tmp_path, capsys):
    """The check of rows failed when they came, and is not made again until rows come."""
    runs.run(GOOD, results=[("a", False, 3)])
    runs.run()
    with history.opened(runs.paths) as connection:
        content = quality_page.read(connection, "R2", history.waiting(connection), set())
    quality_page.write(tmp_path / "site", content)
    page = (tmp_path / "site" / "quality.html").read_text()
    assert "Every check that this run made held." in page
    assert "failed in R1, not made since" in page
    assert ">fails<" not in page
    assert "1 check that failed when it was last made was not made again in this run" in page
    triage.checks(runs.paths, Format.table)
    said = " ".join(capsys.readouterr().out.split())
    assert "failed in R1" in said
    assert " fails " not in said


def test_the_page_of_a_refused_run_keeps_the_lines_of_its_message_apart(runs, tmp_path):
    runs.run(GOOD, results=[("a", False, 3)])
    with history.opened(runs.paths) as connection:
        content = quality_page.read(connection, "R1", [], set())
    quality_page.write(tmp_path / "site", content, "core.a: 2 rows are bad:\n  a.csv, line 1: x\n  a.csv, line 2: y")
    page = (tmp_path / "site" / "quality.html").read_text()
    assert '<p class="warn lines">core.a: 2 rows are bad:\n  a.csv, line 1: x\n  a.csv, line 2: y</p>' in page
    assert ".lines { white-space: pre-line; }" in page


def test_what_stopped_a_run_stands_before_what_only_warns():
    rows = [
        {"table_name": table, "expectation": name, "severity": severity, "success": False, "held_before": before,
         "of_new_rows": table.startswith("staging.")}
        for table, name, severity, before in (
            ("core.a", "old", "warning", False), ("core.a", "warns", "warning", True), ("staging.a", "rows", "warning", None),
            ("core.a", "stops", "critical", True), ("core.a", "source_notice", "warning", None),
        )
    ]  # fmt: skip
    found = order(rows)
    assert [row["expectation"] for row in found.new] == ["stops", "rows", "warns"]
    assert [row["expectation"] for row in found.open] == ["old"]
    assert [row["expectation"] for row in found.notices] == ["source_notice"]


def test_a_line_goes_from_its_lowest_to_its_highest_value():
    drawn = quality_page.sparkline([1, 3, 2], "rows")
    assert 'points="3.0,21.0 60.0,3.0 117.0,12.0"' in drawn
    assert "rows: 1 to 2 over 3 runs, lowest 1, highest 3" in drawn
    assert quality_page.sparkline([5], "rows") == ""
    assert quality_page.sparkline([5, 5], "rows") == "", "what never changed has no line"


def test_a_run_that_was_refused_before_any_check_says_why(tmp_path, capsys):
    """A source that cannot be read refuses a run without a finding; `what to do` then leads to what the run said."""
    paths = Paths(tmp_path, tmp_path / WAREHOUSE)
    folder = paths.refused / "R1"
    folder.mkdir(parents=True)
    (folder / "message.txt").write_text("snapshot.toml: cannot be read.\nsnapshot.toml: cannot be read.\n")
    run = {"run_id": "R1", "started_at": START, "source": "reference", "as_of": date(2025, 2, 1), "outcome": "refused"}
    run |= {name: 0 for name in Counts.__dataclass_fields__}
    findings.write(paths, [run], run, [], [], [], everything=False)
    said = capsys.readouterr().out
    assert said.count("why: snapshot.toml: cannot be read.") == 1
    assert "Nothing is new" not in said
    assert "all held" not in said
