"""Whether a host answers at all: for `overbuild doctor`, which asks for no document."""

from __future__ import annotations

import time

from warehouse.fetching.client import why_not_reached

REACHED_WITHIN_SECONDS = 5.0


def host_answers(address: str, agent: dict[str, str], setting: str) -> tuple[bool, str]:
    import requests

    started = time.monotonic()
    try:
        with requests.head(address, timeout=REACHED_WITHIN_SECONDS, headers=agent, allow_redirects=False) as reply:
            return True, f"{address} answers ({reply.status_code}, {time.monotonic() - started:.1f} s)"
    except requests.RequestException as error:
        return False, f"{address} cannot be reached ({why_not_reached(error)}); check {setting}"
