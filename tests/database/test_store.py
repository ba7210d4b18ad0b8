"""The warehouse is append-only, loads a document once, and shows the current row of each thing as of a date."""

from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest

from tests.conftest import with_provenance
from warehouse.database import loading, views
from warehouse.database.releases import reading
from warehouse.database.store import opened
from warehouse.marts.common.select_current import select_current
from warehouse.tables import CORE

SHARES = CORE["shares_outstanding"]
PRICES = CORE["gpu_prices"]


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path / "warehouse.duckdb", tmp_path / "staging.duckdb") as store:
        yield store


def shares(count, *, known_on=date(2024, 11, 20), grade="A", loaded_day=1, measured_on=date(2024, 11, 15), line=2):
    frame = pl.DataFrame({"ticker": ["NVDA"], "measured_on": [measured_on], "shares": [count]}).with_columns(
        known_on=pl.lit(known_on),
        grade=pl.lit(grade),
        loaded_at=pl.lit(datetime(2026, 1, loaded_day, tzinfo=UTC)),
        document_sha256=pl.lit(f"{loaded_day:064d}"),
        locator=pl.lit(f"line {line}"),
    )
    return with_provenance(SHARES, frame)


def load(store, rows):
    store.staging.add(SHARES, rows)
    added = loading.load(store, SHARES)
    store.execute("DELETE FROM staging.shares_outstanding")
    return added


def test_the_same_statement_in_another_document_is_no_new_row(store):
    assert load(store, shares(24_490_000_000)) == 1
    assert load(store, shares(24_490_000_000, loaded_day=2, line=7)) == 0
    assert store.scalar("SELECT count(*) FROM core.shares_outstanding") == 1


def test_a_correction_is_a_new_row_seen_from_its_own_day(store):
    load(store, shares(24_490_000_000))
    assert load(store, shares(24_400_000_000, known_on=date(2025, 2, 26), loaded_day=2)) == 1
    assert store.scalar("SELECT count(*) FROM core.shares_outstanding") == 2
    for as_of, count in ((date(2025, 1, 28), 24_490_000_000), (date(2025, 2, 26), 24_400_000_000)):
        views.create(store, as_of)
        assert store.execute("SELECT shares FROM shares_outstanding").fetchall() == [(count,)]


def test_the_better_grade_counts_then_the_one_known_last_then_the_one_loaded_last(store):
    load(store, shares(1, grade="C", known_on=date(2025, 3, 1)))
    load(store, shares(2, grade="B", known_on=date(2025, 1, 1)))
    views.create(store, date(2025, 12, 31))
    assert store.scalar("SELECT shares FROM shares_outstanding") == 2
    load(store, shares(3, grade="B", known_on=date(2025, 2, 1)))
    views.create(store, date(2025, 12, 31))
    assert store.scalar("SELECT shares FROM shares_outstanding") == 3
    load(store, shares(4, grade="B", known_on=date(2025, 2, 1), loaded_day=9))
    views.create(store, date(2025, 12, 31))
    assert store.scalar("SELECT shares FROM shares_outstanding") == 4


def test_of_two_tags_in_one_filing_the_view_and_the_marts_pick_the_one_listed_first(store):
    """Whatever their places in the document; what was loaded later does not count before the order of the list."""
    facts = CORE["company_facts"]
    year = {"ticker": "X", "measure": "purchases_of_property_and_equipment", "period_type": "year", "form": "10-K",
            "period_start": date(2024, 1, 1), "period_end": date(2024, 12, 31), "accession": "0-24-1"}  # fmt: skip
    tags = {"PaymentsToAcquireProductiveAssets": 115, "PaymentsToAcquirePropertyPlantAndEquipment": 100}
    rows = pl.DataFrame(
        [year | {"tag": f"us-gaap:{tag}", "value_usd": usd, "locator": tag} for tag, usd in tags.items()]
    )
    late = pl.lit(datetime(2026, 12, 2, tzinfo=UTC))
    given = with_provenance(facts, rows)
    for frame in (
        given,
        given.with_columns(pl.when(pl.col("value_usd") == 115).then(late).otherwise("loaded_at").alias("loaded_at")),
    ):
        assert select_current(frame, facts)["value_usd"].to_list() == [100]
        store.execute("DELETE FROM core.company_facts")
        store.append(facts, frame)
        views.create(store, date(2026, 12, 31))
        assert store.execute("SELECT value_usd FROM company_facts").fetchall() == [(100,)]


def test_rows_that_are_taken_out_leave_staging_and_the_rest_stays(store):
    store.staging.add(SHARES, pl.concat([shares(5), shares(-5, line=3), shares(-6, line=4)]))
    assert store.staging.take(SHARES, [1]).select("shares", "locator").rows() == [(-5, "line 3")]
    sha256 = store.scalar("SELECT any_value(document_sha256) FROM staging.shares_outstanding")
    assert store.staging.take_places(SHARES, [(sha256, "line 4")])["shares"].to_list() == [-6]
    assert store.staging.counts() == {SHARES: 1}


def test_a_dated_warehouse_holds_nothing_that_was_not_public(store):
    load(store, shares(1))
    load(store, shares(2, known_on=date(2025, 2, 26)))
    views.drop_what_became_public_after(store, date(2025, 1, 28))
    assert store.execute("SELECT shares FROM core.shares_outstanding").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine AS SELECT 1",
        "DELETE FROM core.stock_prices",
        "DROP TABLE core.stock_prices",
        "ATTACH '/tmp/other.duckdb'",
        "COPY core.stock_prices TO '/tmp/out.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM frame_of_this_process",
    ],
)
def test_users_sql_can_read_the_warehouse_and_nothing_else(tmp_path, sql):
    with opened(tmp_path / "w.duckdb", tmp_path / "s.duckdb"):
        pass
    frame_of_this_process = pl.DataFrame({"secret": [1]})
    assert frame_of_this_process.height
    with reading(tmp_path / "w.duckdb") as connection:
        assert connection.execute("SELECT count(*) FROM core.stock_prices").fetchone() == (0,)
        with pytest.raises(duckdb.Error):
            connection.execute(sql)


def test_a_warehouse_of_an_earlier_version_gains_the_columns_that_it_lacks(tmp_path):
    """Earlier, facts had no names, a source's name said of which kind it is, and a document's context stood in its address."""
    path = tmp_path / "warehouse.duckdb"
    with opened(path, tmp_path / "staging.duckdb") as store:
        load(store, shares(24_490_000_000))
        load(store, shares(24_400_000_000, known_on=date(2025, 2, 26), loaded_day=2))
        named = store.rows(SHARES)
    addresses = {
        "https://data.sec.gov/CIK1.json#ticker=BRK-B&fiscal_year_end_month=12": (
            "https://data.sec.gov/CIK1.json",
            '{"fiscal_year_end_month": "12", "ticker": "BRK-B"}',
        ),
        "https://epoch.ai/data/a'b.csv": ("https://epoch.ai/data/a'b.csv", "{}"),
        "https://yahoo.com/NVDA?period1=1#rebased=2026-08-20": (
            "https://yahoo.com/NVDA?period1=1",
            '{"rebased": "2026-08-20"}',
        ),
        "snapshot:companies.csv?table=companies&rows=50": (
            "snapshot:companies.csv",
            '{"rows": "50", "table": "companies"}',
        ),
    }
    with duckdb.connect(str(path)) as earlier:
        for table, column in (
            *((table.full_name, column) for table in CORE.values() for column in ("fact_id", "source_kind")),
            ("provenance.documents", "source_kind"),
            ("provenance.documents", "context"),
        ):
            earlier.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        earlier.executemany(
            "INSERT INTO provenance.documents VALUES ('a', ?, ?, 'toy', '2026-11-09', 1, 'text/csv', NULL, '1')",
            [["reference_panel" if address.startswith("snapshot:") else "toy", address] for address in addresses],
        )
    for _ in range(2):  # the second time there is nothing left to do
        with opened(path, tmp_path / "staging.duckdb") as store:
            found = store.execute("SELECT url, context FROM provenance.documents ORDER BY url").fetchall()
            kinds = store.execute("SELECT source, source_kind FROM provenance.documents ORDER BY url").fetchall()
            held = store.rows(SHARES)
        assert kinds == [*[("toy", "live")] * 3, ("reference_panel", "reference")]
        assert found == list(addresses.values())
        assert held.equals(named)
    with duckdb.connect(str(path)) as upgraded:
        columns = [name for name, *_ in upgraded.execute("DESCRIBE core.shares_outstanding").fetchall()]
    assert columns == SHARES.names
