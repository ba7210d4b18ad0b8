"""A person looks before an answer is published: the run pauses, shows what would change, and waits for Resume.

The run holds the lock of its OVERBUILD_HOME meanwhile, so that what was looked at is what is published. So it does not
wait for ever: after the time below it ends, and what is published stays.
"""

from __future__ import annotations

from collections.abc import Callable

from prefect.artifacts import create_markdown_artifact
from prefect.flow_runs import pause_flow_run

WAITS_SECONDS = 1800
LOOKS_EVERY_SECONDS = 5


def whether_to_publish(changes: str, say: Callable[[str], None]) -> None:
    """Pause this run until somebody resumes it. Raises Prefect's FlowPauseTimeout where nobody does in time."""
    create_markdown_artifact(changes, key="changes-before-publication", description="What publication would change")
    say(
        f"waits up to {WAITS_SECONDS // 60} minutes for Resume on this run's page: nothing is published before. "
        "The artifact changes-before-publication shows what would change. Cancel leaves what is published."
    )
    pause_flow_run(timeout=WAITS_SECONDS, poll_interval=LOOKS_EVERY_SECONDS, key="before publication")
    say("resumed: it is published now")
