"""`overbuild serve`: the scheduled flows, run from one process with Prefect deployments.

Reads top to bottom in `serve`. One process serves an OVERBUILD_HOME, with a Prefect server: the one that is set, or its
own. Each entry of schedules.toml becomes a deployment. Then come what an earlier process left behind, what was missed,
and the runner until a signal.

Runs are processes of their own, one after the other: all of them write the same warehouse. A signal stops the asking
for new runs, cancels a run under way and ends. The published answer changes only in a run's last step, so nothing is
torn.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from flows import connection, left_behind, probes
from flows.server import alone, server
from warehouse import processes, stopping
from warehouse.errors import UsageError
from warehouse.fetching import schedules
from warehouse.fetching.schedules import Entry
from warehouse.paths import Paths, create_folders, paths_of
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.deployments.runner import RunnerDeployment

TAG = POOL = "overbuild"
STARTS_WITHIN_SECONDS = 900
"""A run that is slower to start loses its place, so this is long; a place that was lost is freed at a restart."""
STOPS_WITHIN_SECONDS = 25.0
"""A run under way is given time to end, then the server; after this everything is ended. A second signal does so at once."""
BY_HAND = "one run by hand: choose what it asks, of which day, and whether it asks you before it publishes"
UNFINISHED = ("PENDING", "RUNNING", "CANCELLING", "PAUSED")


def serve(say: Any) -> None:
    """Run the schedules until SIGTERM or SIGINT. Raises UsageError where another process serves this folder."""
    paths = paths_of(load_settings())
    create_folders(paths)
    connection.require()
    os.environ["OVERBUILD_HOME"] = str(paths.root)  # runs start in processes of their own
    os.environ[left_behind.SERVER] = str(processes.this())
    with stopping.by_signals(raises=False, grace_seconds=STOPS_WITHIN_SECONDS):
        for number in stopping.SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _interrupt)  # until the runner is up, a signal is simply the end
        with suppress(KeyboardInterrupt), alone(paths), server(paths, say) as url, _using(url):
            left_behind.settle()
            with probes.answered(paths, load_settings(), url, say):
                asyncio.run(_serve(paths, deployments(), say))
    say("stopped.")


@contextmanager
def _using(url: str) -> Iterator[None]:
    """Have this process, and those that it starts, speak to one server; without it each would start its own."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    os.environ["PREFECT_API_URL"] = url
    with temporary_settings({PREFECT_API_URL: url}):
        yield


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


async def _serve(paths: Paths, listed: list[RunnerDeployment], say: Any) -> None:
    from prefect.client.orchestration import get_client
    from prefect.runner import Runner

    runner = Runner(name=TAG, limit=1, query_seconds=10, pause_on_shutdown=False)
    async with get_client() as client:
        await require_no_workers(client)
        await keep_paused(client, listed, say)
        ids = {one.name: await runner.aadd_deployment(one) for one in listed}
        await _forget_others(client, set(ids.values()))
        await _settle_left_behind(client, ids, say)
        await _free_places(client, ids)
        await _make_up_for_missed(client, ids, paths, say)
    now = datetime.now(UTC)
    for entry in schedules.entries():
        asked = ", ".join(source.name for source in schedules.members(entry)) or "no source yet"
        say(f"{entry.name}: next {_when(entry.next_due(now))}; asks {asked}")
    stop = runner.handle_sigterm

    def stop_once(*_: Any) -> None:
        if runner.stopping:
            return
        if not runner.started:
            raise KeyboardInterrupt
        say("stopping; a run under way is cancelled, the published answer stays as it is.")
        stop()

    runner.handle_sigterm = stop_once  # type: ignore[method-assign]  # the runner makes it the handler of SIGTERM itself
    for number in stopping.SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop_once)
    say(f"serving {len(listed) - 1} schedules; stop with Ctrl-C or SIGTERM.")
    await runner.start()


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"


# -- deployments -----------------------------------------------------------------------------------------------------


def deployments() -> list[RunnerDeployment]:
    """A deployment for each entry of schedules.toml. A run that finds another of its entry under way is dropped."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.flows import EntrypointType
    from prefect.schedules import Cron

    from flows.on_request import NAME, on_request
    from flows.schedule import scheduled

    by_hand = on_request.to_deployment(
        name=NAME,
        description=BY_HAND,
        tags=[TAG, "kind:on-request"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    made = [
        scheduled.to_deployment(
            name=entry.name,
            schedule=Cron(entry.cron, timezone=entry.timezone),
            parameters={"entry": entry.name},
            concurrency_limit=ConcurrencyLimitConfig(
                limit=1,
                collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW,
                grace_period_seconds=STARTS_WITHIN_SECONDS,
            ),
            description=_about(entry),
            tags=_tags(entry),
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for entry in schedules.entries()
    ]
    return cast("list[RunnerDeployment]", [*made, by_hand])


def _about(entry: Entry) -> str:
    """What a deployment does, and how it is paused."""
    return (
        f"asks {entry.feed or ', '.join(entry.sources)} and answers anew where something arrived. Its switch pauses the "
        "schedule; a restart leaves it paused. A run by hand serves a time that is due, and ends at once where none is."
    )


def _tags(entry: Entry) -> list[str]:
    return [TAG, "source:live", "kind:scheduled", f"entry:{entry.name}"]


async def require_no_workers(client: PrefectClient) -> None:
    """Raises UsageError where workers run our deployments: two schedulers would ask every source twice."""
    from prefect.client.schemas.objects import WorkerStatus
    from prefect.exceptions import ObjectNotFound

    for pool in sorted({one.work_pool_name for one in await _ours(client) if one.work_pool_name}):
        with suppress(ObjectNotFound):
            online = [
                one.name for one in await client.read_workers_for_work_pool(pool) if one.status is WorkerStatus.ONLINE
            ]
            if online:
                raise UsageError(
                    f"serve: workers run these schedules already (pool {pool}: {', '.join(online)}). Stop them, or leave the "
                    "schedules to them; run either workers or `overbuild serve`, never both."
                )


async def keep_paused(client: PrefectClient, listed: list[RunnerDeployment], say: Any) -> None:
    """What people paused in the UI stays paused: a deployment that is registered again would be switched on."""
    paused = {one.name for one in await _ours(client) if one.paused}
    for one in listed:
        if one.name in paused:
            one.paused = True
            say(f"{one.name}: paused in Prefect's UI; it stays so until somebody resumes it there.")


async def _ours(client: PrefectClient) -> list[Any]:
    """Every deployment that the server has of us."""
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    return list(await client.read_deployments(deployment_filter=ours))


async def _forget_others(client: PrefectClient, ids: set[Any]) -> None:
    """Remove deployments of entries that the file no longer has."""
    for deployment in await _ours(client):
        if deployment.id not in ids:
            await client.delete_deployment(deployment.id)


async def _settle_left_behind(client: PrefectClient, ids: dict[str, Any], say: Any) -> None:
    """End what an earlier process left: runs that it never finished, and times that passed while nothing ran."""
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    of_ours = filters.DeploymentFilter(id=filters.DeploymentFilterId(any_=list(ids.values())))
    states = [StateType(name) for name in (*UNFINISHED, "SCHEDULED")]
    left = await client.read_flow_runs(
        deployment_filter=of_ours,
        flow_run_filter=filters.FlowRunFilter(state=filters.FlowRunFilterState(
            type=filters.FlowRunFilterStateType(any_=states)
        )),
    )  # fmt: skip
    now = datetime.now(UTC)
    for run in left:
        if run.state_type == StateType.SCHEDULED:
            if run.next_scheduled_start_time and run.next_scheduled_start_time <= now:
                await client.delete_flow_run(run.id)
        else:
            await client.set_flow_run_state(run.id, Crashed(message="the process that ran it is gone"), force=True)
            say(f"{run.name}: was under way when an earlier process ended; noted as crashed.")


async def _free_places(client: PrefectClient, ids: dict[str, Any]) -> None:
    """No run is under way now, whatever a server remembers that was ended in the middle of one."""
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

    for deployment_id in ids.values():
        limit = (await client.read_deployment(deployment_id)).global_concurrency_limit
        if limit is not None and limit.active_slots:
            await client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))


async def _make_up_for_missed(client: PrefectClient, ids: dict[str, Any], paths: Paths, say: Any) -> None:
    """One run for each entry that missed a time or more."""
    for entry in schedules.missed(paths, datetime.now(UTC)):
        say(f"{entry.name}: missed a time while nothing ran; made up for once, now.")
        await client.create_flow_run_from_deployment(ids[entry.name], name=f"{entry.name}-missed", tags=[TAG, "missed"])


# -- for workers -----------------------------------------------------------------------------------------------------


YAML_HEAD = f"""\
# Deployments for Prefect workers, with the schedules of warehouse/fetching/schedules.toml. Written by
#   python -m flows.serving > deploy/prefect.yaml
# With PREFECT_API_URL set to your server, and OVERBUILD_PROJECT to the folder that holds flows/:
#   prefect work-pool create {POOL} --type process
#   prefect deploy --all --prefect-file deploy/prefect.yaml
#   prefect worker start --pool {POOL}
# Workers run in the project's environment (.venv), with the settings (OVERBUILD_...) in theirs. They share one
# OVERBUILD_HOME: its lock lets one run write at a time, the others wait. A time that passed while no worker ran
# is made up for once. Do not run `overbuild serve` on the same home beside them.
"""


def prefect_yaml() -> str:
    """deploy/prefect.yaml: the same deployments for workers of a work pool. A test holds the file against this."""
    import yaml

    folder = {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $OVERBUILD_PROJECT }}"}}
    listed = [*(_for_workers(entry) for entry in schedules.entries()), _by_hand_for_workers()]
    content = {"name": "overbuild", "pull": [folder], "deployments": listed}
    return YAML_HEAD + yaml.safe_dump(content, sort_keys=False, width=120)


def _for_workers(entry: Entry) -> dict[str, Any]:
    """One entry of the schedules as `prefect deploy` reads it."""
    return {
        "name": entry.name,
        "description": _about(entry),
        "entrypoint": "flows/schedule.py:scheduled",
        "tags": _tags(entry),
        "parameters": {"entry": entry.name},
        "schedules": [{"cron": entry.cron, "timezone": entry.timezone}],
        "concurrency_limit": {
            "limit": 1, "collision_strategy": "CANCEL_NEW", "grace_period_seconds": STARTS_WITHIN_SECONDS,
        },
        "work_pool": {"name": POOL},
    }  # fmt: skip


def _by_hand_for_workers() -> dict[str, Any]:
    """The deployment without a schedule, as `prefect deploy` reads it."""
    from flows.on_request import NAME

    return {
        "name": NAME,
        "description": BY_HAND,
        "entrypoint": "flows/on_request.py:on_request",
        "tags": [TAG, "kind:on-request"],
        "work_pool": {"name": POOL},
    }


if __name__ == "__main__":
    sys.stdout.write(prefect_yaml())
