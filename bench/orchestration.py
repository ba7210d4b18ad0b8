"""What orchestration costs a task and a run, beside Prefect's own floor.

    python -m bench.orchestration

Ours is a step of a run, measured as all of them are, and the frame of a run: its flow with its name, the lock, the folder, an
empty warehouse made, and what is left behind for whoever watches. Nothing is fetched, checked or built in it. The floor is a
bare task and a bare flow of Prefect as it is installed. Both sides are processes of their own with a temporary server, and
their clocks start once a first flow has run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.lines import in_turn, of_a_process, report

TIMED = """
import json, statistics, time

def timed(call, times):
    call()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1e3)
    return statistics.median(found)
"""
FLOOR = (
    """
import os, sys
os.environ |= {"DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_HOME": sys.argv[1]}
os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "120"
from prefect import flow, task
"""
    + TIMED
    + """
TASKS = int(sys.argv[2])

@task
def empty_task(): return 1

@flow
def empty(): return 1

@flow
def of_tasks():
    for _ in range(TASKS): empty_task()

run = timed(empty, 5)
print(json.dumps({"run": run, "task": (timed(of_tasks, 3) - run) / TASKS}))
"""
)
OURS = (
    """
import os, sys
os.environ |= {"PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_HOME": sys.argv[1] + "/prefect", "OVERBUILD_HOME": sys.argv[1]}
from flows.environment import prepare
prepare()
from types import SimpleNamespace
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner
from flows import names, shared_limit
from warehouse.pipeline.meter import Meter, measured
from warehouse.pipeline.workspace import workspace
"""
    + TIMED
    + """
TASKS = int(sys.argv[2])
WATCHED = SimpleNamespace(meter=Meter())

@task(cache_policy=NO_CACHE)
@measured
def step(run): return 1

@flow(flow_run_name=names.of_answer, task_runner=ThreadPoolTaskRunner(max_workers=16), validate_parameters=True)
def framed(source: str = "reference", only: tuple[str, ...] = (), offline: bool = False):
    turn = shared_limit.shared_turn(print)
    with workspace("reference", None, lambda _: None, shared_turn=turn):
        return 1

@flow
def of_tasks():
    for _ in range(TASKS): step(WATCHED)

@flow
def empty(): return 1

bare = timed(empty, 5)
print(json.dumps({"run": timed(framed, 5), "task": (timed(of_tasks, 3) - bare) / TASKS}))
"""
)
TASKS = 30
ROUNDS = 2


def main() -> None:
    found: dict[str, list[dict[str, float]]] = {"ours": [], "floor": []}

    def side(name: str, program: str) -> float:
        with tempfile.TemporaryDirectory(prefix="orchestration") as folder:
            found[name].append(of_a_process(program, str(Path(folder)), str(TASKS)))
        return 0.0

    in_turn(lambda: side("ours", OURS), lambda: side("floor", FLOOR), ROUNDS)

    def all_of(name: str, what: str) -> Sequence[float]:
        return [each[what] for each in found[name]]

    for what, ours, floor in (
        ("task", "a step of a run, with nothing in it", "a bare task of Prefect"),
        ("run", "the frame of a run, with no step in it", "a bare flow of Prefect"),
    ):
        report(ours, floor, "ms", all_of("ours", what), all_of("floor", what))


if __name__ == "__main__":
    main()
