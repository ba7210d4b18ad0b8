"""`overbuild serve`: the scheduled flows, run from this process until it is told to stop."""

from __future__ import annotations

from flows import environment
from warehouse.cli.output import say


def serve() -> None:
    environment.prepare()
    from flows import serving  # imports Prefect, so only once its environment is set

    serving.serve(say)
