"""The tone of a verdict or finding: what colour and sign it has, beside its words."""

from __future__ import annotations

TONES: dict[str, str] = {
    **dict.fromkeys(("looks_wasteful", "falls_short", "at_risk", "market_said_waste", "claim_fails", "wrong"), "bad"),
    **dict.fromkeys(
        ("not_shown_wasteful", "on_course", "looks_justified", "market_did_not_say_waste", "claim_holds", "confirmed"),
        "good",
    ),
    **dict.fromkeys(("claim_holds_for_its_scope", "approximately_right", "right_but_misleading"), "partly"),
    **dict.fromkeys(("cannot_tell", "cannot_check"), "open"),
}
