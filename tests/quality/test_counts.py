"""One number of checks for a run, wherever it is said."""

from __future__ import annotations

import duckdb
import pytest

from tests.runs import command
from warehouse.quality import counts, data_docs, history
from warehouse.quality.counts import Counts

RESULTS = """
    CREATE SCHEMA quality;
    CREATE TABLE quality.results (run_id VARCHAR, expectation VARCHAR, success BOOLEAN, how VARCHAR, details JSON);
    INSERT INTO quality.results VALUES
      ('R1', 'a', true, 'ran', '{"explained": [{}, {}]}'), ('R1', 'b', false, 'ran', '{}'), ('R1', 'c', true, 'carried_over', '{}'),
      ('R1', 'd', true, 'skipped', '{}'), ('R1', 'e', true, NULL, '{}'), ('R1', 'source_notice', false, NULL, '{}'),
      ('R2', 'a', true, 'ran', '{}')"""


def test_every_check_is_counted_once_and_what_a_source_says_is_none():
    with duckdb.connect() as connection:
        connection.execute(RESULTS)
        found = counts.of_runs(connection)
        assert counts.of_run(connection, "R1") == found["R1"]
        assert counts.of_run(connection, "R3") == Counts()
        rows = history.rows(connection, "SELECT * FROM quality.results WHERE run_id = 'R1'")
    # five checks: three ran (a result of an earlier version does not say how it came about), one of them failed
    assert found["R1"] == Counts(checks=5, held=4, ran=3, carried_over=1, skipped=1, known=2)
    assert counts.of_results(rows) == Counts(checks=5, held=4, ran=3, carried_over=1, skipped=1)
    assert found["R1"].said() == "5 checks: 3 ran, 1 carried over, 1 skipped, without a row; 1 did not hold"
    assert found["R1"] + found["R2"] == Counts(6, 5, 4, 1, 1, 2)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Counts(), "no check"),
        (Counts(1, 1, 1), "1 check: 1 ran; all held"),
        (Counts(1535, 1534, 1261, 274), "1,535 checks: 1,261 ran, 274 carried over; 1 did not hold"),
    ],
)
def test_the_words(made, said):
    assert made.said() == said


def test_the_terminal_the_page_and_the_data_docs_say_the_same_number(published):
    home, summary = published
    made = Counts(**summary["checks"])
    assert made.checks == made.ran + made.carried_over + made.skipped > 1000
    assert f"{made.said()}." in " ".join(command(home, "quality").stdout.split())
    assert f"{made.said()}." in (home / "site" / "quality.html").read_text()
    assert f"{made.said()}." in (home / "quality" / "index.html").read_text()
    (record,) = data_docs._runs(home / "quality")
    assert data_docs.totals(record)["checks"] == made.checks
