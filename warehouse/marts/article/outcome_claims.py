"""Claims about what came of it, and those that no figure decides."""

from __future__ import annotations

import polars as pl

from warehouse.marts.article.dossier import Dossier, Found, Row, ends, right
from warehouse.marts.article.market_claims import NVIDIA
from warehouse.marts.common.reasons import reason

SHARES_OF_INFERENCE = ("CC087", "CC088")
ANSWERS = {
    "looks_wasteful": "confirmed",
    "at_risk": "approximately_right",
    "not_shown_wasteful": "right_but_misleading",
    "looks_justified": "right_but_misleading",
}


def nvidia_revenue_after(claim: Row, dossier: Dossier) -> Found:
    """SC17."""
    quarters = (
        dossier.frames["capex_quarterly"]
        .filter(pl.col("ticker") == NVIDIA, pl.col("revenue_usd").is_not_null())
        .sort("period_end")
    )
    before = quarters.filter(pl.col("period_end") < claim["statement_date"])
    after = quarters.filter(pl.col("period_end") >= claim["statement_date"])
    if before.is_empty() or after.is_empty():
        raise dossier.missing("nvidia_revenue_after")
    last_before, last = before.row(-1, named=True), after.row(-1, named=True)
    for row in (last_before, after.row(0, named=True), last):
        dossier.used_mart("capex_quarterly", row, "ticker", "period_end")
    was, now = last_before["revenue_usd"], last["revenue_usd"]
    least, most = map(float, ends(after["revenue_usd"]))
    reasons = [
        reason(
            "revenue_went",
            before_usd=was,
            before_end=last_before["period_end"],
            after_usd=now,
            after_end=last["period_end"],
            least_usd=least,
        ),
        reason("revenue_is_all_of_it"),
    ]
    if now <= was:
        reasons.append(right("nvidia_said_so"))
    return Found("approximately_right" if now > was else "wrong", reasons, now, least, most)


def inference_share(claim: Row, dossier: Dossier) -> Found:
    """SC18: by the estimate that became known last."""
    facts = dossier.rows("evidence").filter(pl.col("evidence_id").is_in(SHARES_OF_INFERENCE)).sort("known_on")
    if facts.is_empty():
        raise dossier.missing("share_of_inference")
    for row in facts.to_dicts():
        dossier.used("evidence", row)
    last = facts.row(-1, named=True)
    value = last["value"]
    low, high = last["value_low"] or value, last["value_high"] or value
    enough = low >= dossier.assumptions.number("claim_large_share")
    reasons = [
        reason("inference_share", entity=last["entity"], share=value, of=last["metric"], low=low, high=high),
        reason("claim_has_no_number"),
    ]
    return Found("approximately_right" if enough else "cannot_check", reasons, value, low, high)


def is_it_wasted(claim: Row, dossier: Dossier) -> Found:
    """SC20."""
    row = dossier.need_mart("verdict", "verdict", "scope", "question", scope="ALL", question="overall")
    parts = dossier.frames["verdict"].filter(pl.col("scope") == "ALL", pl.col("question") != "overall")
    verdicts = dict(parts.sort("question").select("question", "verdict").iter_rows())
    leanings = dict(parts.filter(pl.col("leaning").is_not_null()).select("question", "leaning").iter_rows())
    reasons = [
        reason("question_and_not_a_claim", verdict=row["verdict"], by_question=verdicts, leanings=leanings),
        right("to_ask_is_right"),
    ]
    return Found(ANSWERS.get(row["verdict"], "cannot_check"), reasons, text=row["verdict"])


def hearsay_count(claim: Row, dossier: Dossier) -> Found:
    """SC28: nothing better than hearsay is known, so it is shown as such."""
    dossier.find("evidence", hearsay=True, evidence_id="CC005")
    family = dossier.find("evidence", hearsay=True, evidence_id="CC004")
    curated = claim["curated_reason"]
    reasons = [reason("curated_finding", text=curated) if curated else reason("count_is_hearsay")]
    if family is not None:
        reasons.append(reason("other_hearsay", known_on=family["known_on"], chips=family["value"]))
    return Found("cannot_check", reasons)
