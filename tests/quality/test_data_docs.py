"""The start page of Data Docs leads with what is new and with what is open; a check's name says what is the same finding."""

from __future__ import annotations

import re

from warehouse.quality import data_docs

PRICES, PANEL = "core.stock_prices", "core.companies"


def message(name: str, check: str, text: str, outcome: str = "critical") -> dict:
    return {"name": name, "check": check, "text": text, "outcome": outcome}


def record(run_id: str, *messages: dict) -> dict:
    clean = dict.fromkeys(data_docs.OUTCOMES, 0) | {
        "looked_at": "as a whole",
        "rows": 1,
        "checks": 2,
        "carried_over": 0,
        "meaning": "",
    }
    failed = {each["name"] for each in messages if each["outcome"] != data_docs.EXPLAINED}
    targets = [clean | {"name": name, "critical": int(name in failed)} for name in (PANEL, PRICES)]
    return {
        "run_id": run_id,
        "checked_at": f"2026-01-0{run_id[-1]}T00:00:00",
        "targets": targets,
        "messages": list(messages),
    }


def page(run: dict, before: dict | None) -> str:
    data_docs._compare(run, before)
    run |= {"totals": data_docs.totals(run)}
    return data_docs._View.shared().page("index.html", run=run, runs=[], root=".")


def headings(html: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", html)


def test_what_is_new_comes_first_then_what_is_open_then_what_holds_again():
    before = record("R1", message(PRICES, "high above low", "3 rows"), message(PANEL, "tickers", "1 row"))
    run = record(
        "R2",
        message(PRICES, "high above low", "4 rows"),
        message(PRICES, "no gap", "a session is missing"),
        message(PANEL, "known", "Meta moved", data_docs.EXPLAINED),
    )
    html = page(run, before)
    assert headings(html) == ["New since run R1", "Open still: it did not hold before either", "Holds again",
                              "Found before, and explained", "Tables"]  # fmt: skip
    new, still, resolved = (html.index(text) for text in ("a session is missing", "4 rows", "1 row"))
    assert new < still < resolved, "a finding with another count is the same finding"
    tables = html[html.index("<h2>Tables") :]
    assert tables.index(PRICES) < tables.index(PANEL), (
        "a table in which a check failed comes before one in which all held"
    )


def test_a_first_run_calls_nothing_new():
    assert headings(page(record("R1", message(PRICES, "no gap", "a session is missing")), None)) == [
        "What did not hold",
        "Tables",
    ]


def test_where_everything_held_the_page_says_so():
    html = page(record("R2"), record("R1", message(PRICES, "no gap", "a session is missing")))
    assert headings(html) == ["New since the run before", "Holds again", "Tables"]
    assert "Nothing: every check of this run held." in html


def test_records_of_earlier_versions_are_compared_by_their_text():
    old = message(PRICES, "no gap", "a session is missing")
    del old["check"]
    run = record("R2", message(PRICES, "no gap", "a session is missing"))
    data_docs._compare(run, record("R1", old))
    assert (run["new"], run["resolved"], len(run["open"])) == ([], [], 1)


def test_a_table_that_was_not_looked_at_does_not_hold_again():
    run = record("R2")
    run["targets"] = [target for target in run["targets"] if target["name"] == PANEL]
    data_docs._compare(run, record("R1", message(PRICES, "no gap", "a session is missing")))
    assert run["resolved"] == []


def test_comparisons_with_earlier_runs_are_among_the_checks():
    run = record("R2", message(PRICES, "high above low", "3 rows")) | {"compared": {"checks": 5, "warning": 1}}
    # two tables of two checks, and five comparisons; one of each kind failed
    assert data_docs.totals(run)["said"] == "9 checks: 9 ran; 2 did not hold"
    assert "5 of them compare a table or a source with earlier runs" in page(run, None)
