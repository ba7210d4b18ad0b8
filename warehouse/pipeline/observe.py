"""What is left behind of every run, however it ends, for whoever watches: files beside the answer, and lineage events.

`last-run.json` and `health.json` are for probes, `metrics.prom` for Prometheus, `metrics.jsonl` for the next run. Only
today's answer is watched; of a dated one nothing but events is told. No failure here harms a run: it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from warehouse import __version__, stopping
from warehouse.database.store import Store
from warehouse.errors import RefusedError
from warehouse.fetching.confidential import masked
from warehouse.pipeline import lineage_events, metrics
from warehouse.pipeline.context import RunContext, Say
from warehouse.reports import freshness, health, prometheus
from warehouse.tables.run_metrics import OUTCOMES


@contextmanager
def observed(store: Store, run: RunContext, say: Say) -> Iterator[None]:
    """Watch a run from its start to its end."""
    harmless = _Harmless(say)
    harmless(lambda: metrics.take_up(store, run))
    harmless(lambda: _require_clock(store, run, say))
    run.meter.moved = lambda result: metrics.moved(result, run)
    sender = lineage_events.emitter(run)
    if sender is not None:
        run.meter.listeners.append(sender)
        harmless(sender.started)
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        outcome = _outcome(store, run, error)
        if run.asked_as_of is None:
            _leave(store, run, outcome, error, harmless)
        if sender is not None and not stopping.asked():
            note = harmless(lambda: sender.ended(outcome, error))
            if note:
                say(note)
        for note in dict.fromkeys(run.meter.notes):
            say(note)


def _require_clock(store: Store, run: RunContext, say: Say) -> None:
    """Say it where an earlier run has a later time: the last run is found by its start, and ages would be wrong."""
    last = store.scalar("SELECT max(started_at) FROM provenance.runs")
    if last is not None and last > run.started_at:
        say(
            f"clock: an earlier run started at {last:%Y-%m-%d %H:%M:%S} UTC, and now this machine says "
            f"{run.started_at:%Y-%m-%d %H:%M:%S}. Set the clock right (timedatectl): which run is the last is told by its time."
        )


def _outcome(store: Store, run: RunContext, error: BaseException | None) -> str:
    if store.finished:  # readers see it, whatever came after
        return str(run.meter.recorded.get("outcome", "published"))
    if error is None:
        return "nothing_new"
    return "refused" if isinstance(error, RefusedError) else "failed"


def _leave(store: Store, run: RunContext, outcome: str, error: BaseException | None, harmless: _Harmless) -> None:
    """Write the files. Where somebody waits for the process to end, only what takes no time."""
    finished_at = datetime.now(UTC)
    why = "" if error is None else f"{type(error).__name__}: {' '.join(str(error).split())}"
    why = masked(why, run.settings)
    harmless(lambda: health.note_run(run.paths, run.run_id, outcome, finished_at, why))
    if not store.finished and not stopping.asked():
        harmless(lambda: metrics.judge_promises(store, run))
    if stopping.asked():
        return
    states = harmless(lambda: freshness.report(run.paths, run.settings, finished_at))
    judged = run.meter.promises or None
    found = harmless(lambda: health.report(run.paths, run.settings, finished_at, states, judged))
    if found:
        harmless(lambda: health.write(run.paths, found))
    row = run.meter.recorded or harmless(lambda: metrics.of_run(store, run, outcome))
    if row:
        harmless(lambda: metrics.keep(run, row))
        harmless(lambda: _for_prometheus(run, row, finished_at, states or [], (found or {}).get("answer")))


def _for_prometheus(
    run: RunContext,
    row: dict[str, Any],
    finished_at: datetime,
    states: list[dict[str, Any]],
    answer: dict[str, str] | None,
) -> None:
    published = None
    if answer:
        published = {
            "finished_at": datetime.fromisoformat(answer["finished_at"]),
            "as_of": date.fromisoformat(answer["as_of"]),
        }
    found = prometheus.registry(
        version=__version__,
        run=row,
        finished_at=finished_at,
        steps=[asdict(step) for step in run.meter.steps],
        promises=[one.row(run.run_id) for one in run.meter.promises],
        sources=states,
        answer=published,
        outcomes=OUTCOMES,
    )
    prometheus.write(run.paths.root, found)


class _Harmless:
    """Does what must not harm a run; what went wrong is said."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def __call__(self, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except Exception as error:
            self._say(f"what this run took could not be told in full: {type(error).__name__}: {error}")
            return None
