"""What every source of the SEC's EDGAR shares: its addresses, who asks, small bodies that are kept, JSON that is checked.

The SEC wants to know who asks: without a contact it refuses, and so do we. It counts requests by address, whichever
program or source sends them: so all its sources take their turns from one limit.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from warehouse.errors import DocumentError
from warehouse.settings import Settings
from warehouse.sources.common.source import Fetching
from warehouse.sources.common.unpacking import unpacked

SUBMISSIONS_URL = "https://data.sec.gov/submissions/CIK{cik:010}.json"
T = TypeVar("T")


def ready(settings: Settings) -> str | None:
    if settings.contact and "@" in settings.contact:
        return None
    return (
        "the SEC asks who is asking: set OVERBUILD_CONTACT to a name and an e-mail address, such as "
        "'Jane Doe jane@example.com'. It is sent as the User-Agent of each request and to nobody else."
    )


ACCESS: dict[str, Any] = {
    "terms": "public domain; at most 10 requests a second with a User-Agent that names a contact",
    "needs": "OVERBUILD_CONTACT",
    "on_refusal": "Check OVERBUILD_CONTACT: it must be a name and an e-mail address at which you can be reached.",
    "host": "data.sec.gov, www.sec.gov",
    "host_setting": "OVERBUILD_SEC_URL",
    "requests_per_second": 8.0,  # ten a second at most, whenever they arrive
    "rate_limit_of": "sec",
    "user_agent": lambda settings: f"overbuild {settings.contact}",
    "ready": ready,
}
"""How EDGAR is asked, for each `Source` of it."""


def kept(
    fetching: Fetching, url: str, name: str, kind: type[T], fresh_for: timedelta, *, absent_ok: bool = False
) -> T | None:
    """A small body that is kept for a while. One that is not what it should be costs no company: it is noted.

    It is asked for anew first, so that a bad answer is not kept as long as a good one.
    """
    why = ""
    for age in (fresh_for, timedelta(0)):
        received = fetching.get(url, name=name, expect="json", fresh_for=age, absent_ok=absent_ok)
        if received is None:
            return None
        try:
            return decoded(unpacked(received.document().body, name), kind, name)
        except DocumentError as error:
            why = error.what
    fetching.failed(name, why, url)
    return None


def decoded(body: bytes | msgspec.Raw, kind: type[T], name: str, place: str = "") -> T:
    """Text as what it should be. Raises DocumentError that names the field that is missing or something else.

    `name` is the document's, `place` where in it the text stands.
    """
    within = f"{place}: " if place else ""
    try:
        return msgspec.json.decode(body if isinstance(body, msgspec.Raw) else body.removeprefix(BOM_UTF8), type=kind)
    except RecursionError as error:
        raise DocumentError(name, f"{within}its lists nest too deep to be data. The document is kept.") from error
    except msgspec.ValidationError as error:
        raise DocumentError(
            name, f"{within}{error}; the SEC has changed its answer, or this is an error page."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentError(name, f"{within}this is not JSON, or it was cut short ({error}).") from error
