"""`overbuild doctor`: is everything in place, and what to do where it is not.

Sources that are configured (a base address, a contact, a key, a licence) are asked whether their host can be reached.
With `--network`, every source that could be asked is. It is one short request each, all at the same time. Any answer of
the host counts, also a refusal: the run that asks for documents says what was refused.

Whoever calls the doctor has something broken, so nothing that is broken ends it. Each thing is looked at by itself, and
what nobody foresaw about one is a line, too. With `--verify` every archived document and every published file is hashed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import metadata
from typing import Annotated, Any

import typer

from warehouse import assumptions, storage
from warehouse.cli import verification
from warehouse.cli.lines import printable
from warehouse.database import recovery, seals
from warehouse.database.releases import is_there, reading
from warehouse.errors import DamagedError, OverbuildError, StorageError, UsageError
from warehouse.fetching import archive, schedules
from warehouse.fetching.addresses import base_address, base_given, setting_name
from warehouse.fetching.confidential import KEY_SUFFIXES
from warehouse.fetching.reachability import host_answers
from warehouse.paths import WAREHOUSE, create_folders, paths_here
from warehouse.pipeline.context import busy
from warehouse.quality import decisions
from warehouse.reports import freshness
from warehouse.settings import PREFIX, Settings, load_settings
from warehouse.sources import all_sources, reference
from warehouse.sources.common.source import Source
from warehouse.tables.runs import newest_published

PACKAGES = ("prefect", "great-expectations", "duckdb", "polars", "requests", "exchange-calendars", "numpy", "scipy")


def doctor(
    network: Annotated[
        bool, typer.Option("--network", help="Ask the host of every source whether it answers.")
    ] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Hash every archived document and published file.")] = False,
) -> None:
    faults = _installation()
    fine = _sources(network, faults)
    damaged = verification.verify(_say) if verify else 0
    if damaged or any(isinstance(fault, StorageError) for fault in faults):
        raise typer.Exit(StorageError.exit_code)
    if faults or not fine:
        raise typer.Exit(UsageError.exit_code)


def _installation() -> list[Exception]:
    """Print a line for each thing that is not a source; gives what needs doing, each fault once."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("Prefect", _prefect),
        ("settings", _settings),
        ("assumptions", _assumptions),
        ("home", _home),
        ("snapshot", _snapshot),
        ("published", _published),
        ("lock", _lock),
        ("archive", _archive),
        ("decisions", _decisions),
        ("schedules", _schedules),
        ("alerts", _alerts),
    ]
    faults: list[Exception] = []
    for name, check in checks:
        try:
            _say("ok", name, check())
        except Exception as error:
            fault = in_words(error, name)
            if str(fault) in map(str, faults):
                _say("-", name, "not looked at, for the same reason")
            else:
                faults.append(fault)
                _say("fix", name, str(fault))
    return faults


def in_words(error: Exception, name: str) -> Exception:
    """What is wrong, with the way out; also of what nobody foresaw."""
    if isinstance(error, OverbuildError | metadata.PackageNotFoundError):
        return error
    if (of_disk := storage.fault(error)) is not None:
        return of_disk
    said = " ".join(str(error).split()) or "no more is known"
    return OverbuildError(f"{type(error).__name__}: {said}. {WAYS_OUT.get(name, ANEW)}")


ANEW = "Set up the program anew (make setup); what it has published stays."
WAYS_OUT = {
    "Prefect": "Set PREFECT_HOME to an empty folder, or PREFECT_API_URL to a Prefect server that runs.",
    "settings": "Correct overbuild.toml and the variables OVERBUILD_..., or move the file away.",
    "assumptions": "Correct the file that OVERBUILD_ASSUMPTIONS names, or unset it.",
    "home": "Set OVERBUILD_HOME to a folder that you can write.",
    "published": "Make it anew from the archive: overbuild restore",
    "archive": "Look at every document: overbuild doctor --verify",
    "lock": "Where no run is at work, remove the file; the next run makes it again.",
}
"""What to do about something that nobody foresaw, by what was looked at."""


def _say(mark: str, name: str, what: str, place: int = 12) -> None:
    """A line of the report. What sources and files say in it is shown, and is no command for the terminal."""
    sys.stdout.write(printable(f"{mark:<5} {name:<{place}} {what}") + "\n")


def _python() -> str:
    return sys.version.split()[0]


def _packages() -> str:
    return ", ".join(f"{package} {metadata.version(package)}" for package in PACKAGES)


def _settings() -> str:
    settings = load_settings()
    given = sorted(name for name in settings.model_fields_set if not name.endswith(KEY_SUFFIXES))
    return (
        f"set: {', '.join(given) or 'none, all defaults'}; SEC contact {'given' if settings.contact else 'not given'}"
    )


def _assumptions() -> str:
    loaded = assumptions.load(load_settings().assumptions)
    changed = f"; replaced: {', '.join(loaded.overridden)}" if loaded.overridden else ", all as packaged"
    return f"{len(loaded)} entries{changed}"


def _home() -> str:
    paths = paths_here()
    create_folders(paths)
    return f"{paths.root} can be written; warehouse at {paths.warehouse}"


def _snapshot() -> str:
    listed = reference.manifest(reference.folder(load_settings()))
    return f"{len(listed)} files, {sum(entry['rows'] for entry in listed.values()):,} rows"


def _prefect() -> str:
    from flows import connection, pools  # imports Prefect, which takes seconds

    found = connection.require()
    workers = pools.require() if connection.server_set() else ""
    return f"{found}; {workers}" if workers else found


def _published() -> str:
    paths = paths_here()
    path = paths.current / WAREHOUSE
    if paths.lake and not is_there(path):
        return "the lake answers, and nothing is published there yet; next: overbuild run"
    if not paths.lake and not recovery.was_published(paths):
        return "nothing yet; next: overbuild run"
    if not paths.lake and (why := seals.fault(paths.current)):
        good = seals.newest_good(paths)
        if good is None:
            raise recovery.damaged(paths, why)
        raise DamagedError(
            f"{paths.current / WAREHOUSE}: the published warehouse is damaged: {why}. Run {good.name} is whole; any "
            "command that reads puts it in its place, and `overbuild run` makes a new one."
        )
    with reading(path) as connection:
        row = connection.execute(newest_published("run_id, as_of, outcome")).fetchone()
    return f"run {row[0]}, as of {row[1]}, {row[2]}" if row else "a warehouse without a run; next: overbuild run"


def _lock() -> str:
    path = paths_here().lock
    if os.path.lexists(path) and not path.is_file():
        raise UsageError(f"{path}: this is no file, and runs take turns by locking it. Remove it.")
    return "a run is at work" if busy(paths_here()) else "free"


def _archive() -> str:
    raw = paths_here().raw
    if not raw.is_dir():
        return "nothing yet"
    cut = verification.unreadable_lines(raw)
    if cut:
        raise DamagedError(
            f"{cut[0].path}: {cut[0].found}; {cut[0].expected}. Documents that are named there alone are not restored. Copy "
            "the file back from a backup, or remove the line."
        )
    return f"{sum(1 for _ in archive.documents(raw)):,} documents; --verify hashes them"


def _decisions() -> str:
    path = paths_here().root / "decisions.jsonl"
    if not path.exists():
        return "none"
    if unread := decisions.unreadable(paths_here()):
        raise DamagedError(decisions.not_read(path, unread[0]))
    return f"{sum(1 for _ in path.open('rb')):,} in {path.name}"


def _schedules() -> str:
    paths = paths_here()
    for path in sorted((paths.root / "schedule").glob("*.json")):
        if verification.unreadable(path, whole=True):
            raise DamagedError(
                f"{path}: cannot be read, so it is not known when this schedule ran last. Remove it: what it missed is made "
                "up for once."
            )
    last = []
    for entry in schedules.entries():
        served = schedules.served(paths, entry)
        said = f"{served.outcome} {served.started_at:%Y-%m-%d %H:%M} UTC" if served else "never run"
        last.append(f"{entry.name} {said}")
    return f"{', '.join(last)}; overbuild serve runs them"


def _alerts() -> str:
    if load_settings().webhook_url is None:
        return "events in Prefect only; OVERBUILD_WEBHOOK_URL posts to Slack, too"
    return "events in Prefect, and the webhook of OVERBUILD_WEBHOOK_URL"


# -- live sources ----------------------------------------------------------------------------------------------------


def _sources(network: bool, said: Sequence[Exception]) -> bool:
    """A line for each live source: what it lacks, whether its host answers, how fresh it is, what to do next."""
    try:
        settings = load_settings()
        rows = {row["source"]: row for row in freshness.report(paths_here(), settings, datetime.now(UTC))}
    except Exception as error:
        fault = in_words(error, "published")
        if str(fault) not in map(str, said):
            _say("fix", "sources", str(fault))
        return False
    live = [source for source in all_sources() if source.kind == "live"]
    asked = [s for s in live if is_configured(s, settings) or (network and not s.not_ready(settings))]
    asked = [source for source in asked if source.host or base_given(source, settings)]
    with ThreadPoolExecutor(max_workers=max(1, len(asked))) as pool:
        reached = dict(zip((s.name for s in asked), pool.map(lambda s: reach(s, settings), asked), strict=True))
    fine = True
    for source in live:
        row, (answers, host) = rows[source.name], reached.get(source.name, (True, "not asked (--network asks)"))
        lacks = bool(source.not_ready(settings)) and is_configured(source, settings)
        bad = not answers or row["state"] in ("failed", "stale") or lacks
        fine = fine and not bad
        _say("fix" if bad else "-" if row["state"] == "off" else "ok", source.name, _in_short(row, host), 16)
    return fine


def _in_short(row: dict[str, Any], host: str) -> str:
    said = [row["state"]]
    for what in ("last_success", "last_run", "next_run"):
        if row[what]:
            said.append(f"{what.replace('_', ' ')} {row[what]:%Y-%m-%d %H:%M} UTC")
    said.append(f"host {host}")
    return "; ".join([*said, f"next: {row['next_step']}"] if row["next_step"] else said)


def is_configured(source: Source, settings: Settings) -> bool:
    """Whether something was set for this source: its base address, its licence, its key or contact."""
    if source.licensed and source.name in settings.licensed_sources:
        return True
    key = "" if source.licensed else source.needs.removeprefix(PREFIX).lower()
    return bool(base_given(source, settings) or (key and getattr(settings, key, None)))


def reach(source: Source, settings: Settings) -> tuple[bool, str]:
    """Whether a source's hosts answer at all, and what to say of it."""
    try:
        base = base_address(source, settings)
    except UsageError as error:
        return False, f"not asked: {error}"
    agent = {"User-Agent": source.user_agent(settings)} if source.user_agent else {}
    addresses = [base] if base else [f"https://{host.strip()}" for host in source.host.split(",")]
    setting = setting_name(source) if base else "the network"
    found = [host_answers(address, agent, setting) for address in addresses]
    return all(answers for answers, _ in found), ", ".join(said for _, said in found)
