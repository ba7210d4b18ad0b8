"""`overbuild doctor`: is everything in place, and what to do where it is not.

Whether a host can be reached is asked of the sources that the settings speak of (a base address, a contact, a key, a
licence), and with `--network` of every source that could be asked: one short request each, all at the same time. Any
answer of the host counts, also a refusal: what it refuses is told by the run that asks for documents.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import TYPE_CHECKING

from warehouse.errors import OverbuildError, UsageError
from warehouse.fetching.addresses import base_address, base_given, setting_name
from warehouse.fetching.reachability import host_answers

if TYPE_CHECKING:
    from warehouse.settings import Settings
    from warehouse.sources.common.source import Source

PACKAGES = ("prefect", "great-expectations", "duckdb", "polars", "requests", "exchange-calendars", "numpy", "scipy")


def doctor(network: bool = False) -> bool:
    """Print a line for each thing checked; true where nothing needs doing."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("settings", _settings),
        ("assumptions", _assumptions),
        ("home", _home),
        ("snapshot", _snapshot),
        ("published", _published),
        ("schedules", _schedules),
        ("telling", _telling),
    ]
    fine = True
    for name, check in checks:
        try:
            sys.stdout.write(f"ok    {name:<12} {check()}\n")
        except (OverbuildError, metadata.PackageNotFoundError) as error:
            fine = False
            sys.stdout.write(f"fix   {name:<12} {error}\n")
    return _sources(network) and fine


def _python() -> str:
    return sys.version.split()[0]


def _packages() -> str:
    return ", ".join(f"{package} {metadata.version(package)}" for package in PACKAGES)


def _settings() -> str:
    from warehouse.settings import load_settings

    settings = load_settings()
    given = sorted(name for name in settings.model_fields_set if name != "tiingo_key")
    return (
        f"set: {', '.join(given) or 'none, all defaults'}; SEC contact {'given' if settings.contact else 'not given'}"
    )


def _assumptions() -> str:
    from warehouse import assumptions
    from warehouse.settings import load_settings

    loaded = assumptions.load(load_settings().assumptions)
    changed = f"; replaced: {', '.join(loaded.overridden)}" if loaded.overridden else ", all as packaged"
    return f"{len(loaded)} entries{changed}"


def _home() -> str:
    from warehouse.paths import create_folders, paths_of
    from warehouse.settings import load_settings

    found = paths_of(load_settings())
    create_folders(found)
    return f"{found.root} can be written; warehouse at {found.warehouse}"


def _snapshot() -> str:
    from warehouse.settings import load_settings
    from warehouse.sources import reference

    listed = reference.manifest(reference.folder(load_settings()))
    return f"{len(listed)} files, {sum(entry['rows'] for entry in listed.values()):,} rows"


def _published() -> str:
    from warehouse.database import releases
    from warehouse.paths import WAREHOUSE, paths_of
    from warehouse.settings import load_settings

    path = paths_of(load_settings()).current / WAREHOUSE
    if not path.exists():
        return "nothing yet; next: overbuild run"
    with releases.reading(path) as connection:
        row = connection.execute(
            "SELECT run_id, as_of, outcome FROM provenance.runs WHERE outcome LIKE 'published%' "
            "ORDER BY started_at DESC LIMIT 1"
        ).fetchone()
    return f"run {row[0]}, as of {row[1]}, {row[2]}" if row else "a warehouse without a run; next: overbuild run"


def _schedules() -> str:
    from warehouse.fetching import schedules
    from warehouse.paths import paths_of
    from warehouse.settings import load_settings

    paths = paths_of(load_settings())
    told = []
    for entry in schedules.entries():
        before = schedules.served(paths, entry)
        told.append(
            f"{entry.name} {f'{before.outcome} {before.started_at:%Y-%m-%d %H:%M} UTC' if before else 'never run'}"
        )
    return f"{', '.join(told)}; overbuild serve runs them"


def _telling() -> str:
    from warehouse.settings import load_settings

    if load_settings().webhook_url is None:
        return "events in Prefect only; OVERBUILD_WEBHOOK_URL posts to Slack, too"
    return "events in Prefect, and the webhook of OVERBUILD_WEBHOOK_URL"


# -- live sources ----------------------------------------------------------------------------------------------------


def _sources(network: bool) -> bool:
    """A line for each live source: what it lacks, whether its host answers, how fresh it is, what to do next."""
    from datetime import UTC, datetime

    from warehouse.paths import paths_of
    from warehouse.reports import freshness as sources_report
    from warehouse.settings import load_settings
    from warehouse.sources import all_sources

    try:
        settings = load_settings()
        rows = {row["source"]: row for row in sources_report.report(paths_of(settings), settings, datetime.now(UTC))}
    except OverbuildError:
        return False  # said above, where the settings and the home were checked
    live = [source for source in all_sources() if source.kind == "live"]
    asked = [s for s in live if settings_speak_of(s, settings) or (network and not s.not_ready(settings))]
    asked = [source for source in asked if source.host or base_given(source, settings)]
    with ThreadPoolExecutor(max_workers=max(1, len(asked))) as pool:
        reached = dict(zip((s.name for s in asked), pool.map(lambda s: reach(s, settings), asked), strict=True))
    fine = True
    for source in live:
        row, (answers, told) = rows[source.name], reached.get(source.name, (True, "not asked (--network asks)"))
        lacks = source.not_ready(settings)
        bad = not answers or row["state"] in ("failed", "stale") or bool(lacks and settings_speak_of(source, settings))
        fine = fine and not bad
        mark = "fix  " if bad else "-    " if row["state"] == "off" else "ok   "
        said = [row["state"]]
        for what in ("last_success", "last_run", "next_run"):
            if row[what]:
                said.append(f"{what.replace('_', ' ')} {row[what]:%Y-%m-%d %H:%M} UTC")
        said += [f"host {told}"]
        said += [f"next: {row['next_step']}"] if row["next_step"] else []
        sys.stdout.write(f"{mark} {source.name:<16} {'; '.join(said)}\n")
    return fine


def settings_speak_of(source: Source, settings: Settings) -> bool:
    """Whether something was set for this source: its base address, or what it needs."""
    named = [word.strip(",.;()").removeprefix("OVERBUILD_").lower() for word in source.needs.split()]
    values = [getattr(settings, name, None) for name in named if name != "licensed_sources"]
    return bool(base_given(source, settings) or any(values) or source.name in settings.licensed_sources)


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
    return all(answers for answers, _ in found), ", ".join(told for _, told in found)
