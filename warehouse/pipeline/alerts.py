"""The on-call person is notified once when something goes wrong and once when it is resolved, and not in between.

A message that comes every morning is soon read by nobody. So a file beside the warehouse remembers what is open, and
only the difference is sent. That is a check that fails, a source that failed or went stale, a refused run, quarantined
rows, a verdict that changed. A run looks at a part of all this (some sources, some checks); what it did not look at
stays as it was. A message that could not be delivered waits for the next run, and no failure to notify harms a run. The
address of the webhook is a secret: whoever has it can write there, so it appears in no message.

`observed` and `news` are pure; `send` reads, delivers and remembers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from warehouse import files, records
from warehouse.fetching.webhook import deliver
from warehouse.paths import Paths
from warehouse.pipeline.context import Notice
from warehouse.quality.findings import Finding
from warehouse.quality.promises import Judged
from warehouse.reports.standing import words
from warehouse.settings import Settings

FILE = "alerts.json"
OLD_FILE = "told.json"
"""The name of the file until version 0.4; read where the new one is not there yet."""
LINES = 20
LINE_SHOWN = 600  # characters
KEPT_UNDELIVERED = 200
KEPT_NOTICES = 200

Kind = Literal["check", "source", "run", "rows", "notice", "verdict", "promise"]
State = Literal["open", "resolved", "changed"]
HOLDS = ""


@dataclass(frozen=True)
class Topic:
    """Something that is open or is not: `text` says what is wrong, HOLDS that all is well, None that it is no concern.

    `name` tells it from others of its kind, from run to run. `table` is given for a quarantined row.
    """

    kind: Kind
    name: str
    text: str | None
    table: str = ""

    @property
    def key(self) -> str:
        """How the file names it."""
        return {"run": "run", "rows": f"row {self.name}"}.get(self.kind, f"{self.kind} {self.name}")


@dataclass(frozen=True)
class Seen:
    """What a run found out: topics it looked at, and the verdict of each scope and question (none: not built)."""

    topics: tuple[Topic, ...]
    verdicts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """One alert."""

    kind: Kind
    key: str
    state: State
    text: str


@dataclass
class Known:
    """What people were notified of: what is open, with its kind, text and since when; verdicts; what is undelivered."""

    open: dict[str, dict[str, str]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    undelivered: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Notified:
    """The messages of which people were notified, and notes on what could not be delivered."""

    messages: tuple[Message, ...] = ()
    notes: tuple[str, ...] = ()


Announce = Callable[[Message], None]


# -- what is new ------------------------------------------------------------------------------------------------------


def observed(
    *,
    findings: Iterable[Finding] = (),
    trends: Iterable[Notice] = (),
    notices: Iterable[Notice] = (),
    sources: Iterable[tuple[str, str, str]] = (),
    promises: Iterable[Judged] = (),
    waiting: Sequence[Mapping[str, Any]] = (),
    verdicts: Iterable[Mapping[str, Any]] = (),
    failure: str = "",
) -> Seen:
    """What a run found, as topics.

    `trends` are comparisons with earlier runs (an empty text: it holds). `sources` are (name, state, what to do).
    `waiting` are quarantined rows that wait for a decision.
    """
    topics = [Topic("run", "", failure or HOLDS)]
    for found in findings:
        if found.target.level != "rows":  # people are notified of single rows as quarantined rows
            name = f"{found.target.name} {found.check.name} {', '.join(found.check.columns)}".rstrip()
            topics.append(Topic("check", name, HOLDS if found.success else f"{_severity(found)}: {found.message}"))
    for trend in trends:
        topics.append(Topic("check", trend.key, f"warning: {trend.text}" if trend.text else HOLDS))
    topics += [Topic("notice", notice.key, notice.text) for notice in notices]
    for source, state, what in sources:
        texts = {"ok": HOLDS, "failed": f"failed: {what}", "stale": f"is stale: {what}"}
        topics.append(Topic("source", source, texts.get(state)))
    for one in promises:
        text = {"kept": HOLDS, "broken": one.text}.get(one.state)
        topics.append(Topic("promise", one.table_name, text))
    topics += [Topic("rows", row["row_id"], row["reason"], row["table_name"]) for row in waiting]
    return Seen(tuple(topics), {f"{row['scope']} {row['question']}": row["verdict"] for row in verdicts})


def _severity(found: Finding) -> str:
    return "could not run" if found.error is not None else found.check.severity


def news(known: Known, seen: Seen, now: datetime) -> tuple[Known, list[Message]]:
    """What people know after this run, and the messages that tell them."""
    after = Known(_still_open(known, seen), dict(known.verdicts), list(known.undelivered))
    messages: list[Message] = []
    rows: dict[str, list[str]] = {}
    for topic in seen.topics:
        if topic.kind == "notice":
            _rename(after, topic)
        before = after.open.get(topic.key)
        if not topic.text and before is not None:
            del after.open[topic.key]
            if topic.text == HOLDS:
                messages.append(Message(topic.kind, topic.key, "resolved", _resolved(topic, before["since"])))
        elif topic.text and before is None:
            after.open[topic.key] = {"kind": topic.kind, "text": topic.text, "since": now.isoformat()}
            if topic.kind == "rows":
                rows.setdefault(topic.table, []).append(f"{topic.name} {topic.text}")
            else:
                messages.append(Message(topic.kind, topic.key, "open", _opened(topic)))
    messages += [Message("rows", f"rows {table}", "open", _quarantined(table, said)) for table, said in rows.items()]
    for name, verdict in sorted(seen.verdicts.items()):
        earlier = known.verdicts.get(name)
        after.verdicts[name] = verdict
        if earlier is not None and earlier != verdict:
            said = f"The verdict on {name} changed from {words(earlier)} to {words(verdict)}."
            messages.append(Message("verdict", f"verdict {name}", "changed", said))
    return after, messages


def _rename(known: Known, topic: Topic) -> None:
    """Earlier versions named a notice by its text or by the text's digest: it gets the key of now, and is no news."""
    for name in (topic.text or "", f"document {digest(topic.text or '')}"):
        if was := known.open.pop(f"{topic.kind} {name}", None):
            known.open[topic.key] = was


def _still_open(known: Known, seen: Seen) -> dict[str, dict[str, str]]:
    """What is open, without rows that somebody decided about (no message says so) and without the oldest notices.

    A notice comes with a document, and its absence from a run means nothing; so only their number is limited.
    """
    observed = {topic.key for topic in seen.topics}
    found = {key: was for key, was in known.open.items() if was["kind"] != "rows" or key in observed}
    notices = [key for key, was in found.items() if was["kind"] == "notice"]
    for key in notices[:-KEPT_NOTICES]:
        del found[key]
    return found


def _opened(topic: Topic) -> str:
    start = {"run": "The run ", "source": f"Source {topic.name} ", "check": "Check failed, "}
    return f"{start.get(topic.kind, '')}{topic.text}"


def _resolved(topic: Topic, since: str) -> str:
    day = since[:16].replace("T", " ")
    if topic.kind == "run":
        return f"Runs succeed again (they had failed since {day} UTC)."
    if topic.kind == "source":
        return f"Source {topic.name} delivers again (it had not since {day} UTC)."
    if topic.kind == "promise":
        return f"Table {topic.name} is as fresh as promised again (it had not been since {day} UTC)."
    return f"Check passes again: {topic.name} (it had failed since {day} UTC)."


def _quarantined(table: str, rows: list[str]) -> str:
    one = len(rows) == 1
    return (
        f"{len(rows)} {'row' if one else 'rows'} of {table} {'was' if one else 'were'} quarantined and "
        f"{'waits' if one else 'wait'} for a decision (overbuild quality quarantine); first: {rows[0]}"
    )


# -- sending it -------------------------------------------------------------------------------------------------------


def send(paths: Paths, settings: Settings, seen: Seen, run_id: str, announce: Announce) -> Notified:
    """Send what is new, and what waits from before.

    `announce` is given each message once. The webhook is given all of them at once, where there is one.
    """
    known, messages = news(_read(paths), seen, datetime.now(UTC))
    notes = []
    if settings.webhook_url is None:
        known.undelivered = []
    else:
        known.undelivered = [*known.undelivered, *(_line(message) for message in messages)][-KEPT_UNDELIVERED:]
    _remember(paths, known)  # before anything is sent: a crash repeats a message and loses none
    for message in messages:
        try:
            announce(message)
        except Exception as error:
            notes.append(f"no event was sent for {message.key}: {type(error).__name__}")
    if known.undelivered and settings.webhook_url is not None:
        failed = deliver(settings.webhook_url.get_secret_value(), post(known.undelivered, run_id))
        if failed:
            notes.append(
                f"the webhook {failed}; {len(known.undelivered)} message(s) are kept and sent by the next run. Check "
                "OVERBUILD_WEBHOOK_URL."
            )
        else:
            known.undelivered = []
            _remember(paths, known)
    return Notified(tuple(messages), tuple(notes))


MARKS = {"open": "[!]", "resolved": "[ok]", "changed": "[>]"}


def _line(message: Message) -> str:
    text = " ".join(message.text.split())
    return f"{MARKS[message.state]} {text if len(text) <= LINE_SHOWN else text[: LINE_SHOWN - 3] + '...'}"


def post(lines: Sequence[str], run_id: str) -> dict[str, str]:
    """What is posted: the JSON that Slack takes, and many others with it."""
    shown = [*lines[:LINES], *([f"and {len(lines) - LINES} more"] if len(lines) > LINES else [])]
    text = "\n".join([f"overbuild, run {run_id}:", *shown, f"More: overbuild quality --run {run_id}"])
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


# -- the file ---------------------------------------------------------------------------------------------------------


def digest(*said: str) -> str:
    """A short name for what a document says, by its codes and fields: the same thing said again is no news."""
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


def _read(paths: Paths) -> Known:
    kept = paths.root / FILE
    try:
        read = records.parsed((kept if kept.exists() else paths.root / OLD_FILE).read_bytes())
    except OSError:
        read = None
    known = records.record(Known, read or {})
    if known is None or any(not {"kind", "text", "since"} <= set(was) for was in known.open.values()):
        return Known()  # nothing remembered: people are notified once more of what is open
    return known


def _remember(paths: Paths, known: Known) -> None:
    files.write(paths.root / FILE, json.dumps(asdict(known), ensure_ascii=False, indent=1))
