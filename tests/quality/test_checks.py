"""What the checks find, how they word it, and that a check that cannot run is never taken for one that failed.

More than 500 lines, because every kind of check is tried on the same few made-up tables.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.conftest import with_provenance
from warehouse import marts
from warehouse.quality import checks as quality
from warehouse.quality import quarantined, wording
from warehouse.quality.checks import BETWEEN, COLUMNS, IN_SET, NOT_NULL, ROW_COUNT
from warehouse.quality.findings import Report, Target
from warehouse.quality.validate import validate
from warehouse.sources.common.reasons import Reason
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Check, Column, Table, core, mart

TODAY = date(2025, 6, 30)
NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)
SHA = "ab" * 32
# New York was closed on Monday 20 January 2025 (Martin Luther King Jr. Day).
SESSIONS = [date(2025, 1, 17), date(2025, 1, 21), date(2025, 1, 22), date(2025, 1, 23)]
BAR = {
    "ticker": "NVDA", "date": date(2025, 1, 17), "open": 136.7, "high": 138.5, "low": 135.5, "close": 137.7,
    "adj_close": 137.6, "volume": 201_188_800, "known_on": date(2025, 1, 31),
}  # fmt: skip
OFFER = {
    "observation_id": "P1", "observed_on": date(2025, 1, 17), "provider": "Lambda", "provider_class": "specialist",
    "instance": "gpu_8x_h100_sxm5", "gpu_model": "H100 SXM", "gpu_count": 8, "usd_per_gpu_hour": 2.99,
    "pricing_kind": "on_demand", "region": "",
}  # fmt: skip
FIGURE = {
    "ticker": "META", "cik": 1326801, "measure": "total_assets", "tag": "Assets", "period_start": None,
    "period_end": date(2024, 12, 31), "period_type": "instant", "value_usd": 276_054_000_000, "fiscal_year": 2024,
    "fiscal_quarter": 4, "form": "10-K", "accession": "0001326801-25-000017", "known_on": date(2025, 1, 30),
}  # fmt: skip


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with every table of facts and of the system, and no row: each test copies the file."""
    path = tmp_path_factory.mktemp("empty") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        for schema in ("core", "marts", "quality", "provenance"):
            connection.execute(f"create schema {schema}")
        for table in (*CORE.values(), *SYSTEM.values()):
            connection.execute("; ".join(table.ddl()))
    return path


@pytest.fixture
def warehouse(tmp_path: Path, empty: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse as a run has it: attached under an alias, with staging and the helper tables beside it."""
    shutil.copyfile(empty, tmp_path / "warehouse.duckdb")
    connection = duckdb.connect()
    connection.execute(f"attach '{tmp_path / 'warehouse.duckdb'}' as warehouse")
    for other in ("staging", "calendar", "bounds"):
        connection.execute(f"attach ':memory:' as {other}")
    connection.execute("use warehouse")
    for name in CORE:
        connection.execute(f"create table staging.{name} as from core.{name} limit 0")
    connection.execute("create table calendar.sessions as select unnest(?::date[]) as session", [SESSIONS])
    connection.execute("create table bounds.gpu_prices (gpu_model text, low_usd_per_gpu_hour double, "
                       "high_usd_per_gpu_hour double)")  # fmt: skip
    connection.execute("insert into bounds.gpu_prices values ('*', 0.02, 40), ('H100 SXM', 0.5, 20)")
    connection.execute(
        "insert into provenance.documents by name select ? as sha256, 'test' as source, 'live' as source_kind, "
        "'prices.csv' as name, 'https://example.org/prices.csv' as url, '{}' as context, now() as fetched_at, 10 as bytes, "
        "'text/csv' as media_type, '0' as parsed_by",
        [SHA],
    )
    yield connection
    connection.close()


def fill(connection: duckdb.DuckDBPyConnection, relation: str, frame: pl.DataFrame) -> None:
    connection.register("given", frame.to_arrow())
    connection.execute(f"insert into {relation} select * from given")
    connection.unregister("given")


def put(connection: duckdb.DuckDBPyConnection, relation: str, table: Table, *rows: dict) -> None:
    """Insert rows with their provenance; the locator of the first is line 2, as in a file with a header."""
    given = [{"document_sha256": SHA, "locator": f"line {place}", **row} for place, row in enumerate(rows, 2)]
    types = {name: kind for name, kind in table.polars_schema.items() if name in given[0]}
    fill(connection, relation, with_provenance(table, pl.DataFrame(given, schema_overrides=types)))


def check(connection: duckdb.DuckDBPyConnection | Path, *targets: Target, docs: Path | None = None) -> Report:
    return validate(connection, targets, run_id="R1", checked_at=NOW, today=TODAY, docs=docs)


def staged(connection: duckdb.DuckDBPyConnection, name: str, *rows: dict) -> Report:
    """What the checks of single rows say of staged rows."""
    put(connection, f"staging.{name}", CORE[name], *rows)
    return check(connection, Target(CORE[name], f"staging.{name}", "rows"))


def loaded(connection: duckdb.DuckDBPyConnection, name: str, *rows: dict) -> Report:
    """What the checks of a whole table say of core."""
    put(connection, f"core.{name}", CORE[name], *rows)
    return check(connection, Target(CORE[name], f"core.{name}", "table"))


def not_held(report: Report) -> dict[tuple[str, str], int | None]:
    rows = report.results.filter(~pl.col("success"))
    return {(e, c): n for e, c, n in rows.select("expectation", "column_name", "unexpected_count").iter_rows()}


# -- single rows ----------------------------------------------------------------------------------------------------


def test_no_process_builds_a_grammar_of_web_addresses():
    """Great Expectations and Prefect would import it by way of jsonschema, for two seconds in each process."""
    assert sys.modules["rfc3987_syntax"] is None


def test_good_rows_pass_every_check(warehouse):
    report = staged(warehouse, "stock_prices", BAR, {**BAR, "date": SESSIONS[1]})
    assert not_held(report) == {}
    assert report.publishable
    assert report.results.get_column("row_count").unique().to_list() == [2]


@pytest.mark.parametrize(
    ("wrong", "expectation", "columns"),
    [
        ({"close": None}, NOT_NULL, "close"),
        ({"low": 0.0}, BETWEEN, "low"),
        ({"volume": -1}, BETWEEN, "volume"),
        ({"high": float("inf")}, "figures_are_finite", "open, high, low, close, adj_close"),
        ({"open": float("nan")}, "figures_are_finite", "open, high, low, close, adj_close"),
        ({"grade": "E"}, IN_SET, "grade"),
        ({"close": 138.6, "adj_close": 138.0}, "ohlc_consistent", "open, high, low, close"),
        ({"low": 136.8}, "ohlc_consistent", "open, high, low, close"),
        ({"adj_close": 137.8}, "adjustment_lowers_price", "adj_close, close"),
        ({"date": date(2025, 1, 20)}, "session_of_the_exchange", "date"),
        ({"known_on": date(2025, 7, 1)}, "known_by_today", "known_on"),
    ],
)
def test_one_wrong_field_is_found_by_the_check_that_is_for_it(warehouse, wrong, expectation, columns):
    report = staged(warehouse, "stock_prices", BAR, {**BAR, "date": SESSIONS[1], **wrong})
    assert not_held(report)[expectation, columns] == 1
    [message] = [m for m in report.quarantined if f"{expectation} " in m or columns.split(",")[0] in m.split(" (")[0]]
    assert "prices.csv, line 3: " in message
    field, value = next(iter(wrong.items()))
    assert f"{field}={'null' if value is None else value}" in message
    assert "ticker=NVDA" in message
    assert report.publishable, "a bad row is quarantined; it does not refuse the run by itself"


def test_missing_provenance_names_the_field_that_is_missing(warehouse):
    report = staged(warehouse, "stock_prices", {**BAR, "citation": None})
    [message] = report.quarantined
    assert "provenance_given" in message
    assert "citation=null (" in message
    assert "grade=" not in message


@pytest.mark.parametrize(
    ("chip", "price", "plausible"),
    [
        ("H100 SXM", 2.99, True),
        ("H100 SXM", 23.92, False),  # a node of eight at 2.99 taken for one GPU
        ("H100 SXM", 0.0299, False),  # dollars read as cents
        ("Unheard-of 9000", 23.92, True),  # the bounds of every other chip
        ("Unheard-of 9000", 41.0, False),
    ],
)
def test_prices_are_held_against_the_bounds_of_their_chip(warehouse, chip, price, plausible):
    report = staged(warehouse, "gpu_prices", {**OFFER, "gpu_model": chip, "usd_per_gpu_hour": price})
    assert (("plausible_for_the_chip", "usd_per_gpu_hour, gpu_model") in not_held(report)) is not plausible


def _odd_rows(table: Table) -> list[dict]:
    """Rows in which each column takes odd values in turn, so that every kind of check finds some."""
    odd = {
        "text": [None, "", "x'y", "A", "specialist", "on_demand"],
        "integer": [None, -1, 0, 1, 10**12],
        "real": [None, -1.0, 0.0, 0.5, 1e300, float("nan"), float("inf")],
        "date": [None, date(1900, 1, 1), date(2025, 1, 17), date(2025, 1, 20), date(2999, 1, 1)],
        "time": [None, NOW],
        "flag": [None, True, False],
        "json": [None, "{}"],
    }
    return [
        {
            column.name: odd[column.type][(row * (place + 1) + row // 7) % len(odd[column.type])]
            for place, column in enumerate(table.columns)
        }
        for row in range(60)
    ]


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_rows_that_are_found_are_those_that_break_the_check(warehouse, name):
    table = CORE[name]
    fill(warehouse, f"staging.{name}", pl.DataFrame(_odd_rows(table), schema=table.polars_schema))
    report = check(warehouse, Target(table, f"staging.{name}", "rows"))
    assert report.broken == []
    for finding in report.findings:
        if finding.check.quarantines_compared:
            sql = quality.bad_rows(finding.check, today=TODAY, relation=f"staging.{name}")
            [(bad,)] = warehouse.execute(f"select count(*) from ({sql})").fetchall()
            assert (finding.count, len(finding.every)) == (bad, bad), finding.check
            continue
        condition = quality.rendered(finding.check, today=TODAY)
        bad = warehouse.execute(f"select rowid from staging.{name} as r where {condition}").fetchall()
        assert finding.count == len(bad), finding.check
        assert sorted(row["place_in_staging"] for row in finding.every) == sorted(place for (place,) in bad)
    assert sum(not f.success for f in report.findings) > len(report.findings) / 2, "the odd rows must be odd enough"


def reasons(report: Report) -> list[Reason]:
    return [quarantined.of_a_row(f.check, row) for f in report.findings if f.check.quarantines for row in f.every]


def test_a_reason_is_the_check_with_the_field_and_the_value(warehouse):
    found = reasons(staged(warehouse, "stock_prices", BAR, {**BAR, "low": -1.0, "close": None}))
    assert found == [
        Reason(BETWEEN, {"low": -1.0}),
        Reason(NOT_NULL, {"close": None}),
    ]
    said = wording.quarantined(CORE["stock_prices"], found, "prices.csv", "line 3")
    low, close = said.split("; ")
    assert low.startswith("prices.csv, line 3: low is not above 0: low=-1.0 (it is another unit")
    assert close.startswith("close is missing: close=null (")


def test_a_reason_holds_only_the_fields_at_fault(warehouse):
    found = reasons(staged(warehouse, "stock_prices", {**BAR, "citation": None, "high": float("inf")}))
    assert Reason("figures_are_finite", {"high": "inf"}) in found
    assert Reason("provenance_given", {"citation": None}) in found


# -- whole tables ---------------------------------------------------------------------------------------------------


def test_two_rows_that_say_they_are_the_same_one_refuse_the_run(warehouse):
    report = loaded(warehouse, "stock_prices", BAR, {**BAR, "close": 137.0})
    assert not report.publishable
    [message] = report.failed_critical
    assert (
        "ticker, date, known_on, source occurs more than once (2 of 2 rows); first: prices.csv, line 2: ticker="
        in message
    )


def test_of_two_rows_with_one_identity_the_message_says_where_the_other_stands_and_in_what_it_differs(warehouse):
    report = loaded(warehouse, "stock_prices", BAR, {**BAR, "close": 137.0, "locator": "line 9"})
    [message] = report.failed_critical
    assert re.search(
        r"line 2: .*; beside prices\.csv, line 9, of document \w{12}, which differs in close \(137\.0 there\)", message
    )


def test_a_duplicate_is_seen_although_part_of_its_identity_is_null(warehouse):
    # SQL says null = null is unknown, so Great Expectations' own check of uniqueness does not see this one.
    other, another = {**FIGURE, "value_usd": 276_055_000_000}, {**FIGURE, "tag": "AssetsNet"}
    report = loaded(warehouse, "company_facts", FIGURE, other, another)
    assert [count for (name, _), count in not_held(report).items() if name == "identity_is_unique"] == [2]


def test_a_gap_is_a_warning_and_a_day_without_any_bar_is_critical(warehouse):
    other = {**BAR, "ticker": "AMD"}
    report = loaded(
        warehouse,
        "stock_prices",
        BAR,
        {**BAR, "date": SESSIONS[3], "known_on": SESSIONS[3]},
        *({**other, "date": day, "known_on": day} for day in (SESSIONS[0], SESSIONS[1], SESSIONS[3])),
    )
    assert [m.split(": ")[1].split(" (")[0] for m in report.failed_critical] == ["no_session_missing_for_all"]
    assert "date=2025-01-22" in report.failed_critical[0]
    [warning] = [message for message in report.warnings if "no_session_missing" in message]
    assert "no_session_missing_for_a_ticker (3 rows)" in warning  # NVDA lacks two days, AMD one


def test_a_fact_whose_document_is_not_archived_refuses_the_run(warehouse):
    report = loaded(warehouse, "stock_prices", BAR, {**BAR, "date": SESSIONS[1], "document_sha256": "cd" * 32})
    [message] = report.failed_critical
    assert "document_in_archive" in message
    assert "document cdcdcdcdcdcd, line 3" in message


def test_columns_of_another_version_refuse_the_run(warehouse):
    warehouse.execute("alter table core.companies drop column cik")
    warehouse.execute("alter table core.companies add column isin text")
    report = check(warehouse, Target(CORE["companies"], "core.companies", "table"))
    assert COLUMNS in {name for name, _ in not_held(report)}
    [message] = report.failed_critical
    assert "columns are not those declared" in message


MART = mart(
    "made_up",
    "a mart for this test",
    [Column("scope", "text", "who", required=True), Column("share", "real", "part", minimum=0, maximum=1)],
    key=("scope",),
    checks=(Check("shares_sum_to_one", "select sum(share) as total from {table} having abs(sum(share) - 1) > 1e-9",
                  "parts that are not a whole"),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "failing"),
    [
        ("('A', 0.25, 'A', null, null), ('B', 0.75, 'A', null, null)", set()),
        ("('A', 0.25, 'A', null, null), ('B', 0.74, 'A', null, null)", {"shares_sum_to_one"}),
        ("('A', -0.25, 'A', null, null), ('B', 1.25, 'A', null, null)", {BETWEEN}),
        ("('A', 0.25, 'A', null, null), ('A', 0.75, 'A', null, null)", {"expect_column_values_to_be_unique"}),
        ("('A', 0.25, 'F', null, null), ('B', 0.75, 'A', null, null)", {IN_SET}),
        ("('A', 1.0, 'A', null, null), (null, null, 'A', null, null)", {NOT_NULL}),
    ],
)
def test_a_mart_is_checked_row_by_row_and_as_a_whole(warehouse, rows, failing):
    warehouse.execute("create table marts.made_up (scope text, share double, grade text, reasons text[], reason text)")
    warehouse.execute(f"insert into marts.made_up values {rows}")
    report = check(warehouse, Target(MART, "marts.made_up", "all"))
    assert {name for name, _ in not_held(report)} == failing
    assert len(report.failed_critical) == len(failing), "no row of a mart is quarantined"


def test_every_declared_check_can_run(warehouse):
    declared = [mart.table for mart in marts.all_marts().values()]
    for table in declared:
        for statement in table.ddl():
            warehouse.execute(statement)
    facts = [Target(table, f"staging.{name}", "rows") for name, table in CORE.items()]
    facts += [Target(table, table.full_name, "table") for table in CORE.values()]
    report = check(warehouse, *facts, *(Target(table, table.full_name, "all") for table in declared))
    assert report.broken == []
    assert report.quarantined == []
    of_facts = [finding for finding in report.findings if finding.target in facts]
    assert {finding.check.name for finding in of_facts if not finding.success} == {ROW_COUNT}


# -- broken is not failed -------------------------------------------------------------------------------------------


def _with(*checks: Check) -> Table:
    return core("things", "things", [Column("name", "text", "name", required=True)], key=("name",), checks=checks)


def _things(connection: duckdb.DuckDBPyConnection, table: Table, *names: str | None) -> Report:
    for statement in table.ddl(schema="core"):
        connection.execute(statement.replace(" NOT NULL", ""))
    put(connection, "core.things", table, *({"name": name} for name in names))
    targets = [Target(table, "core.things", level) for level in ("rows", "table")]
    return check(connection, *targets)


def test_a_check_that_cannot_run_is_told_from_one_that_failed(warehouse):
    table = _with(
        Check("typing_error", "select * from {table} where nmae = 'a'", "nothing", severity="warning"),
        Check("divides", "select * from {table} where cast(name as integer) > 1", "nothing"),
        Check("no_b", "name = 'b'", "b is bad", quarantines=True),
    )
    report = _things(warehouse, table, "a", "b")
    assert not report.publishable
    assert report.failed_critical == []
    assert len(report.quarantined) == 1
    assert len(report.broken) == 2
    assert "typing_error" in report.broken[0]
    assert 'Referenced column "nmae" not found' in report.broken[0]
    assert "Could not convert string 'a' to INT32" in report.broken[1]
    row = report.results.row(by_predicate=pl.col("expectation") == "typing_error", named=True)
    assert (row["success"], row["unexpected_count"], row["severity"]) == (False, None, "critical")
    assert "nmae" in json.loads(row["details"])["error"]


def test_a_relation_that_is_not_there_breaks_all_its_checks(warehouse):
    report = check(warehouse, Target(CORE["companies"], "core.no_such_table", "table"))
    assert len(report.broken) == report.results.height > 0
    assert "no_such_table does not exist" in report.broken[0]


@pytest.mark.parametrize(
    "condition",
    ["name like 'b%'", "name in ('b', '{b}', ':b', 'a:b')", "name::text = 'b' and {'k': name}['k'] = 'b'",
     "name in (select r.name from (values ('b')) j (x) join (values ('b')) k (x) using (x) where r.name = x)"],
)  # fmt: skip
def test_sql_reaches_the_database_as_it_was_written(warehouse, condition):
    table = _with(
        Check("as_a_condition", condition, "b is bad", quarantines=True),
        Check("as_a_query", f"select r.name from {{table}} as r where {condition}", "b is bad"),
    )
    report = _things(warehouse, table, "a", "b", "c")
    assert not_held(report) == {("as_a_condition", ""): 1, ("as_a_query", ""): 1}
    assert "name=b" in report.quarantined[0] + report.failed_critical[0]


# -- the connection -------------------------------------------------------------------------------------------------


def test_the_callers_transaction_is_seen_and_left_alone(warehouse):
    warehouse.begin()
    report = loaded(warehouse, "stock_prices", BAR)
    assert report.results.get_column("row_count").unique().to_list() == [1]
    warehouse.rollback()
    assert warehouse.execute("select count(*) from core.stock_prices").fetchall() == [(0,)]


def test_a_path_will_do(tmp_path):
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.made_up (scope text, share double, grade text, reasons text[], reason text)"
        )
        connection.execute("insert into marts.made_up values ('A', 1, 'B', null, null)")
    assert not_held(check(path, Target(MART, "marts.made_up", "all"))) == {}


def test_results_are_rows_of_the_declared_table(warehouse):
    put(warehouse, "staging.stock_prices", CORE["stock_prices"], {**BAR, "close": None})
    report = check(
        warehouse,
        Target(CORE["stock_prices"], "staging.stock_prices", "rows"),
        Target(CORE["stock_prices"], "core.stock_prices", "table"),
    )
    results = SYSTEM["results"]
    assert report.results.schema == results.polars_schema
    assert not report.results.select(results.key).is_duplicated().any()
    row = report.results.row(by_predicate=~pl.col("success") & (pl.col("column_name") == "close"), named=True)
    details = json.loads(row["details"])
    assert details["rows"] == [
        {"ticker": "NVDA", "date": "2025-01-17", "close": None, "citation": "made up for a test",
         "document_sha256": SHA, "locator": "line 2"}
    ]  # fmt: skip
    assert "close" in details["protects"]


def test_one_target_is_not_checked_twice_in_one_go(warehouse):
    target = Target(CORE["companies"], "core.companies", "table")
    with pytest.raises(ValueError, match=r"core\.companies"):
        check(warehouse, target, target)


def test_importing_quality_does_not_import_great_expectations():
    program = "import sys, warehouse.quality; sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# -- Data Docs ------------------------------------------------------------------------------------------------------


def _pages(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


def test_data_docs_open_without_a_network(warehouse, tmp_path):
    docs = tmp_path / "quality"
    table = _with(Check("typing_error", "select * from {table} where nmae = 'a'", "nothing"))
    _things(warehouse, table, "a")
    put(warehouse, "staging.gpu_prices", CORE["gpu_prices"], {**OFFER, "pricing_kind": "<script>alert(1)</script>"})
    check(warehouse, Target(CORE["gpu_prices"], "staging.gpu_prices", "rows"), docs=docs)
    check(warehouse, Target(table, "core.things", "table"), docs=docs)
    pages = _pages(docs)
    prices = "staging.gpu_prices"
    assert {"index.html", "style.css", "runs/R1/index.html", "runs/R1/core.things.html"} <= set(pages)
    assert {f"runs/R1/{prices}.html", f"suites/{prices}.html"} <= set(pages)
    for name, text in pages.items():
        assert "http://" not in text, name
        assert "https://" not in text, name
        # The one script lies beside the pages: it says that a later run was refused.
        others = re.sub(r'<script src="\./(\.\./)+site/later/later\.js" defer></script>', "", text)
        assert "<script" not in others or name.endswith(".json"), name
        assert str(tmp_path) not in text, name
        assert "site-packages" not in text, name
    start, rows, things = (pages[n] for n in ("index.html", f"runs/R1/{prices}.html", "runs/R1/core.things.html"))
    assert prices in start
    assert "core.things" in start, "the second part of a run is added to the first"
    assert "prices.csv, line 2: pricing_kind=&lt;script&gt;" in rows
    assert "Referenced column" in things
    assert things.index("typing_error: nothing") < things.index("Must have these columns"), (
        "what did not hold comes first"
    )
    assert "plausible_for_the_chip" in pages[f"suites/{prices}.html"]


def _links(folder: Path) -> list[Path]:
    """Files that the pages of a folder point at."""
    found = []
    for page in folder.rglob("*.html"):
        parts = page.read_text(encoding="utf-8").split('href="')[1:]
        targets = {part.split('"')[0].split("#")[0] for part in parts}
        found += [(page.parent / target).resolve() for target in targets if target]
    return found


def test_earlier_runs_stay_to_be_read(warehouse, tmp_path):
    put(warehouse, "core.companies", CORE["companies"], {"ticker": "NVDA", "company": "Nvidia", "role": "supplier"})
    target = Target(CORE["companies"], "core.companies", "table")
    folders = [tmp_path / f"release-{place}" for place in range(12)]
    for place, folder in enumerate(folders):
        earlier = folders[place - 1] if place else tmp_path / "nothing published yet"
        at = NOW.replace(minute=place)
        validate(
            warehouse, [target], run_id=f"R{place:02}", checked_at=at, today=TODAY, docs=folder, earlier=[earlier]
        )  # fmt: skip
    last = folders[-1]
    assert sorted(path.name for path in (last / "runs").iterdir()) == [f"R{place:02}" for place in range(2, 12)]
    start = (last / "index.html").read_text(encoding="utf-8")
    assert start.index("runs/R11/index.html") < start.index("runs/R10/index.html") < start.index("runs/R02/index.html")
    links = _links(last)
    assert len(links) > 50
    assert tmp_path / "site" / "quality.html" in links  # written with the site, when every check has been made
    links = [link for link in links if link.is_relative_to(last)]
    assert [link for link in links if not link.exists()] == []


def test_writing_new_pages_leaves_the_published_ones_alone(warehouse, tmp_path):
    target = Target(CORE["companies"], "core.companies", "table")
    check(warehouse, target, docs=tmp_path / "old")
    before = _pages(tmp_path / "old")
    put(warehouse, "core.companies", CORE["companies"], {"ticker": "NVDA", "company": "Nvidia", "role": "supplier"})
    validate(
        warehouse, [target], run_id="R2", checked_at=NOW, today=TODAY, docs=tmp_path / "new", earlier=[tmp_path / "old"]
    )
    assert _pages(tmp_path / "old") == before
    assert _pages(tmp_path / "new")["runs/R1/core.companies.html"] == before["runs/R1/core.companies.html"]


def test_any_name_of_a_run_will_do(warehouse, tmp_path):
    # Read as a date, this one has an offset of 90 hours from UTC.
    target = Target(CORE["companies"], "core.companies", "table")
    run_id = "20261124T164712-9012"
    validate(warehouse, [target], run_id=run_id, checked_at=NOW, today=TODAY, docs=tmp_path)
    assert run_id in (tmp_path / "runs" / run_id / "core.companies.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "parameters",
    [
        {"table": "core.stock_prices", "batch_id": "warehouse-core.stock_prices", "row_condition": None},
        {"column": "é", "strict": True, "min_value": 0, "mostly": "1"},
        {"value_set": ["a", "b"], "column": "grade"},
        {"min_value": float("nan"), "max_value": date(2025, 1, 17)},
        {"column": "close", "min_value": 0.1},
    ],
)
def test_the_short_way_names_a_metric_as_great_expectations_does(parameters):
    from great_expectations.core.id_dict import IDDict

    from warehouse.quality.expectations import identity

    asked = []

    def identify(named):
        asked.append(named)
        return IDDict.to_id(named)

    assert identity(IDDict(parameters), identify) == IDDict(parameters).to_id()
    assert bool(asked) == any(not isinstance(value, str | int | None) for value in parameters.values())
