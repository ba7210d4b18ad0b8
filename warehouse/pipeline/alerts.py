"""Who is on duty is told what is new: once when something goes wrong, once when it is mended, and not in between.

A message that comes every morning is soon read by nobody. So what is open is remembered in the home, and only the
difference is told: a check that fails, a live source that failed or went stale, a run that was refused, rows that were
put aside, a verdict that changed. A run looks at a part of all this (some sources, some checks); what it did not look at
stays as it was. A message that could not be delivered waits in the home for the next run, and no failure of the telling
harms a run. The address of the webhook is a secret: whoever has it can write there, so it appears in no message.

`observed` and `news` are pure; `tell` reads, delivers and remembers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from warehouse import files
from warehouse.fetching.webhook import deliver
from warehouse.paths import Home
from warehouse.quality.checks import Finding
from warehouse.settings import Settings

FILE = "told.json"
LINES = 20
LINE_SHOWN = 600  # characters
KEPT_UNDELIVERED = 200
KEPT_NOTICES = 200

Kind = Literal["check", "source", "run", "rows", "notice", "verdict"]
State = Literal["open", "mended", "changed"]
HOLDS = ""


@dataclass(frozen=True)
class Topic:
    """Something that is open or is not: `text` says what is wrong, HOLDS that all is well, None that it is no concern."""

    kind: Kind
    key: str
    text: str | None


@dataclass(frozen=True)
class Seen:
    """What a run found out: topics it looked at, and the verdict of each scope and question (none: not built)."""

    topics: tuple[Topic, ...]
    verdicts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """One thing to tell."""

    kind: Kind
    key: str
    state: State
    text: str


@dataclass
class Told:
    """What people know: what is open, with its kind, text and since when; the verdicts; what was not delivered yet."""

    open: dict[str, dict[str, str]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    undelivered: list[str] = field(default_factory=list)


# -- what is new ------------------------------------------------------------------------------------------------------


def observed(
    *,
    findings: Iterable[Finding] = (),
    notices: Iterable[str] = (),
    sources: Iterable[tuple[str, str, str]] = (),
    waiting: Sequence[Mapping[str, Any]] | None = None,
    verdicts: Iterable[Mapping[str, Any]] = (),
    failure: str = "",
) -> Seen:
    """What a run found, as topics. `sources` are (name, state, what to do); `waiting` are rows that wait for a decision."""
    topics = [Topic("run", "run", failure or HOLDS)]
    for found in findings:
        if found.target.level != "rows":  # single rows are told of as rows that were put aside
            key = f"check {found.target.name} {found.check.name} {', '.join(found.check.columns)}".rstrip()
            topics.append(Topic("check", key, HOLDS if found.success else f"{_severity(found)}: {found.message}"))
    topics += [Topic("notice", f"notice {notice}", notice) for notice in notices]
    for name, state, what in sources:
        texts = {"ok": HOLDS, "failed": f"failed: {what}", "stale": f"is stale: {what}"}
        topics.append(Topic("source", f"source {name}", texts.get(state)))
    topics += [Topic("rows", f"row {row['row_id']}", f"{row['table_name']}\0{row['reason']}") for row in waiting or ()]
    return Seen(tuple(topics), {f"{row['scope']} {row['question']}": row["verdict"] for row in verdicts})


def _severity(found: Finding) -> str:
    return "could not run" if found.error is not None else found.check.severity


def news(told: Told, seen: Seen, now: datetime) -> tuple[Told, list[Message]]:
    """What people know after this run, and what to tell them so that they do."""
    after = Told(dict(told.open), dict(told.verdicts), list(told.undelivered))
    messages: list[Message] = []
    rows: dict[str, list[str]] = {}
    at_hand = {topic.key for topic in seen.topics}
    for key, known in told.open.items():  # a row that somebody decided about is not told of as mended
        if known["kind"] == "rows" and key not in at_hand:
            del after.open[key]
    notices = [key for key, known in after.open.items() if known["kind"] == "notice"]
    for key in notices[:-KEPT_NOTICES]:  # a notice comes with a document, and its absence says nothing
        del after.open[key]
    for topic in seen.topics:
        before = after.open.get(topic.key)
        if topic.text:
            if before is None:
                after.open[topic.key] = {"kind": topic.kind, "text": topic.text, "since": now.isoformat()}
                if topic.kind == "rows":
                    table, reason = topic.text.split("\0", 1)
                    rows.setdefault(table, []).append(f"{topic.key.removeprefix('row ')} {reason}")
                else:
                    messages.append(Message(topic.kind, topic.key, "open", _opened(topic)))
        elif before is not None:
            del after.open[topic.key]
            if topic.text == HOLDS:
                messages.append(Message(topic.kind, topic.key, "mended", _mended(topic, before["since"])))
    for table, listed in rows.items():
        messages.append(Message("rows", f"rows {table}", "open", _put_aside(table, listed)))
    for name, verdict in sorted(seen.verdicts.items()):
        earlier = told.verdicts.get(name)
        after.verdicts[name] = verdict
        if earlier is not None and earlier != verdict:
            said = f"The verdict on {name} changed from {_words(earlier)} to {_words(verdict)}."
            messages.append(Message("verdict", f"verdict {name}", "changed", said))
    return after, messages


def _opened(topic: Topic) -> str:
    start = {"run": "The run ", "source": f"Source {topic.key.removeprefix('source ')} ", "check": "Check failed, "}
    return f"{start.get(topic.kind, '')}{topic.text}"


def _mended(topic: Topic, since: str) -> str:
    day = since[:16].replace("T", " ")
    if topic.kind == "run":
        return f"Runs go through again (since {day} UTC they did not)."
    if topic.kind == "source":
        return f"Source {topic.key.removeprefix('source ')} gives its data again (it did not since {day} UTC)."
    return f"Check holds again: {topic.key.removeprefix('check ')} (it did not since {day} UTC)."


def _put_aside(table: str, listed: list[str]) -> str:
    one = len(listed) == 1
    return (
        f"{len(listed)} {'row' if one else 'rows'} of {table} {'was' if one else 'were'} put aside and "
        f"{'waits' if one else 'wait'} for a decision (overbuild quality quarantine); first: {listed[0]}"
    )


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


# -- telling it -------------------------------------------------------------------------------------------------------


def tell(
    home: Home, settings: Settings, seen: Seen, run_id: str, announce: Callable[[Message], None]
) -> tuple[list[Message], list[str]]:
    """Tell what is new, and what waits from before; gives the messages, and notes on what could not be delivered.

    `announce` is given each message once. The webhook is given all of them at once, where there is one.
    """
    now = datetime.now(UTC)
    told, messages = news(_read(home), seen, now)
    notes = []
    if settings.webhook_url is None:
        told.undelivered = []
    else:
        told.undelivered = [*told.undelivered, *(_line(message) for message in messages)][-KEPT_UNDELIVERED:]
    _remember(home, told)  # before anything is sent: a crash repeats a message and loses none
    for message in messages:
        try:
            announce(message)
        except Exception as error:
            notes.append(f"no event was sent for {message.key}: {type(error).__name__}")
    if told.undelivered and settings.webhook_url is not None:
        failed = deliver(settings.webhook_url.get_secret_value(), post(told.undelivered, run_id))
        if failed:
            notes.append(
                f"the webhook {failed}; {len(told.undelivered)} message(s) are kept and sent by the next run. Check "
                "OVERBUILD_WEBHOOK_URL."
            )
        else:
            told.undelivered = []
            _remember(home, told)
    return messages, notes


MARKS = {"open": "[!]", "mended": "[ok]", "changed": "[>]"}


def _line(message: Message) -> str:
    text = " ".join(message.text.split())
    return f"{MARKS[message.state]} {text if len(text) <= LINE_SHOWN else text[: LINE_SHOWN - 3] + '...'}"


def post(lines: Sequence[str], run_id: str) -> dict[str, str]:
    """What is posted: the JSON that Slack takes, and many others with it."""
    shown = [*lines[:LINES], *([f"and {len(lines) - LINES} more"] if len(lines) > LINES else [])]
    text = "\n".join([f"overbuild, run {run_id}:", *shown, f"More: overbuild quality --run {run_id}"])
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


# -- the memory -------------------------------------------------------------------------------------------------------


def _read(home: Home) -> Told:
    try:
        read = json.loads((home.root / FILE).read_text(encoding="utf-8"))
        return Told(dict(read["open"]), dict(read["verdicts"]), list(read["undelivered"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Told()  # nothing remembered: what is open is told once more


def _remember(home: Home, told: Told) -> None:
    files.write(home.root / FILE, json.dumps(asdict(told), ensure_ascii=False, indent=1))
