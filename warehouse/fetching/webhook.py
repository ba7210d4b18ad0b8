"""A message to a webhook: the one request that sends something out instead of asking for a document."""

from __future__ import annotations

WAITS_SECONDS = (5, 15)  # for a connection, for an answer


def deliver(address: str, body: dict[str, str]) -> str:
    """Post to the webhook; gives what went wrong, without the address, or ''."""
    import requests  # only where there is something to send

    try:
        with requests.post(address, json=body, timeout=WAITS_SECONDS, allow_redirects=False, stream=True) as reply:
            return "" if 200 <= reply.status_code < 300 else f"answered {reply.status_code}"
    except requests.RequestException as error:  # its text holds the address
        return f"could not be reached ({type(error).__name__})"
