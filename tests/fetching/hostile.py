"""Every way in which a host misbehaves that this project knows, for tests and for the long harness.

Each way takes the answer that a host would have given, and gives another one. `HARMLESS` ways change nothing that counts:
the rows must be the same. After all others there are no rows, or the same, and somebody says why.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.live_server import REFUSALS, Reply

Way = Callable[[Reply], Reply]


def _refusal(kind: str) -> Way:
    return lambda reply: REFUSALS[kind][0]


def _with(**changed: object) -> Way:
    return lambda reply: replace(reply, **changed)  # type: ignore[arg-type]


def _headers(**given: str) -> Way:
    return _with(headers={name.replace("_", "-"): value for name, value in given.items()})


def _body(change: Callable[[bytes], bytes]) -> Way:
    return lambda reply: replace(reply, body=change(reply.content))


def _status(status: int, **given: str) -> Way:
    headers = {name.replace("_", "-"): value for name, value in given.items()}
    return lambda reply: replace(reply, status=status, headers=headers)


def _dated(reply: Reply, days: int) -> Reply:
    """The answer of a host whose clock is off."""
    now = datetime.now(UTC) + timedelta(days=days)
    return replace(
        reply, headers={"Date": format_datetime(now, usegmt=True)}, last_modified=format_datetime(now, usegmt=True)
    )


def _is_json(body: bytes) -> bool:
    return body[:1] in (b"{", b"[")


HARMLESS: dict[str, Way] = {
    "compressed though not asked": _with(zipped=True),
    "a byte-order mark": _body(lambda body: b"\xef\xbb\xbf" + body),
    "data called a picture": _with(media_type="image/png"),
    "no type that is one": _with(media_type=";;;"),
    "a clock ten years ahead": _headers(Date="Mon, 30 Nov 2036 00:00:00 GMT", Expires="Mon, 30 Nov 2037 00:00:00 GMT"),
    "a clock a day ahead": lambda reply: _dated(reply, days=1),
    "a clock a day behind": lambda reply: _dated(reply, days=-1),
    "a clock at the beginning": _headers(Date="Thu, 01 Jan 1970 00:00:00 GMT", Age="99999999999"),
    "no date that is one": _headers(Date="yesterday", Last_Modified="the day before"),
    "changed in the far future": _headers(Last_Modified="Fri, 31 Dec 9999 23:59:59 -2359"),
    "changed before the calendar": _headers(Last_Modified="Mon, 01 Jan 0001 00:00:00 +2359"),
    "changed on no day": _headers(Last_Modified="Tue, 31 Feb 2026 25:61:61 GMT"),
    "a long header": _headers(X_Long="x" * 30_000),
    "an odd phrase": _with(reason="\x1b[31mOK \xff"),
    "a wait that nobody needs": _headers(Retry_After="86400"),
}
HARMFUL: dict[str, Way] = {
    **{kind: _refusal(kind) for kind in REFUSALS if kind not in ("huge", "huge_undeclared")},
    "an empty body": _body(lambda body: b""),
    "nothing but blanks": _body(lambda body: b" \r\n" * 50),
    "no content": _status(204),
    "a part that nobody asked for": _status(206, Content_Range="bytes 0-99/200"),
    "unchanged, though nothing is held": _status(304),
    "a status that is none": _status(999),
    "a redirect in a circle": _status(302, Location="?again"),
    "a redirect to nowhere": _status(301),
    "a redirect to a file": _status(302, Location="file:///etc/passwd"),
    "a redirect to another port": _status(307, Location="http://127.0.0.1:9/"),
    "a redirect that cannot be read": _status(308, Location="http://[::1/"),
    "a redirect with a line break": _status(302, Location="/x%0d%0aSet-Cookie: a=b"),
    "a length that is too short": lambda reply: replace(reply, headers={"Content-Length": str(len(reply.content) // 2)}),
    "a length that is too long": lambda reply: replace(reply, headers={"Content-Length": str(len(reply.content) + 9)},
                                                       manner="cut_short"),
    "a length that is none": _headers(Content_Length="-1"),
    "a length in letters": _headers(Content_Length="abc"),
    "a length with a point": _headers(Content_Length="1e3"),
    "two lengths in one": _headers(Content_Length="10, 20"),
    "called packed and is not": _headers(Content_Encoding="gzip"),
    "packed in a way nobody asked for": _headers(Content_Encoding="br"),
    "half of a packed body": _body(lambda body: gzip.compress(body)[: len(body) // 3][:60]),
    "packed twice": _body(lambda body: gzip.compress(gzip.compress(body))),
    "another alphabet": _body(lambda body: body.decode("utf-8", "replace").encode("utf-16")),
    "null": _body(lambda body: b"null"),
    "an empty list": _body(lambda body: b"[]"),
    "an empty object": _body(lambda body: b"{}"),
    "an empty list in an object": _body(lambda body: b'{"data": [], "Items": [], "items": [], "prices": []}'),
    "lists without end": _body(lambda body: b"[" * 100_000),
    "only a header line": _body(lambda body: b"{}" if _is_json(body) else body.partition(b"\n")[0] + b"\n"),
    "a list called a page": lambda reply: replace(
        reply, media_type="text/html", body=b"" if _is_json(reply.content) else reply.body
    ),
    "zeros": _body(lambda body: bytes(5_000)),
    "busy until long ago": _status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "busy until the far future": _status(503, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"),
    "busy for a number that is none": _status(429, Retry_After="NaN"),
    "busy for ever": _status(429, Retry_After="9" * 400),
    "busy for less than nothing": _status(503, Retry_After="-5"),
}  # fmt: skip


def may_bring_nothing(source: str, way: str) -> bool:
    """Whether an answer without a row is an answer: a ticker may have no bars, a chip no offers."""
    return (source, way) in (("tiingo", "an empty list"), ("vast", "an empty list in an object"))
