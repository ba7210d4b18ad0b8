"""Runs that Prefect believes to be under way, and whose process is gone.

A run tells Prefect itself how it ended. One that was killed cannot, and would be shown as running for ever. So each run
carries the process that runs it as a tag, and the next one on this machine settles those whose process has ended.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from warehouse import processes

TAG = "overbuild"
PROCESS = "process:"
SERVER = "SERVED_BY_PROCESS"
"""The variable by which `overbuild serve` tells its runs which process it is."""
LOOKS_EVERY_SECONDS = 0.5
MOST_AT_ONCE = 200


@contextmanager
def marked(*more: str) -> Iterator[None]:
    """Runs that begin in here are known to be of this process, and carry these tags with it."""
    from prefect import tags

    with tags(TAG, f"{PROCESS}{processes.this()}", *more):
        yield


@contextmanager
def ending_with_server() -> Iterator[None]:
    """A run that `overbuild serve` started ends when that is gone: it could not tell Prefect how it went."""
    server = processes.read(os.environ.get(SERVER, ""))
    ended = threading.Event()

    def watch() -> None:
        while server is not None and not ended.wait(LOOKS_EVERY_SECONDS):
            if server.is_gone:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch, name="watching the service", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def settle() -> int:
    """Note runs as crashed that were left behind by processes of this machine that are gone; gives how many.

    A server that cannot say what is under way, or takes no such note, keeps nobody from running.
    """
    settled = 0
    with suppress(Exception):
        from prefect.client.orchestration import get_client
        from prefect.client.schemas import filters
        from prefect.client.schemas.objects import StateType
        from prefect.states import Crashed

        under_way = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
        crashed: Any = Crashed(message="the process that ran it is gone")
        with get_client(sync_client=True) as client:
            found = client.read_flow_runs(
                flow_run_filter=filters.FlowRunFilter(
                    tags=filters.FlowRunFilterTags(all_=[TAG]),
                    state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=under_way)),
                ),
                limit=MOST_AT_ONCE,
            )
            left = [run for run in found if _is_gone(run.tags)]
            if left:
                tasks = client.read_task_runs(
                    flow_run_filter=filters.FlowRunFilter(id=filters.FlowRunFilterId(any_=[run.id for run in left])),
                    task_run_filter=filters.TaskRunFilter(
                        state=filters.TaskRunFilterState(type=filters.TaskRunFilterStateType(any_=under_way))
                    ),
                    limit=MOST_AT_ONCE,
                )
                for task in tasks:
                    client.set_task_run_state(task.id, crashed, force=True)
                for run in left:
                    client.set_flow_run_state(run.id, crashed, force=True)
                    settled += 1
    return settled


def _is_gone(tags: list[str]) -> bool:
    owners = [processes.read(tag.removeprefix(PROCESS)) for tag in tags if tag.startswith(PROCESS)]
    return bool(owners) and all(owner is not None and owner.is_gone for owner in owners)
