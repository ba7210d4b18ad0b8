"""People are notified once when something goes wrong and once when it is resolved, whatever becomes of the webhook."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tests.live_server import Reply
from warehouse.errors import UsageError
from warehouse.paths import Paths
from warehouse.pipeline import alerts
from warehouse.pipeline.alerts import HOLDS, Known, Seen, Topic, news
from warehouse.settings import Settings, load_settings

NOW = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
SECRET = "/services/T000/B000/verysecret"


def seen(*topics, **verdicts):
    return Seen(tuple(topics), {name.replace("_", " "): verdict for name, verdict in verdicts.items()})


def check(text, name="core.stock_prices stale_bars close"):
    return Topic("check", name, text)


def row(number, table="core.gpu_prices"):
    return Topic("rows", str(number), f"prices.json, offer {number}: price is not above 0", table)


def several(*found):
    """The messages after each of several runs."""
    known, said = Known(), []
    for one in found:
        known, messages = news(known, one, NOW)
        said.append([message.text for message in messages])
    return said


def test_a_failed_check_is_an_alert_once_and_once_more_when_it_is_resolved():
    bad, good = seen(check("critical: 3 rows")), seen(check(HOLDS))
    assert several(good, bad, bad, good, good) == [
        [],
        ["Check failed, critical: 3 rows"],
        [],
        ["Check passes again: core.stock_prices stale_bars close (it had failed since 2026-11-25 07:30 UTC)."],
        [],
    ]


def test_what_a_run_did_not_look_at_stays_as_it_was():
    source = Topic("source", "yahoo", "failed: 429")
    assert several(seen(source), seen(check(HOLDS)), seen(source)) == [["Source yahoo failed: 429"], [], []]


def test_a_source_that_is_switched_off_is_not_resolved():
    off = Topic("source", "yahoo", None)
    assert several(seen(Topic("source", "yahoo", "is stale: due")), seen(off)) == [
        ["Source yahoo is stale: due"],
        [],
    ]


def test_quarantined_rows_are_an_alert_by_table_new_ones_only_and_no_decision_is_news():
    first, second, third = several(seen(row(1), row(2)), seen(row(1), row(2), row(3)), seen(row(3)))
    assert len(first) == 1
    assert first[0].startswith("2 rows of core.gpu_prices were quarantined and wait for a decision")
    assert "1 prices.json, offer 1" in first[0]
    assert second[0].startswith("1 row of core.gpu_prices was quarantined")
    assert third == []


def test_a_refused_run_is_an_alert_and_so_is_the_next_that_succeeds():
    refused = seen(Topic("run", "", "refused its data, and nothing new was published: core.x: bad"))
    first, second, third = several(refused, refused, seen(Topic("run", "", HOLDS)))
    assert first == ["The run refused its data, and nothing new was published: core.x: bad"]
    assert second == []
    assert third == ["Runs succeed again (they had failed since 2026-11-25 07:30 UTC)."]


def test_a_verdict_is_an_alert_when_it_changes_and_not_when_it_is_first_known():
    before, after = seen(ALL_Q1="claim_holds"), seen(ALL_Q1="cannot_tell")
    assert several(before, before, seen(), after) == [
        [], [], [], ["The verdict on ALL Q1 changed from claim holds to cannot tell."],
    ]  # fmt: skip


# -- the webhook ------------------------------------------------------------------------------------------------------


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path, tmp_path / "warehouse.duckdb")


def send(paths, address, found):
    announced = []
    settings = Settings(home=paths.root, webhook_url=address)
    notified = alerts.send(paths, settings, found, "R1", announced.append)
    return [message.text for message in announced], list(notified.notes)


def posts(server):
    return [json.loads(request.body)["text"] for request in server.asked(SECRET)]


def test_the_webhook_gets_what_slack_takes(paths, live_server):
    live_server.body(SECRET, b"ok")
    announced, notes = send(paths, live_server.url + SECRET, seen(check("critical: close < 0 & <b>")))
    assert notes == []
    assert announced == ["Check failed, critical: close < 0 & <b>"]
    (request,) = live_server.asked(SECRET)
    assert request.method == "POST"
    assert request.headers["Content-Type"] == "application/json"
    assert posts(live_server) == [
        "overbuild, run R1:\n[!] Check failed, critical: close &lt; 0 &amp; &lt;b&gt;\nMore: overbuild quality --run R1"
    ]
    send(paths, live_server.url + SECRET, seen(check("critical: close < 0 & <b>")))
    assert len(posts(live_server)) == 1, "nothing new, nothing sent"


@pytest.mark.parametrize("refusal", ["404", "500", "429", "redirect", "drop"])
def test_a_webhook_that_fails_is_noted_without_its_address_and_tried_again(paths, live_server, refusal):
    live_server.refuse(SECRET, refusal, then=Reply(b"ok"))
    announced, notes = send(paths, live_server.url + SECRET, seen(check("critical: one")))
    assert len(announced) == 1
    (note,) = notes
    assert "OVERBUILD_WEBHOOK_URL" in note
    assert "verysecret" not in note
    assert "127.0.0.1" not in note
    announced, notes = send(paths, live_server.url + SECRET, seen(check("critical: one")))
    assert (announced, notes) == ([], []), "the event was sent the first time"
    assert "critical: one" in posts(live_server)[-1]
    assert "verysecret" not in (paths.root / alerts.FILE).read_text()


def test_a_host_that_is_not_there_harms_nothing(paths):
    _, notes = send(paths, "http://127.0.0.1:9/verysecret", seen(check("critical: one")))
    assert "could not be reached" in notes[0]
    assert "verysecret" not in notes[0]


def test_without_a_webhook_requests_is_not_imported(paths):
    program = (
        "import sys; from pathlib import Path; from warehouse.paths import Paths; from warehouse.pipeline import alerts; "
        "from warehouse.pipeline.alerts import Seen, Topic; from warehouse.settings import Settings; "
        f"root = Path({str(paths.root)!r}); "
        "alerts.send(Paths(root, root), Settings(home=root), Seen((Topic('check', 'c', 'bad'),)), 'R', lambda m: None); "
        "sys.exit('requests' in sys.modules or 'prefect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_event_that_cannot_be_sent_is_noted(paths):
    def fails(_):
        raise RuntimeError("no server")

    notified = alerts.send(paths, Settings(home=paths.root), seen(check("bad")), "R1", fails)
    assert "RuntimeError" in notified.notes[0]


def test_a_file_that_cannot_be_read_repeats_every_alert_once(paths):
    (paths.root / alerts.FILE).write_text("{")
    assert len(send(paths, None, seen(check("bad")))[0]) == 1
    assert send(paths, None, seen(check("bad")))[0] == []


def test_the_file_of_an_earlier_version_is_read_on(paths):
    """Nobody is notified again of what was open before an upgrade, and of its end it is said since when it was open."""
    since = "2026-11-20T07:30:00+00:00"
    was_open = {
        "check core.stock_prices stale_bars close": {"kind": "check", "text": "critical: 3 rows", "since": since},
        "notice yahoo: two bars": {"kind": "notice", "text": "yahoo: two bars", "since": since},
        "row abc": {"kind": "rows", "text": "core.gpu_prices\0offer 3", "since": since},
    }
    (paths.root / alerts.OLD_FILE).write_text(json.dumps({"open": was_open, "verdicts": {}, "undelivered": []}))
    notice = Topic("notice", f"document {alerts.digest('yahoo: two bars')}", "yahoo: two bars")
    rows = Topic("rows", "abc", "offer 3", "core.gpu_prices")
    assert send(paths, None, seen(check("critical: 4 rows"), notice, rows)) == ([], [])
    (message,) = send(paths, None, seen(check(HOLDS), notice, rows))[0]
    assert message.endswith("(it had failed since 2026-11-20 07:30 UTC).")


def test_an_address_that_is_none_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("OVERBUILD_WEBHOOK_URL", "hooks.example/verysecret")
    with pytest.raises(UsageError, match="OVERBUILD_WEBHOOK_URL") as caught:
        load_settings()
    assert "verysecret" not in str(caught.value)
    assert "verysecret" not in repr(Settings(webhook_url="https://hooks.example/verysecret"))
