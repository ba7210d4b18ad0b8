"""Whether somebody runs the deployments that workers are to run, on the Prefect server that is set.

Prefect takes scheduled runs of a work pool without a worker, and keeps them as late for ever. Where a pool was removed,
the schedules of its deployments run nowhere, and nothing says so. So `overbuild doctor` looks.
"""

from __future__ import annotations

from typing import Any

from flows.serving import POOL, TAG
from warehouse.errors import UsageError

MAKE = f"prefect work-pool create {POOL} --type process; then prefect deploy --all --prefect-file deploy/prefect.yaml"


def require() -> str:
    """Who runs the deployments for workers; '' where there are none. Raises UsageError where nobody does, with the way out."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
    from prefect.client.schemas.objects import WorkerStatus

    with get_client(sync_client=True) as client:
        ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
        # `overbuild serve` runs its own from where it stands; those for workers say where the project is.
        listed = [
            one for one in client.read_deployments(deployment_filter=ours) if one.work_pool_name or one.pull_steps
        ]
        lost = sorted(one.name for one in listed if not one.work_pool_name)
        if lost:
            raise UsageError(f"{_named(lost)}: the work pool does not exist, so no worker runs them. Make it: {MAKE}")
        said = []
        for pool in sorted({str(one.work_pool_name) for one in listed}):
            workers = [one for one in client.read_workers_for_work_pool(pool) if one.status is WorkerStatus.ONLINE]
            if not workers:
                raise UsageError(
                    f"work pool {pool}: no worker is online, so its schedules do not run. Start one: "
                    f"prefect worker start --pool {pool}"
                )
            said.append(f"work pool {pool}: {_count(workers)} online")
    return "; ".join(said)


def _named(deployments: list[str]) -> str:
    return f"deployment{'s' if len(deployments) > 1 else ''} {', '.join(deployments)}"


def _count(workers: list[Any]) -> str:
    return f"{len(workers)} worker{'s' if len(workers) > 1 else ''}"
