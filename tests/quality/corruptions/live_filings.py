"""Ways to corrupt a filing's page with inline XBRL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.quality.corruptions.changes import F, Kind

PAGE = Path(__file__).parents[2] / "excerpts" / "sec_inline_10q_AMZN.htm"
URL = "https://www.sec.gov/Archives/edgar/data/1018724/000101872425000086/amzn-20250630.htm"


def page(old: bytes = b"", new: bytes = b"") -> Callable[[], tuple[str, str, bytes]]:
    """Amazon's 10-Q to 2025-06-30 (an excerpt made by hand) with some bytes changed."""

    def live() -> tuple[str, str, bytes]:
        body = PAGE.read_bytes()
        assert old in body
        return "sec_inline_xbrl", URL, body.replace(old, new) if old else body

    return live


KINDS: tuple[Kind, ...] = (
    Kind("a filing: as it is", F, "", "accepted", live=page()),
    Kind(
        "a filing: a backlog in millions called billions",
        F,
        "a_thousandfold_off",
        "quarantined",
        live=page(b'scale="9" decimals="-9" format="ixt:num-dot-decimal" id="f-301">195<',
                  b'scale="12" decimals="-9" format="ixt:num-dot-decimal" id="f-301">195<'),
        names=("value_usd", "sec_inline_xbrl body, line 14"),
    ),
    Kind(
        "a filing: a backlog with its sign turned",
        F,
        "capex_and_revenue_not_negative",
        "quarantined",
        live=page(b'id="f-301">', b'sign="-" id="f-301">'),
        names=("value_usd",),
    ),
    Kind(
        "a filing: a number that is text",
        F,
        "reading",
        "quarantined",
        live=page(b'id="f-301">195<', b'id="f-301">about 195<'),
        names=("is not a number", "line 14"),
    ),
    Kind(
        "a filing: cut short",
        F,
        "reading",
        "left_out",
        live=page(b"</body>", b""),
        names=("line 16", "cut short"),
    ),
    Kind(
        "a filing: another company's",
        F,
        "reading",
        "left_out",
        live=page(b"0001018724", b"0000789019"),
        names=("is about CIK 789019, and 1018724 was asked for",),
    ),
)  # fmt: skip
