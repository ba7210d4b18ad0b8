"""Every file that this project reads and that no host sent: each with good content, and all that is done with it.

Disks, crashes, other versions and people change such files. Whatever stands in one, a command goes on without it, or says
in a sentence which file it is and what to do. Nothing else may happen.
"""

from __future__ import annotations

import json
import os
import random
import re
import tomllib
from collections.abc import Callable
from contextlib import chdir
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import duckdb
import polars as pl

from tests.sources.mutations import CELLS, bytes_spoiled, spoiled_body
from warehouse import assumptions, home, locks, processes
from warehouse.cli import sql, verification
from warehouse.database import reading, recovery, releases, seals
from warehouse.errors import OverbuildError
from warehouse.fetching import schedules
from warehouse.fetching.fetch_log import Fetched, FetchLog
from warehouse.fetching.rate_limit import LONGEST_PAUSE, LONGEST_QUEUE_SECONDS, RateLimit
from warehouse.paths import Paths, create_folders
from warehouse.pipeline import alerts, metrics, refused, what_if
from warehouse.pipeline.backfill import Progress
from warehouse.pipeline.meter import Meter
from warehouse.quality import decisions, known_findings, promises
from warehouse.reports import freshness, health, later
from warehouse.reports.dictionary import questions
from warehouse.reports.export import write as export
from warehouse.reports.site import write as site
from warehouse.settings import FILE as SETTINGS
from warehouse.settings import Settings, load_settings
from warehouse.tables import CORE, SYSTEM

AT = datetime(2026, 10, 9, 7, 30, tzinfo=UTC)
TOML = (
    "0", "-0.0", "-1", "inf", "nan", "1e400", "9" * 400,
    "9" * 5_000, "true", "[]", "{}", '""', '" "', '"x"', '"NaN"',
    '"9999-12-31"', "9999-12-31", "0001-01-01",
    "1979-05-27T07:32:00Z", "07:32:00", '"\\u0000"', "[[]]", "[nan, inf]", "{a = 1}", "[" * 5_000, "'",
    '"' + "x" * 5_000 + '"', "[1, 0]", '["x"]', '"=1+1"', '"../../x"', "0x10", "1_000", "",
)  # fmt: skip
"""TOML to put in the place of any value; some is none."""
SQL_PIECES = ("'", '"', "$$", "--", "/*", ";", "(", ")", "\0", "\udcff", "$company", "$", "\ufeff", "select", " from ",
              "pivot ", "::", "9" * 5_000, "é", "[", "{", "*",
              "(" * 2_000, "show tables", "explain ", "\\", "\n", "%", "copy ")  # fmt: skip


@dataclass(frozen=True)
class Own:
    """A file of ours: its place in a home, good content, and what is done with it there. `spoil` is how it is spoiled, `named` what
    stands in each error."""

    name: str
    file: str
    use: Callable[[Path], None]
    good: bytes = field(repr=False)
    spoil: Callable[[bytes, random.Random], bytes] = field(default=spoiled_body, repr=False)
    named: str = ""


def outcome(own: Own, folder: Path, body: bytes) -> str:
    """`read` or `refused`: what came of a file with this content. Any error that is not foreseen comes through."""
    path = folder / own.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    try:
        own.use(folder)
    except OverbuildError as error:
        if not str(error).strip() or own.named not in str(error):
            raise AssertionError(f"an error that does not name {own.named}") from error
        return "refused"
    return "read"


def paths_in(folder: Path) -> Paths:
    return Paths(folder, folder / "warehouse.duckdb")


# -- what is done with each -------------------------------------------------------------------------------------------


def _rate_limit(folder: Path) -> None:
    waits: list[float] = []
    limit = RateLimit(folder, "vast", 100.0, waits.append)
    paused = limit.paused()
    assert paused is None or paused[0] <= datetime.now(UTC) + LONGEST_PAUSE
    limit.wait_turn()
    assert sum(waits) <= 2 * LONGEST_QUEUE_SECONDS
    limit.pause(datetime.now(UTC) + timedelta(hours=1), "busy")
    assert RateLimit(folder, "vast", 100.0).paused() is not None


FETCHED = Fetched("https://x.invalid/a", "a", "text/csv", "0" * 64, AT, AT, '"e"', None, {"ticker": "NVDA"})


def _fetch_log(folder: Path) -> None:
    path = folder / "fetches" / "vast.jsonl"
    (folder / "fetches" / "vast.published.jsonl").write_bytes(path.read_bytes())
    log = FetchLog(folder, "vast")
    last = log.last(FETCHED.url)
    assert last is None or re.fullmatch("[0-9a-f]{64}", last.sha256)
    log.last_good_at()
    log.good(FETCHED)
    log.failed(FETCHED.url, "a", AT)
    log.publish([FETCHED])
    again = FetchLog(folder, "vast")
    assert again.last(FETCHED.url) == FETCHED
    assert FETCHED in again.published()
    freshness.last_attempt(folder, "vast")
    verification.unreadable_lines(folder)


def _decision(**more: str) -> decisions.Decision:
    row = {
        "ticker": "NVDA",
        "date": "2026-01-05",
        "close": "1.5",
        "volume": "3",
        "source": "yahoo",
        "is_adjusted": "false",
    }
    row = {name: row.get(name, "") or None for name in CORE["stock_prices"].names}  # type: ignore[misc]
    given = {"row_id": "a" * 16, "table_name": "core.stock_prices", "decision": decisions.ACCEPTED, "decided_by": "me",
             "reason": "so", "quarantined_for": "x",
             "row": json.dumps(row), "document_sha256": "0" * 64, "locator": "line 2"}  # fmt: skip
    return decisions.Decision(**given | more, decided_at=AT)  # type: ignore[arg-type]


def _decisions(folder: Path) -> None:
    paths = paths_in(folder)
    found = decisions.read(paths)
    decisions.unreadable(paths)
    decisions.in_force(found)
    for table in CORE.values():
        for one in decisions.accepted(found, table):
            decisions.as_rows([one.row], table)
        if condition := decisions.exempt(found, table):
            duckdb.extract_statements(f"select {condition}")
    table = SYSTEM["decisions"]
    if found:
        import polars as pl

        schema = {name: table.polars_schema[name] for name in asdict(found[0])}
        table.conform(pl.DataFrame([asdict(one) for one in found], schema=schema))
    decisions.keep(paths, _decision(row_id="b" * 16))


def _settings(folder: Path) -> None:
    with chdir(folder), mock.patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith("OVERBUILD_")]:
            del os.environ[name]
        home.places()
        load_settings()


def _assumptions(folder: Path) -> None:
    path = folder / "assumptions.toml"
    read = assumptions.load(path)
    for name, entry in read.items():
        if "distribution" in entry:
            assert all(each == each and abs(each) != float("inf") for each in read.distribution(name).parameters), name
    assert read.sha256


def _assume(folder: Path) -> None:
    text = (folder / "assume.txt").read_text(encoding="utf-8", errors="replace")
    for line in text.split("\n"):
        assumptions.load().replaced(what_if.changes([line]), what_if.OPTION)


def _alerts(folder: Path) -> None:
    for seen in (
        alerts.observed(failure="x", sources=[("vast", "ok", ""), ("yahoo", "stale", "y")]),
        alerts.observed(verdicts=[{"scope": "ALL", "question": "Q1", "verdict": "true"}]),
    ):
        alerts.send(paths_in(folder), _no_webhook(), seen, "r", lambda message: None)


@cache
def _no_webhook() -> Settings:
    return Settings()


def _link(folder: Path) -> None:
    """`current` leads to what the text says; whoever reads or runs says what is wrong or goes on."""
    paths = paths_in(folder)
    target = (folder / "link.txt").read_text(encoding="utf-8", errors="replace").strip("\n")
    paths.current.unlink(missing_ok=True)
    try:
        paths.current.symlink_to(target)
    except (OSError, ValueError):  # no file system keeps such a link
        return
    create_folders(paths)
    said: list[str] = []
    recovery.whole(paths, said.append)
    recovery.require(paths)
    releases.connected(paths.warehouse).close()


def _seal(folder: Path) -> None:
    release = folder / "releases" / "r1"
    warehouse = release / seals.WAREHOUSE
    if not warehouse.exists():
        duckdb.connect(str(warehouse)).close()
    seals.fault(release)
    for damage in seals.damages(release):
        assert release in damage.path.parents
        assert str(damage)
    seals.damaged(release)
    seals.newest_good(paths_in(folder))


def _served(folder: Path) -> None:
    paths = paths_in(folder)
    entry = schedules.entry("prices")
    served = schedules.served(paths, entry)
    if served is not None:
        assert f"{served.started_at:%Y-%m-%d %H:%M}".startswith(f"{served.started_at.year:04}")
    with mock.patch.object(schedules.Entry, "last_due", return_value=AT):  # its calendar takes long
        schedules.unserved(paths, entry, AT)


def _schedules(folder: Path) -> None:
    read = schedules.parse((folder / "schedules.toml").read_text(encoding="utf-8", errors="replace"))
    for entry in read:
        assert entry.stale_after >= timedelta(0)
        assert entry.after_close is None or entry.after_close >= timedelta(0)


def _known_findings(folder: Path) -> None:
    text = (folder / "known_findings.toml").read_text(encoding="utf-8", errors="replace")
    for known in known_findings.parse(text):
        known.matches({name: 1.0 for name, _ in known.key})


def _progress(folder: Path) -> None:
    progress = Progress(paths_in(folder), "yahoo")
    progress.done()
    progress.remaining((date(2020, 1, 1), date(2026, 10, 9)))
    progress.remember((date(2026, 1, 1), date(2026, 2, 1)), AT.date())
    assert progress.remaining((date(2026, 1, 5), date(2026, 1, 9))) == []


def _lock(folder: Path) -> None:
    assert locks.holder(folder / "lock")


def _marks(folder: Path) -> None:
    for text in (folder / "marks.txt").read_text(encoding="utf-8", errors="replace").split("\n"):
        if (process := processes.read(text)) is not None:
            assert isinstance(replace_host(process).is_gone, bool)


def replace_host(process: processes.Process) -> processes.Process:
    return processes.Process(process.pid, process.started, processes.this().host)


def _export(folder: Path) -> None:
    export._own_files(folder)


def _site(folder: Path) -> None:
    assert site._manifest(folder)


def _later(folder: Path) -> None:
    place, release = folder / "later", folder / "releases" / "r0"
    (place / "r0").mkdir(parents=True, exist_ok=True)
    later.refused(place, release, folder / "refused" / "r1", AT)
    assert "<script" not in (place / "r0" / later.PAGE).read_text(encoding="utf-8").partition("<body>")[2]


def _metrics(folder: Path) -> None:
    """The next run takes it up, each row once and as its table declares it, and keeps a line of its own."""
    kept: dict[str, list[pl.DataFrame]] = {}
    store = SimpleNamespace(
        frame=lambda sql: SYSTEM[sql.rpartition(".")[2]].empty(),
        append=lambda table, rows: kept.setdefault(table.name, []).append(rows),
    )
    run = SimpleNamespace(run_id="r2", paths=paths_in(folder), meter=Meter())
    metrics.take_up(store, run)  # type: ignore[arg-type]
    for name, frames in kept.items():
        table, rows = SYSTEM[name], pl.concat(frames)
        assert rows.schema == table.polars_schema
        assert rows.select(table.key).is_unique().all()
        for column in table.columns:
            assert not (column.required and rows[column.name].null_count()), column.name
            assert not column.allowed or set(rows[column.name].drop_nulls()) <= set(column.allowed), column.name
    metrics.keep(run, {"run_id": "r2"})  # type: ignore[arg-type]
    assert json.loads((folder / metrics.FILE).read_bytes().splitlines()[-1])["run"]["run_id"] == "r2"


def _last_run(folder: Path) -> None:
    found = health.report(paths_in(folder), _no_webhook(), AT, states=[])
    assert json.dumps(found).encode()
    assert all(each["what"].strip() for each in found["problems"])
    run = SimpleNamespace(paths=paths_in(folder))
    health.note_run(run.paths, "r2", "published", AT)
    assert health.report(run.paths, _no_webhook(), AT, states=[])["last_run"]["run_id"] == "r2"


def _promises(folder: Path) -> None:
    now = AT.replace(hour=23)
    for name, one in promises.promised(folder / "promises.toml").items():
        found = promises.Judged(name, one, now, promises.sessions_since(AT, now), "kept")
        row = SYSTEM["promises"].conform(pl.DataFrame([found.row("r1")], schema=SYSTEM["promises"].polars_schema))
        assert row["owner"].item().strip()
        assert row["notify"].item().strip()
        assert found.text


def _refused(folder: Path) -> None:
    """What a refused run left is taken up by the next one."""
    file = folder / "refused" / "r1" / "runs.parquet"
    body = file.read_bytes()
    file.write_bytes(_parquet())
    seals.write(file.parent, "r1", None)
    file.write_bytes(body)
    kept = []
    store = SimpleNamespace(
        execute=lambda asked: SimpleNamespace(fetchall=list),
        append=lambda table, frame: kept.append(table.conform(frame)),
    )
    refused.take_up(store, SimpleNamespace(paths=paths_in(folder)), lambda text: None)  # type: ignore[arg-type]


def _question(folder: Path) -> None:
    lines = (folder / "params.txt").read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    filled = questions.question(_asked().name).filled(sql._values(lines))
    reading.reads(_connection(), filled)


def _query(folder: Path) -> None:
    text = (folder / "query.sql").read_text(encoding="utf-8", errors="surrogateescape")
    for read in reading.reads(_connection(), text):
        assert read.text.strip()
    reading.reads(_connection(), reading.with_values(text, {"company": "'; drop table x; --"}))


def _query_file(folder: Path) -> None:
    sql._of_file(folder / "query.sql")


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create table prices as select 'NVDA' as ticker, 1.5 as close, 2026 as year")
    return connection


@cache
def _asked() -> questions.Question:
    return next(
        each for each in questions.questions().values() if {p.type for p in each.parameters} >= {"text", "integer"}
    )


# -- ways to spoil them -----------------------------------------------------------------------------------------------


def _lines_spoiled(body: bytes, chance: random.Random) -> bytes:
    """A file of lines of JSON: one line spoiled, or the file as bytes."""
    lines = body.split(b"\n")
    if chance.random() < 0.2:
        return bytes_spoiled(body, chance) if chance.random() < 0.5 else b"\n".join(lines + lines)
    at = chance.randrange(len(lines) - 1)
    lines[at] = spoiled_body(lines[at], chance)
    return b"\n".join(lines)


def _toml_spoiled(body: bytes, chance: random.Random) -> bytes:
    """A TOML file with one to three values, keys or headers replaced or written twice, or spoiled as bytes."""
    if chance.random() < 0.15:
        return bytes_spoiled(body, chance)
    lines = body.decode().split("\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        key, equals, _value = lines[at].partition("=")
        match chance.randint(0, 6):
            case 0:
                lines.insert(at, lines[chance.randrange(len(lines))])
            case 1:
                lines[at] = (
                    lines[at].replace("[", "[[", 1) if chance.random() < 0.5 else f"{key.strip()}.{equals}{_value}"
                )
            case 2:
                lines[at] = f'"{chance.choice(("", "value", "unit", "before", "minimum", "x", "distribution"))}" = 1'
            case _ if equals:
                lines[at] = f"{key}= {chance.choice(TOML)}"
    return "\n".join(lines).encode()


def _text_spoiled(body: bytes, chance: random.Random) -> bytes:
    """Text with one to three pieces replaced."""
    text = body.decode()
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(text))
        piece = chance.choice((*SQL_PIECES, *CELLS[:20], chance.choice(text.split() or [""])))
        text = text[:at] + piece + text[at + chance.randint(0, 4) :]
    return text.encode("utf-8", "surrogateescape")


def _every_override() -> bytes:
    """Each packaged assumption that is a number, with its own parameters."""
    lines = []
    for name, entry in assumptions.load().items():
        kind = entry.get("distribution")
        if kind is not None:
            lines += [
                f"[{name}]",
                f'distribution = "{kind}"',
                *(f"{part} = {entry[part]}" for part in assumptions.SHAPES[kind]),
            ]
    return "\n".join(lines[:80]).encode()


def _packaged(package: str, file: str, most: int = 200) -> bytes:
    """The first entries of a packaged file."""
    parts = re.split(r"(?m)^(?=\[)", (resources.files(package) / file).read_text(encoding="utf-8"))
    kept = ""
    for part in parts:
        if kept.count("\n") > most:
            break
        kept += part
    assert tomllib.loads(kept)
    return kept.encode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _as_lines(*values: dict[str, Any]) -> bytes:
    return b"".join(_json(value) + b"\n" for value in values)


def _texts(value: Any) -> dict[str, Any]:
    return {name: each.isoformat() if isinstance(each, datetime) else each for name, each in asdict(value).items()}


SEAL = {"path": seals.WAREHOUSE, "bytes": 12288, "mtime_ns": 1, "sha256": "0" * 64}
OPEN = {
    "source yahoo": {"kind": "source", "text": "x", "since": AT.isoformat()},
    "run": {"kind": "run", "text": "x", "since": "2026-10-09"},
}
QUERY = b'-- of a person\nselect ticker, sum(close) as "all" from prices where ticker = $company or year in (2025, 2026) group by all;\npivot prices on year using sum(close)'  # noqa: E501
OVERRIDES = b"""life = 3
[discount_rate]
low = 0.05
high = 0.2
[windows]
value = [[-1, 1], [0, 5]]
[events]
"2025-01-27" = "DeepSeek"
"""


def _measured(run_id: str) -> dict[str, Any]:
    """A line of the file: a run, a step of it, and a promise."""

    def row(name: str) -> dict[str, Any]:
        filled = {"text": "x", "time": AT.isoformat(), "integer": 1, "real": 1.5}
        found = {column.name: next(iter(column.allowed or ()), filled[column.type]) for column in SYSTEM[name].columns}
        return found | {"run_id": run_id}

    return {"run": row("run_metrics"), "steps": [row("step_metrics")], "promises": [row("promises")]}


@cache
def _parquet() -> bytes:
    import io

    written = io.BytesIO()
    SYSTEM["runs"].conform(__import__("polars").DataFrame({"run_id": ["r1"]})).write_parquet(written)
    return written.getvalue()


OWN = (
    Own("rate limit", "fetches/vast.rate_limit.json", _rate_limit,
        _json({"next": 1.5, "last": 1, "paused_until": "2126-10-09T07:30:00+00:00", "why": "busy"})),
    Own("fetch log", "fetches/vast.jsonl", _fetch_log, _as_lines(
        {"source": "vast", "outcome": "good", **_texts(FETCHED)},
        {"source": "vast", "outcome": "failed", "url": "u", "name": "b", "checked_at": AT.isoformat(), "why": "w"},
        {"source": "vast", "outcome": "good", **_texts(FETCHED), "context": None, "url": "https://x.invalid/a#ticker=NVDA"},
    ), _lines_spoiled),
    Own("decisions", decisions.FILE, _decisions, _as_lines(
        _texts(_decision()), _texts(_decision(row_id="c" * 16, decision="dismissed", row="{}")),
        _texts(_decision(decision="withdrawn"))), _lines_spoiled),
    Own("settings", SETTINGS, _settings, b'home = "data"\nwarehouse = "x.duckdb"\nassumptions = "a.toml"\n'
        b'contact = "me@x.invalid"\nnetwork = "off"\ntimeout_seconds = 5\nlock_wait_seconds = 3.5\n'
        b'tickers = ["NVDA"]\nlicensed_sources = "vast,runpod"\n'
        b'sql_page = true\nwebhook_url = "https://x.invalid/"\ntiingo_key = "k"\nvast_url = "http://x"\n', _toml_spoiled),
    Own("assumptions", "assumptions.toml", _assumptions, OVERRIDES, _toml_spoiled, "assumptions.toml"),
    Own("packaged assumptions as overrides", "assumptions.toml", _assumptions,
        _every_override(), _toml_spoiled, "assumptions.toml"),
    Own("--assume", "assume.txt", _assume, b"life=3\ndiscount_rate.low=0.05\nwindows=[[-1, 1]]", _text_spoiled),
    Own("alerts", alerts.FILE, _alerts, _json({"open": OPEN, "verdicts": {"ALL Q1": "true"}, "undelivered": ["[!] x"]})),
    Own("link to what is published", "link.txt", _link, b"releases/r1", _text_spoiled),
    Own("seal", f"releases/r1/{seals.SEAL}", _seal, _as_lines(
        {"run_id": "r1", "as_of": None}, SEAL, {**SEAL, "path": "site/index.html"}), _lines_spoiled),
    Own("served time", "schedule/prices.json", _served, _json(_texts(schedules.Served(AT, AT, AT, "published", "")))),
    Own("schedules", "schedules.toml", _schedules, _packaged("warehouse.fetching", schedules.FILE), _toml_spoiled,
        schedules.FILE),
    Own("known findings", "known_findings.toml", _known_findings, _packaged("warehouse.reference", known_findings.FILE, 40),
        _toml_spoiled, known_findings.FILE),
    Own("progress of a backfill", "backfill/yahoo.json", _progress,
        _json({"done": [["2020-01-01", "2020-03-31"], ["2020-05-01", "2020-06-30"]]})),
    Own("who holds a lock", "lock.json", _lock,
        _json({"process": str(processes.this()), "host": "h", "since": "2026", "command": "run"})),
    Own("marks of processes", "marks.txt", _marks,
        b"123-456-0123abcd\n4294967295--0123abcd\n99999999999999999999-1-0123abcd", _text_spoiled),
    Own("list of an export", export.DESCRIPTOR, _export, _json({"name": "overbuild", "resources": [{"path": "a.csv"}]})),
    Own("list of a site", site.MANIFEST, _site, _json({"pages": {}, "assets": {}})),
    Own("message of a refused run", f"refused/r1/{later.MESSAGE}", _later, b"core.x: 3 rows <b>bad</b>\nDo this.\n", _text_spoiled),
    Own("history of a refused run", "refused/r1/runs.parquet", _refused, _parquet(), bytes_spoiled),
    Own("metrics", metrics.FILE, _metrics, _as_lines(_measured("r0"), _measured("r1")), _lines_spoiled),
    Own("how the last run ended", health.LAST_RUN, _last_run, _json(
        {"run_id": "r1", "outcome": "refused", "finished_at": AT.isoformat(), "message": "core.x: 3 rows"})),
    Own("promises", "promises.toml", _promises,
        b'["core.stock_prices"]\nowner = "Kim"\nnotify = "#data"\nat_most = 1\nunit = "sessions"\n[marts]\nat_most = 3\n',
        _toml_spoiled, "promises.toml"),
    Own("params of a ready question", "params.txt", _question, b"company=MSFT\nsince=2024", _text_spoiled),
    Own("query", "query.sql", _query, QUERY, _text_spoiled),
    Own("file of a query", "query.sql", _query_file, QUERY, _text_spoiled),
)  # fmt: skip
