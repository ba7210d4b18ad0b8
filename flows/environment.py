"""How Prefect and Great Expectations behave here unless the user's environment says otherwise.

Both send usage analytics by default; here they do not. Prefect's own console log is for its developers: the flow says what
a run does, and the same lines reach Prefect's UI. Prefect speaks to a server on this machine, and no proxy of the
environment is asked for that. Call `prepare` before either is imported.
"""

from __future__ import annotations

import os

from warehouse.fetching.transport import spare_loopback

DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


def prepare() -> None:
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    spare_loopback()
