"""For whom the questions are asked: the four buyers, the group of them, and the revenue views that each has.

The method asks every question of every company and of the group of four, so that many marts are made by scope. The
group has two views of revenue, what end customers pay and what the sellers of computing are paid, as most dollars pass
through both and would be counted twice in a sum. A company has the second alone.
"""

from __future__ import annotations

GROUP = "ALL"
COMPANY_NAMES = {"MSFT": "Microsoft", "GOOGL": "Alphabet", "META": "Meta Platforms", "AMZN": "Amazon"}
COMPANIES = tuple(COMPANY_NAMES)
SCOPE_MEANINGS = COMPANY_NAMES | {GROUP: "the group of these four"}
SCOPES = tuple(SCOPE_MEANINGS)
VIEW_MEANINGS = {
    "infrastructure": "what the sellers of computing are paid",
    "end_customer": "what end customers pay, of which the sellers of computing get a part",
}

VIEWS: dict[str, tuple[str, ...]] = {scope: ("infrastructure",) for scope in COMPANIES} | {
    GROUP: ("infrastructure", "end_customer")
}
