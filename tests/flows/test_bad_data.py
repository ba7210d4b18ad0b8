"""The main job on data that are wrong: what refuses a run, what is quarantined, and that nothing is lost or torn."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib

import pytest

from tests.flows.snapshot import edit, field
from tests.repeats import repeats
from tests.runs import REFERENCE, command, copy_home, query, run, settings, until_loaded
from warehouse.errors import RefusedError

REFUSED = {
    "a missing column": (
        "gpu_specs.csv",
        lambda lines: [",".join(line.split(",")[1:]) for line in lines],
        r"gpu_specs\.csv: column gpu_model is missing",
    ),
    "a file cut within a line": (
        "evidence.csv",
        lambda lines: [*lines[:50], lines[50][:20]],
        r"evidence\.csv, line 51: \d+ fields? where \d+ belong",
    ),
    "a file cut at a line": (
        "gpu_prices.csv",
        lambda lines: lines[:900],
        r"gpu_prices\.csv: 899 rows where snapshot\.toml counts \d+; the file was cut short",
    ),
    "a duplicate key": (
        "shares_outstanding.csv",
        lambda lines: [*lines, lines[5]],
        r"shares_outstanding\.csv, line 6 and line 47: ticker, measured_on, known_on are the same in these rows",
    ),
    "a text where a number belongs, in a small table": (
        "corporate_actions.csv",
        lambda lines: field(lines, 1, "value", "ten for one"),
        r"corporate_actions\.csv, line 2: value: 'ten for one' is not a number",
    ),
    "a chip that no unit fits": (
        "gpu_specs.csv",
        lambda lines: field(lines, 8, "bf16_dense_tflops", "-989.4"),
        r"gpu_specs\.csv, line 9: .*bf16_dense_tflops.*-989\.4",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_document_that_cannot_be_trusted_refuses_the_run_and_changes_nothing(published, corrupted, tmp_path, kind):
    name, change, message = REFUSED[kind]
    reference = corrupted(name, change)
    home = tmp_path / "home"
    copy_home(published[0], home)
    before = (home / "current").resolve()
    with pytest.raises(RefusedError, match=message):
        run(home, reference)
    assert (home / "current").resolve() == before
    assert not any((home / "work").iterdir())
    (refused,) = (home / "refused").iterdir()
    assert (refused / "message.txt").read_text().strip()
    if kind == "a duplicate key":
        assert run(home)["unchanged_since"] == published[1]["run_id"], "the refused run changed nothing"
        outcomes = query(home, "SELECT outcome FROM provenance.runs ORDER BY started_at")
        assert outcomes == [("published",), ("refused",), ("published",)], "the refused run joins the history"


# End to end for one of each way to be bad; every kind stands in test_corruptions.py.
QUARANTINED = {
    "a text where a number belongs": (
        "stock_prices.csv.gz",
        700,
        "volume",
        "many",
        "volume: 'many' is not a whole number",
    ),
    "a date in the future": ("company_facts.csv.gz", 40, "known_on", "2999-01-01", "known_on"),
    "a node's price for a GPU's": ("gpu_prices.csv", 700, "usd_per_gpu_hour", "98.32", "plausible_for_the_chip"),
}


@pytest.fixture(scope="module")
def with_bad_rows(tmp_path_factory):
    """A run of a snapshot that has one bad row in each of several files, as far as the loading."""
    folder = tmp_path_factory.mktemp("bad_rows")
    reference = shutil.copytree(REFERENCE, folder / "reference")
    for name, row, column, value, _ in QUARANTINED.values():
        edit(reference / name, lambda lines, r=row, c=column, v=value: field(lines, r, c, v))
    with settings(folder / "home", reference), until_loaded() as loading:
        yield loading


@pytest.mark.parametrize("kind", QUARANTINED)
def test_a_single_bad_row_is_quarantined_with_its_reason_and_place(with_bad_rows, kind):
    name, row, column, value, reason = QUARANTINED[kind]
    table = name.split(".")[0]
    kept = f"SELECT reason, row, locator FROM quality.quarantine WHERE table_name = 'core.{table}'"
    ((said, fields, locator),) = with_bad_rows.store.execute(kept).fetchall()
    assert f"{name}, line {row + 1}" in said
    assert reason in said
    assert locator == f"line {row + 1}"
    assert json.loads(fields)[column] in (value, value.rstrip("0"))
    assert said in with_bad_rows.quarantined.messages
    assert len(with_bad_rows.quarantined.messages) == len(QUARANTINED)
    listed = tomllib.loads((REFERENCE / "snapshot.toml").read_text())
    total = with_bad_rows.store.scalar(f"SELECT count(*) FROM core.{table}")
    assert total == listed[table]["rows"] - 1, "only that row stays out"


@repeats("tests/cli/test_quality.py::test_an_accepted_row_is_loaded_by_the_next_run_and_stays")
def test_a_person_accepts_a_row_and_people_are_told_once_of_each_thing(corrupted, tmp_path, live_server):
    live_server.body("/hook", b"ok")
    hook, home = f"{live_server.url}/hook", tmp_path / "home"
    bad = corrupted("stock_prices.csv.gz", lambda lines: field(lines, 700, "high", "0.01"))
    first = run(home, bad, hook, quick=True)
    assert first["notes"] == []
    assert len(first["quarantined"]) == 1
    [(row_id, line)] = query(home, "SELECT row_id, locator FROM quality.quarantine")
    page = (home / "site" / "quality.html").read_text()
    assert row_id in page
    assert line in page

    done = command(home, "quality", "accept", row_id, "--reason", "so says the exchange", "--by", "Ada")
    assert done.returncode == 0, done.stderr
    again = command(home, "quality", "accept", row_id, "--reason", "once more")
    assert again.returncode == 2
    assert "this row was accepted on" in again.stderr

    corrupted("gpu_specs.csv", lambda lines: [",".join(line.split(",")[1:]) for line in lines])
    with pytest.raises(RefusedError, match=r"What was found, and what to do with it: .*quality\.html"):
        run(home, bad, hook, quick=True)
    (refused,) = (home / "refused").iterdir()
    assert "This run was refused" in (refused / "site" / "quality.html").read_text()
    assert_told_of_the_refusal(home, refused.name)

    shutil.copyfile(REFERENCE / "gpu_specs.csv", bad / "gpu_specs.csv")
    second = run(home, bad, hook, quick=True)
    assert second["quarantined"] == []
    assert query(home, "SELECT count(*) FROM core.stock_prices WHERE high = 0.01") == [(1,)]
    assert query(home, "SELECT decision, decided_by FROM quality.decisions") == [("accepted", "Ada")]
    assert query(home, "SELECT count(DISTINCT run_id) FROM quality.measures") == [(3,)]
    assert len(list((home / "quality" / "runs").iterdir())) >= 2, "Data Docs hold earlier runs"
    assert "None: no run was refused" in (home / "site" / "refused.html").read_text(), (
        "the next answer stands for itself"
    )
    assert refused.name not in (home / "site" / "refused.html").read_text()

    told = [json.loads(request.body)["text"] for request in live_server.asked("/hook")]
    assert len(told) == 3
    assert "1 row of core.stock_prices was quarantined and waits for a decision" in told[0]
    assert (
        "The run refused its data, and nothing new was published: gpu_specs.csv: column gpu_model is missing" in told[1]
    )
    assert "quarantined" not in told[1]
    assert "Runs succeed again" in told[2]


def assert_told_of_the_refusal(home, run_id):
    """The pages that were published before lead to the refused run, whichever way they are opened."""
    release = (home / "current").resolve()
    for site in (home / "site", home / "current" / "site", release / "site"):
        assert "gpu_specs.csv: column gpu_model is missing" in (site / "later" / "later.js").read_text()
        page = (site / "refused.html").read_text()
        [link] = re.findall(r'href="(later/[^"]*)"', page)
        assert run_id in link
        assert "gpu_specs.csv: column gpu_model is missing" in page
        assert "This run was refused" in (site / link).read_text()
        for each in ("index.html", "quality.html"):
            assert '<script src="later/later.js" defer></script>' in (site / each).read_text()
        assert '<a href="refused.html">' in (site / "quality.html").read_text(), "without scripts, too"
        assert '"./../site/later/later.js"' in (site / ".." / "quality" / "index.html").read_text()
    assert not any(os.access(path, os.W_OK) and os.geteuid() for path in (release, release / "site"))
