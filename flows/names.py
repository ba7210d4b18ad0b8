"""What a run is called and how it is marked in Prefect's UI: what it works on, and as of when.

Prefect names runs by two words drawn at random. Somebody who looks for last night's prices reads fifty of them. So a run
says in its name what it asks and of which day. Its tags say the same to filters and automations: `source:live`, `kind:dated`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

LONGEST = 60  # characters of a list of sources
KINDS = ("scheduled", "missed", "on-request", "backfill", "dated", "offline", "restored", "by-command")


def answer_name(parameters: Mapping[str, Any], today: date) -> str:
    """Name of a run of the flow `answer`: `prices as of 2026-11-30`, `reference as of today's date`."""
    what = _listed(parameters.get("only") or ()) or f"{parameters.get('source', 'reference')} sources"
    if span := parameters.get("span"):
        return f"{what} from {_day(span[0])} to {_day(span[1])}"
    restored = " restored" if parameters.get("restore") else ""
    offline = " offline" if parameters.get("offline") else ""
    return f"{what}{restored}{offline} as of {_day(parameters.get('as_of')) or today.isoformat()}"


def scheduled_name(parameters: Mapping[str, Any], due: datetime, *, missed: bool) -> str:
    """Name of a run of the flow `scheduled`: `prices due 2026-11-30 21:30 UTC`."""
    made_up = ", made up for" if missed else ""
    return f"{parameters.get('entry', 'schedule')} due {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC{made_up}"


def backfill_name(parameters: Mapping[str, Any]) -> str:
    """Name of a run of the flow `backfill`: `yahoo from 2023-06-01 to 2024-12-31, 18 pieces`."""
    pieces = list(parameters.get("pieces") or ())
    if not pieces:
        return f"{parameters.get('source', 'backfill')}, nothing left to fetch"
    first, last = _day(pieces[0][0]), _day(pieces[-1][1])
    many = f"{len(pieces)} piece{'s' if len(pieces) > 1 else ''}"
    return f"{parameters.get('source', 'backfill')} from {first} to {last}, {many}"


def tags_of(parameters: Mapping[str, Any], kind: str = "") -> list[str]:
    """Tags of a run by its parameters: where its documents come from, and what kind of run it is."""
    kinds = {
        "dated": parameters.get("as_of"),
        "backfill": parameters.get("span"),
        "restored": parameters.get("restore"),
        "offline": parameters.get("offline"),
    }
    found = [name for name, given in kinds.items() if given]
    return [
        f"source:{parameters.get('source', 'reference')}",
        *(f"kind:{name}" for name in dict.fromkeys([*([kind] if kind else []), *found])),
        *(f"asks:{name}" for name in parameters.get("only") or ()),
    ]


def _listed(names: Sequence[str]) -> str:
    """The names, as many as fit."""
    text = ", ".join(names)
    if len(text) <= LONGEST:
        return text
    shown = text[:LONGEST].rsplit(", ", 1)[0]
    return f"{shown} and {len(names) - shown.count(', ') - 1} more"


def _day(value: Any) -> str:
    """A day in ISO 8601; parameters that came through Prefect's server may be text already."""
    return value.isoformat()[:10] if isinstance(value, date | datetime) else str(value or "")[:10]


# -- for Prefect -----------------------------------------------------------------------------------------------------
# It calls these without arguments, within the run.


def of_answer() -> str:
    from prefect.runtime import flow_run

    return answer_name(flow_run.parameters or {}, datetime.now(UTC).date())


def of_scheduled() -> str:
    from prefect.runtime import flow_run

    due = flow_run.scheduled_start_time or datetime.now(UTC)
    return scheduled_name(flow_run.parameters or {}, due, missed="missed" in (flow_run.tags or ()))


def of_backfill() -> str:
    from prefect.runtime import flow_run

    return backfill_name(flow_run.parameters or {})
