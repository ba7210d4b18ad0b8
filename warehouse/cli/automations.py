"""`overbuild automations`: Prefect's server is told what to do when a run fails, a source is stale or a verdict changes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from warehouse.cli.lines import printable
from warehouse.errors import UsageError


def automations(
    notify: Annotated[
        str,
        typer.Option("--notify", metavar="BLOCK", help="A notification block of the server: slack-webhook/on-call."),
    ] = "",
) -> None:
    from flows import environment

    environment.prepare()
    from flows import connection

    connection.require()
    if not connection.server_set():
        raise UsageError(
            "automations: PREFECT_API_URL is not set, and automations live on a server that stays. Start one "
            "(docs/guides/team.md says how) and set PREFECT_API_URL to its address."
        )
    from flows import automations as code

    for name, what in code.write(notify):
        sys.stdout.write(printable(f"{what:9}  {name}") + "\n")
