"""`overbuild health`: exit code 0 where all is well and 1 where not, with what is wrong; for a probe and for a person."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from warehouse.cli.lines import printable
from warehouse.paths import paths_here
from warehouse.settings import load_settings


def health(
    as_json: Annotated[
        bool, typer.Option("--json", help="Write all of it as JSON, as the file health.json has it.")
    ] = False,
) -> None:
    from warehouse.reports.health import report

    found = report(paths_here(), load_settings(), datetime.now(UTC))
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    else:
        last = found["last_run"]
        ended = f"; last run {last['run_id']}: {last['outcome']}, ended {last['finished_at'][:16]} UTC" if last else ""
        sys.stdout.write(printable(f"{found['status']}{ended}") + "\n")
        for one in found["problems"]:
            sys.stdout.write(printable(f"{one['where']}: {one['what']}. To do: {one['to_do']}") + "\n")
    if found["problems"]:
        raise typer.Exit(1)
