"""What Prefect does when something happens, as code: each automation has a trigger, an action and words for the UI.

A run notifies people itself (`warehouse.pipeline.alerts`). It cannot say that it was killed, or that no run came at all. An
automation of the server can. It also lets a team send each kind of news its own way. `write` makes them by name, so it
may be called after every upgrade. What is there is brought up to date, and what others made is left alone.

Without a block to send with, an automation notes on the server that it fired. The page **Event Feed** shows it then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from warehouse.errors import UsageError

PREFIX = "overbuild: "
SILENT_AFTER = timedelta(hours=30)
OF_RUNS = {"prefect.resource.id": "prefect.tag.overbuild", "prefect.resource.role": "tag"}


def automations(block: Any = None) -> list[Any]:
    """Every automation of this project. `block` is the id of a notification block of the server, or None."""
    from prefect.automations import Automation
    from prefect.events.actions import DoNothing, SendNotification
    from prefect.events.schemas.automations import EventTrigger, Posture

    reactive = {"posture": Posture.Reactive, "threshold": 1}
    by_resource = {"for_each": {"prefect.resource.id"}, **reactive}
    listed: list[tuple[str, str, dict[str, Any]]] = [
        (
            "a run failed",
            "A run failed, was refused by the checks, or its process is gone. Read its log, then docs/guides/runbook.md.",
            {
                "expect": {"prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.TimedOut"},
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
                "match_related": OF_RUNS,
                **by_resource,
            },
        ),
        (
            "a check fails",
            "A check found something new. `overbuild quality` shows the rows and the commands that lead to them.",
            {"expect": {"overbuild.check.open"}, "match": {"prefect.resource.id": "overbuild.check.*"}, **by_resource},
        ),
        (
            "a source is stale or failed",
            "A source did not deliver in time. `overbuild sources` says since when, and what to do next.",
            {
                "expect": {"overbuild.source.open"},
                "match": {"prefect.resource.id": "overbuild.source.*"},
                **by_resource,
            },
        ),
        (
            "a promise of freshness is broken",
            "A table is older than its owner promises. `overbuild sources` names the owner and the promise.",
            {
                "expect": {"overbuild.promise.open"},
                "match": {"prefect.resource.id": "overbuild.promise.*"},
                **by_resource,
            },
        ),
        (
            "a verdict changed",
            "The answer to a question changed. `overbuild diff` names the facts behind it.",
            {
                "expect": {"overbuild.verdict.changed"},
                "match": {"prefect.resource.id": "overbuild.verdict.*"},
                **by_resource,
            },
        ),
        (
            "no run has ended",
            f"No run has completed for {SILENT_AFTER.total_seconds() / 3600:.0f} hours. Is `overbuild serve` or a worker up?",
            {
                "after": {"prefect.flow-run.Completed"},
                "expect": {"prefect.flow-run.Completed"},
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
                "match_related": OF_RUNS,
                "posture": Posture.Proactive,
                "threshold": 1,
                "within": SILENT_AFTER,
            },
        ),
    ]
    return [
        Automation(
            name=f"{PREFIX}{name}",
            description=description,
            trigger=EventTrigger(**trigger),
            actions=[
                DoNothing()
                if block is None
                else SendNotification(
                    block_document_id=block,
                    subject=f"{PREFIX}{name}",
                    body=f"{description}\n\n{{{{ event.payload.text or event.resource.name }}}}",
                )
            ],
        )
        for name, description, trigger in listed
    ]


def write(notify_block: str = "") -> list[tuple[str, str]]:
    """Make them on the server that is set; gives each name with `created`, `updated` or `unchanged`.

    `notify_block` is the slug of a notification block (`slack-webhook/on-call`). What people switched off in the UI stays
    off. Raises UsageError for a block that the server does not have.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        block = _block(client, notify_block) if notify_block else None
        there = {one.name: one for one in client.read_automations() if one.name.startswith(PREFIX)}
        done = []
        for automation in automations(block):
            before = there.pop(automation.name, None)
            done.append((automation.name, _put(client, automation, before)))
        for name, left in there.items():  # an earlier version made it
            client.delete_automation(left.id)
            done.append((name, "removed"))
        return done


def _put(client: Any, automation: Any, before: Any) -> str:
    from prefect.events.schemas.automations import AutomationCore

    wanted = AutomationCore(**automation.model_dump(exclude={"id", "owner_resource"}))
    if before is None:
        client.create_automation(wanted)
        return "created"
    wanted = wanted.model_copy(update={"enabled": before.enabled})
    if _compared(wanted) == _compared(before):
        return "unchanged"
    client.update_automation(before.id, wanted)
    return "updated"


def _compared(automation: Any) -> Any:
    """What of an automation is ours to say: without ids and times that the server adds."""
    said = automation.model_dump(mode="json", include={"name", "description", "enabled", "trigger", "actions"})
    return _in_order(said)


def _in_order(value: Any) -> Any:
    """A value whose sets have one order, and without the ids of triggers."""
    if isinstance(value, dict):
        return {name: _in_order(each) for name, each in sorted(value.items()) if name != "id"}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return sorted((_in_order(each) for each in value), key=repr)
    return value


def _block(client: Any, slug: str) -> Any:
    kind, _, name = slug.partition("/")
    if not name:
        raise UsageError(f"--notify {slug}: name a block as Prefect does, by type and name: slack-webhook/on-call.")
    try:
        return client.read_block_document_by_name(name, kind).id
    except Exception as error:
        raise UsageError(
            f"--notify {slug}: the Prefect server has no such block. Make it on its page Blocks, or with "
            "`prefect block create`; `prefect block ls` lists those that there are."
        ) from error
