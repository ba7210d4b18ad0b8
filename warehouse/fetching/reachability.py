"""Whether a host answers at all, and in words why it does not: for requests that failed, and for `overbuild doctor`."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

REACHED_WITHIN_SECONDS = 5.0


def host_answers(address: str, agent: dict[str, str], setting: str) -> tuple[bool, str]:
    """Whether a host answers one short request, whatever it answers, and what to say of it."""
    import requests

    started = time.monotonic()
    try:
        with requests.head(address, timeout=REACHED_WITHIN_SECONDS, headers=agent, allow_redirects=False) as reply:
            return True, f"{address} answers ({reply.status_code}, {time.monotonic() - started:.1f} s)"
    except requests.RequestException as error:
        return False, f"{address} cannot be reached ({why_not_reached(error)}); check {setting}"


def why_not_reached(error: BaseException) -> str:
    """What kept a host from answering, in words: its name is not known, it refuses, its certificate is not good."""
    import requests
    import urllib3

    causes = _causes(error)
    if any(isinstance(one, requests.Timeout | TimeoutError) for one in causes):
        return "no answer in time"
    if any(isinstance(one, urllib3.exceptions.NameResolutionError | socket.gaierror) for one in causes):
        return "the name of the host is not known"
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {one.verify_message}"
    if any(isinstance(one, ssl.SSLError | requests.exceptions.SSLError) for one in causes):
        return "no secure connection could be made"
    if any(isinstance(one, ConnectionRefusedError) for one in causes):
        return "it refuses connections"
    return "it closed the connection" if isinstance(error, requests.ConnectionError) else type(error).__name__


def _causes(error: BaseException) -> list[BaseException]:
    """An error and those it came of: libraries hide the first cause in arguments, reasons and contexts."""
    causes: list[BaseException] = []
    cause: Any = error
    while isinstance(cause, BaseException) and cause not in causes:
        causes.append(cause)
        within = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        cause = next((one for one in within if isinstance(one, BaseException)), None)
    return causes
