"""A run that a person starts from Prefect's UI: **Deployments**, `on-request/by-hand`, **Custom run**.

It asks for what `overbuild run` takes as options, with words for each. It has no schedule. The process that runs it is
one of `overbuild serve` or of a worker, so it ends with that, and tells Prefect how it went.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from prefect import flow

from flows import left_behind, names
from flows.answer import answer
from warehouse import stopping
from warehouse.pipeline.choose import chosen, require_one_ready
from warehouse.settings import load_settings

NAME = "by-hand"


@flow(
    name="on-request",
    flow_run_name=names.of_answer,
    description="One run, by hand: choose what it asks, of which day, and whether it asks you before it publishes.",
    validate_parameters=True,
)
def on_request(
    source: Literal["reference", "live"] = "live",
    only: tuple[str, ...] = (),
    as_of: date | None = None,
    offline: bool = False,
    ask_before_publishing: bool = False,
) -> dict[str, Any]:
    """Check what was asked for, then answer. Raises UsageError that names the parameter, before anything starts.

    Args:
        source: Where documents come from: the packaged snapshot (reference), or public hosts (live).
        only: What to ask: feeds (prices, capex, gpu, training), or sources by name. Empty: all.
        as_of: Answer as of this earlier day, beside today's answer. Empty: the answer of today.
        offline: Take live documents out of the archive, and send no request to anybody.
        ask_before_publishing: Pause once all is built and checked. Open the run `answer` then: Resume publishes it,
            Cancel leaves what stands.
    """
    asked: dict[str, Any] = {"source": source, "only": only, "as_of": as_of, "offline": offline}
    tags = names.tags_of(asked, "on-request")
    with stopping.by_signals(), left_behind.ending_with_server(), left_behind.marked(*tags):
        wanted = chosen(source, only)
        if source == "live" and not offline:
            require_one_ready(wanted, load_settings())
        return answer(**asked, ask_before_publishing=ask_before_publishing)
