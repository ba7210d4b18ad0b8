"""`overbuild doctor`: is everything in place, and what to do where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata

from warehouse.errors import OverbuildError

PACKAGES = ("prefect", "great-expectations", "duckdb", "polars", "requests", "exchange-calendars", "numpy", "scipy")


def doctor() -> bool:
    """Print a line for each thing checked; true where nothing needs doing."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("settings", _settings),
        ("assumptions", _assumptions),
        ("home", _home),
        ("snapshot", _snapshot),
        ("published", _published),
    ]
    fine = True
    for name, check in checks:
        try:
            sys.stdout.write(f"ok    {name:<12} {check()}\n")
        except (OverbuildError, metadata.PackageNotFoundError) as error:
            fine = False
            sys.stdout.write(f"fix   {name:<12} {error}\n")
    return fine


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
    from warehouse import home
    from warehouse.settings import load_settings

    found = home.home_of(load_settings())
    home.prepare(found)
    return f"{found.root} can be written; warehouse at {found.warehouse}"


def _snapshot() -> str:
    from warehouse.settings import load_settings
    from warehouse.sources import reference

    listed = reference.manifest(reference.folder(load_settings()))
    return f"{len(listed)} files, {sum(entry['rows'] for entry in listed.values()):,} rows"


def _published() -> str:
    from warehouse import home, store
    from warehouse.settings import load_settings

    path = home.home_of(load_settings()).current / home.WAREHOUSE
    if not path.exists():
        return "nothing yet; next: overbuild run"
    with store.reading(path) as connection:
        row = connection.execute(
            "SELECT run_id, as_of, outcome FROM provenance.runs WHERE outcome LIKE 'published%' ORDER BY started_at DESC LIMIT 1"
        ).fetchone()
    return f"run {row[0]}, as of {row[1]}, {row[2]}" if row else "a warehouse without a run; next: overbuild run"
